/** What `qq-mini trigger` and `qq-mini logs` do: they talk to a running sandbox. */
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import { isObject } from "effect/Predicate"
import * as Stream from "effect/Stream"
import { endWith, exitCodes, Failure, wrongUsage } from "../frame/exit.ts"
import { both } from "../frame/invocation.ts"
import { print, style } from "../frame/output.ts"
import { defaultPort } from "./command.ts"

type Text = Option.Option<string>

const isLocal = (url: string) => /^(127\.|localhost$|\[::1\]$)/.test(URL.parse(url)?.hostname ?? "")

/** Where the sandbox is. The variable may name QQ itself, which has no events to trigger. */
const urlOf = (flag: Text): string =>
  Option.getOrElse(flag, () => {
    const { QQ_BASE_URL = "" } = process.env
    return isLocal(QQ_BASE_URL) ? QQ_BASE_URL : `http://127.0.0.1:${defaultPort}`
  }).replace(/\/+$/, "")

const away = (url: string) =>
  new Failure({
    exit: exitCodes.unreachable,
    reason: "SandboxAway",
    help: both(
      `No sandbox answers at ${url}. Start one with qq-mini sandbox, or name it with --url.`,
      `${url} 没有沙箱响应。请用 qq-mini sandbox 启动，或用 --url 指定。`
    )
  })

interface Answer {
  readonly result?: unknown
  readonly error?: { readonly en: string; readonly zh: string }
}

/** Calls a method of the sandbox. */
const call = Effect.fnUntraced(function* (url: string, method: string, argument: unknown) {
  const answer = yield* HttpClient.post(`${url}/sandbox/do/${encodeURIComponent(method)}`, {
    body: HttpBody.jsonUnsafe(argument === undefined ? [] : [argument])
  }).pipe(
    Effect.flatMap((response) => response.json),
    Effect.mapError(() => away(url)),
    Effect.provide(FetchHttpClient.layer)
  )
  if (!isObject(answer)) return yield* away(url)
  const { error, result } = answer as Answer
  return error === undefined ? result : yield* wrongUsage(error)
})

/** An event: its method, and the field that the argument of the command is. Without a field it is all of the argument. */
interface Event {
  readonly method: string
  readonly field?: string
  readonly fixed?: Readonly<Record<string, unknown>>
}

const events: Readonly<Record<string, Event>> = {
  payment: { method: "pay", field: "bill_no" },
  push: { method: "pushForm", field: "openid" },
  login: { method: "login", field: "user" },
  subscribe: { method: "subscribe", field: "openid" },
  revoke: { method: "revokeTokens" },
  steal: { method: "stealToken" },
  busy: { method: "fault", field: "endpoint", fixed: { kind: "code", code: -1 } },
  fault: { method: "fault", field: "kind" }
}

/** Numbers and other JSON values as such, else the text. */
const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** Whether the sandbox did nothing: there is no such order, or it is paid already. */
const isNothing = (result: unknown) => isObject(result) && "state" in result && result.state !== "paid"

/** Runs `trigger`. */
export const trigger = Effect.fnUntraced(function* (flags: {
  readonly event: string
  readonly argument: Text
  readonly set: Option.Option<Readonly<Record<string, string>>>
  readonly url: Text
}) {
  const { field, fixed, method } = events[flags.event] ?? { method: flags.event }
  const argument = Option.getOrUndefined(flags.argument)
  const set = Object.entries(Option.getOrElse(flags.set, () => ({}))).map(([name, text]) => [name, valueOf(text)])
  const fields = {
    ...fixed,
    ...(field === undefined || argument === undefined ? {} : { [field]: argument }),
    ...Object.fromEntries(set)
  }
  const isPlain = field === undefined && set.length === 0
  const result = yield* call(urlOf(flags.url), method, isPlain ? argument : fields)
  yield* print(
    { result: result ?? null },
    result === undefined || result === null ? "ok" : JSON.stringify(result, undefined, 2)
  )
  if (isNothing(result)) yield* endWith(exitCodes.no)
})

interface Entry {
  readonly at: number
  readonly endpoint: string
  readonly appid?: string
  readonly params?: unknown
  readonly fault?: string
  readonly code?: number
}

const line = ({ appid = "-", at, code, endpoint, fault, params }: Entry): string => {
  const status = code === undefined ? "-" : String(code)
  return [
    style("dim", new Date(at).toTimeString().slice(0, 8)),
    endpoint,
    appid,
    style(code === 0 && fault === undefined ? "green" : "red", fault === undefined ? status : `${status} (${fault})`),
    style("dim", JSON.stringify(params ?? {}))
  ].join("  ")
}

/** The requests of a stream of events. effect's own decoder ends at `retry`, with which the sandbox begins. */
const requests = (response: HttpClientResponse.HttpClientResponse) =>
  Stream.suspend(() => {
    let found: Array<Entry> = []
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event" && event.event === "request") found.push(JSON.parse(event.data) as Entry)
    })
    return response.stream.pipe(
      Stream.decodeText,
      Stream.map((text) => {
        found = []
        parser.feed(text)
        return found
      }),
      Stream.flattenIterable
    )
  })

const show = (entry: Entry) => print(entry, line(entry))

/** Runs `logs`. */
export const logs = Effect.fnUntraced(function* (flags: {
  readonly follow: boolean
  readonly call: Text
  readonly url: Text
}) {
  const url = urlOf(flags.url)
  const only = Option.getOrUndefined(flags.call)
  if (!flags.follow) {
    return yield* Effect.forEach((yield* call(url, "requests", only)) as ReadonlyArray<Entry>, show, { discard: true })
  }
  yield* HttpClient.get(`${url}/sandbox/events`).pipe(
    Effect.flatMap((response) =>
      Stream.runForEach(requests(response), (entry) =>
        only === undefined || entry.endpoint === only ? show(entry) : Effect.void
      )
    ),
    Effect.mapError(() => away(url)),
    Effect.provide(FetchHttpClient.layer)
  )
  return yield* away(url)
})
