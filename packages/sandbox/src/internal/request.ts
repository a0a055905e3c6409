import { sameSecret } from "@qq-mini/core/adapter/secrets"
import type * as Endpoint from "@qq-mini/core/Endpoint"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Result from "effect/Result"
import * as Fault from "../Fault.ts"
import { answerOf, notFound, refusalOf } from "./answer.ts"
import { endpoints, perform, spend } from "./calls.ts"
import type { Faults } from "./faults.ts"
import { type LogEntry, shownParams } from "./log.ts"
import { miniCode } from "./miniCode.ts"
import { readParams } from "./params.ts"
import type { Platform } from "./platform.ts"
import { type Refusal, refuse } from "./refusal.ts"
import { isPayment } from "./signed.ts"

/** A request for a call, with what has been read of it so far. */
interface Asked {
  readonly endpoint: Endpoint.Any
  readonly query: URLSearchParams
  readonly fault: Fault.Fault | undefined
  appid: string | undefined
  params: Readonly<Record<string, unknown>>
}

/** Checks the AppSecret of a request. Returns the appid of its program. */
const bySecret = Effect.fnUntraced(function* (asked: Asked, platform: Platform): Effect.fn.Return<string, Refusal> {
  const { endpoint, params, query } = asked
  const appid = query.get("appid") ?? ""
  asked.appid = appid
  if (endpoint.name === "auth.getAccessToken" && params["grant_type"] !== "client_credential") {
    return yield* refuse(40002, "invalid grant_type")
  }
  const codes =
    endpoint.name === "auth.code2Session" ? platform.switches.loginCodes : { appid: 40013, appsecret: 40001 }
  const own = platform.program(appid)
  if (own === undefined) return yield* refuse(codes.appid, "invalid appid")
  if (!sameSecret(own.appsecret, query.get("secret") ?? "")) {
    return yield* refuse(codes.appsecret, "invalid appsecret")
  }
  return appid
})

const badTokenCode = (endpoint: Endpoint.Any, { switches }: Platform): number =>
  switches.badTokenCode !== "documented"
    ? switches.badTokenCode
    : isPayment(endpoint)
      ? -3000
      : endpoint.name === "subscribeMessage.send"
        ? 40014
        : 40001

/** Checks the access token of a request. Returns the appid of its program. */
const byToken = Effect.fnUntraced(function* (
  asked: Asked,
  bodyAppid: unknown,
  platform: Platform
): Effect.fn.Return<string, Refusal> {
  const { endpoint, fault, query } = asked
  const now = yield* Clock.currentTimeMillis
  const mine = platform.owner(query.get("access_token") ?? "", now)
  asked.appid = mine ?? (typeof bodyAppid === "string" ? bodyAppid : undefined)
  if (fault?.kind === "revokedToken" && mine !== undefined) platform.revoke(mine)
  if (fault?.kind === "stolenToken" && mine !== undefined) platform.issue(mine, now)
  if (mine === undefined || fault?.kind === "badToken" || fault?.kind === "revokedToken") {
    return yield* refuse(badTokenCode(endpoint, platform), "access_token invalid")
  }
  if (endpoint.appid && endpoint.compose === undefined && bodyAppid !== mine)
    return yield* refuse(40013, "invalid appid")
  return mine
})

const serve = Effect.fnUntraced(function* (
  asked: Asked,
  request: HttpServerRequest.HttpServerRequest,
  platform: Platform
): Effect.fn.Return<unknown, Refusal> {
  const { endpoint, fault } = asked
  const { bytes, params: body } = yield* readParams(endpoint, request, asked.query)
  const { appid: bodyAppid, ...params } = body
  asked.params = endpoint.appid ? params : body
  const appid = yield* endpoint.authorization === "secret"
    ? bySecret(asked, platform)
    : byToken(asked, bodyAppid, platform)
  if (fault?.kind === "code") return yield* refuse(fault.code ?? -1, "fault on demand")
  const kept = platform.limits(endpoint).filter((limit) => limit.enforcedBy === "client")
  yield* spend(platform, `${endpoint.name} ${appid}`, kept, platform.switches.quotaCode)
  return yield* perform(endpoint, { appid, body, bytes, query: asked.query }, platform)
})

/** Answers the provided request. Returns `undefined` if the connection breaks without an answer. */
export const answerRequest = Effect.fnUntraced(function* (
  platform: Platform,
  faults: Faults
): Effect.fn.Return<HttpServerResponse.HttpServerResponse | undefined, never, HttpServerRequest.HttpServerRequest> {
  const { first, switches } = platform
  const request = yield* HttpServerRequest.HttpServerRequest
  const url = URL.parse(request.url, "http://sandbox") ?? new URL("http://sandbox/")
  const at = yield* Clock.currentTimeMillis
  const endpoint = endpoints.find((one) => one.path === url.pathname && one.method === request.method)
  const { method } = request
  const type = request.headers["content-type"]
  /** Shows the people who watch a request with its answer. */
  const show = (entry: LogEntry, response: HttpServerResponse.HttpServerResponse | undefined) =>
    platform.exchanges.add({ ...entry, method, url, type, response })
  if (endpoint === undefined) {
    const { pathname } = url
    const entry = { at, endpoint: pathname, appid: undefined, params: {}, fault: undefined, code: undefined }
    platform.log.push(entry)
    yield* show(entry, notFound)
    return notFound
  }
  const fault = yield* faults.strike(endpoint.name, at)
  const asked: Asked = { endpoint, query: url.searchParams, fault, appid: undefined, params: {} }
  const note = (code: number | undefined): LogEntry => {
    const params = shownParams(endpoint, asked.params)
    const entry = { at, endpoint: endpoint.name, appid: asked.appid, params, fault: fault?.kind, code }
    platform.log.push(entry)
    return entry
  }
  if (fault?.kind === "resetBefore") {
    yield* show(note(undefined), undefined)
    return undefined
  }
  const result = yield* Effect.result(serve(asked, request, platform))
  const entry = note(Result.isSuccess(result) ? 0 : result.failure.code)
  const response = Result.isSuccess(result)
    ? answerOf(endpoint, result.success, switches)
    : refusalOf(endpoint, result.failure, switches)
  // A late answer is shown before it is sent.
  if (fault === undefined || fault.kind === "slowHeaders") yield* show(entry, response)
  if (fault === undefined) return response
  const image = Effect.map(Effect.orDie(miniCode(first, undefined)), ({ bytes }) => bytes)
  const spoiled = yield* Fault.spoil(fault, response, { endpoint, jsonType: switches.jsonType, image })
  if (fault.kind !== "slowHeaders") yield* show(entry, spoiled)
  return spoiled
})
