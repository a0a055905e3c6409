/** The console of a running sandbox and its control API: all that is below `/sandbox/`. */
import type { Help, QQError } from "@qq-mini/core/QQError"
import * as App from "@qq-mini/core/App"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { isObject } from "effect/Predicate"
import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import * as Fault from "../Fault.ts"
import { maskFields } from "../internal/mask.ts"
import { callMethod, type Method, methods } from "../internal/use.ts"
import type { Sandbox } from "../Sandbox.ts"
import { events } from "./events.ts"
import { fileAt } from "./files.ts"
import { isOwn } from "./guard.ts"
import { masker } from "./masking.ts"
import { calls, type Trial, tryCall } from "./tryCall.ts"

const prefix = "/sandbox/"

/** Whether a request is for the console, and not for QQ. A browser at the root is led there. */
export const isForConsole = ({ headers, url }: HttpServerRequest.HttpServerRequest): boolean =>
  url.startsWith(prefix) || /^\/sandbox(\?|$)/.test(url) || (url === "/" && /text\/html/.test(headers["accept"] ?? ""))

const refusal = (status: number, help: Help) => HttpServerResponse.jsonUnsafe({ error: help }, { status })

const foreign = refusal(403, {
  en: "Only pages and programs of this machine may use the sandbox's console. Open it by its IP address.",
  zh: "沙箱控制台只接受本机页面和程序的访问。请用 IP 地址打开。"
})
const notFound = refusal(404, { en: "There is nothing at this path.", zh: "该路径不存在。" })

const unreadable = App.invalidConfig("body", "must be JSON", "必须是 JSON")
const tooMany = App.invalidConfig("arguments", "must be one argument at most", "最多一个参数")
const unknownMethod = App.invalidConfig(
  "method",
  `must be one of ${methods.join(", ")}`,
  `必须是以下之一：${methods.join("、")}`
)

// Larger than any picture for a trial.
const maxBodySize = ByteSize.mebibytes(4)

const readJson = Effect.gen(function* (): Effect.fn.Return<unknown, QQError, HttpServerRequest.HttpServerRequest> {
  const request = yield* HttpServerRequest.HttpServerRequest
  const text = yield* Effect.mapError(request.text, () => unreadable)
  return yield* Effect.try({ try: () => (text === "" ? {} : (JSON.parse(text) as unknown)), catch: () => unreadable })
})

/** Calls a method of the platform with a JSON array of its arguments, or with the argument alone. */
const act = Effect.fnUntraced(function* (
  platform: Sandbox["Service"],
  method: string
): Effect.fn.Return<unknown, QQError, HttpServerRequest.HttpServerRequest> {
  if (!methods.includes(method as Method)) return yield* unknownMethod
  const body = yield* readJson
  const [argument, ...more] = Array.isArray(body)
    ? body
    : isObject(body) && Object.keys(body).length === 0
      ? []
      : [body]
  if (more.length > 0) return yield* tooMany
  // JSON has no bytes.
  const bytes = method === "markRisky" && typeof argument === "string" ? Buffer.from(argument, "base64") : argument
  const result = yield* callMethod(platform, method as Method, bytes)
  return typeof result === "string" && method === "stealToken" ? maskFields(result, "token") : maskFields(result)
})

const trial = (body: unknown): Trial => {
  const { appid, call, input } = isObject(body) ? (body as Readonly<Record<string, unknown>>) : {}
  return { appid: String(appid), call: String(call), input: isObject(input) ? (input as Trial["input"]) : {} }
}

/** Describes the API as it is here: "try it out" must not lead to QQ. */
const openapi = Effect.promise(async () => {
  const text = await readFile(new URL("../../openapi.json", import.meta.url), "utf8")
  return JSON.stringify({
    ...(JSON.parse(text) as object),
    servers: [{ url: "/", description: "The sandbox\n\n沙箱" }]
  })
})

/** Makes the console of a platform. It answers the requests below `/sandbox/`. */
export const make = (
  platform: Sandbox["Service"]
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> => {
  const run = randomUUID().slice(0, 8)
  const mask = masker(platform.programs)
  const json = (value: unknown, status = 200) =>
    HttpServerResponse.text(mask(JSON.stringify(value)), {
      status,
      contentType: "application/json; charset=utf-8",
      headers: { "cache-control": "no-store" }
    })
  const answer = <R>(effect: Effect.Effect<unknown, QQError, R>, failed = 400) =>
    Effect.match(effect, {
      onSuccess: (result = null) => json({ result }),
      onFailure: ({ reason }) => {
        const help: Help = { en: reason.message, zh: reason.help.zh }
        return json({ error: help }, failed)
      }
    })
  return Effect.gen(function* () {
    if (!(yield* isOwn)) return foreign
    const request = yield* HttpServerRequest.HttpServerRequest
    const path = request.url.split("?")[0]!.slice(prefix.length)
    if (request.method === "POST") {
      if (path.startsWith("do/")) return yield* answer(act(platform, path.slice(3)))
      if (path === "try") {
        const tried = Effect.flatMap(readJson, (body) => tryCall(platform, trial(body)))
        // That QQ refuses a call is no mistake of the page.
        return yield* answer(
          Effect.map(tried, (value) => maskFields(value)),
          200
        )
      }
      return notFound
    }
    if (!request.url.startsWith(prefix)) return HttpServerResponse.redirect(prefix)
    if (path === "events") return events(platform, { run, mask, lastId: request.headers["last-event-id"] })
    if (path === "openapi.json") {
      return HttpServerResponse.text(yield* openapi, { contentType: "application/json; charset=utf-8" })
    }
    if (path === "about.json") return json({ calls: calls(), faults: Fault.kinds })
    return (yield* fileAt(path)) ?? notFound
  }).pipe(Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBodySize))
}
