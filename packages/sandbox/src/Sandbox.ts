/**
 * QQ's mini-program platform on your desk.
 *
 * It is built from the core's own endpoint values, and behaves as QQ's documents and captured replies say: tokens that
 * live and rotate, login codes for one use, subscriptions that a message uses up, 50 mini codes, published pages, quotas in
 * rolling windows, checked texts and images. What QQ does not document is a switch. All time is Effect's `Clock`, so a
 * `TestClock` drives it.
 */
import type { AppCredentialsInput } from "@qq-mini/core/App"
import type * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Acode from "@qq-mini/core/Acode"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import { type Limit, windowMillis } from "@qq-mini/core/Quota"
import * as Transport from "@qq-mini/core/Transport"
import * as ByteSize from "effect/ByteSize"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { imageSize } from "image-size"
import * as QRCode from "qrcode"
import * as Fault from "./Fault.ts"
import { brief, readParams, Refusal, refuse } from "./internal/params.ts"

/** One mini program on the platform. */
export interface Program extends AppCredentialsInput {
  /** The pages of the published version. By default `pages/index/index`. */
  readonly pages?: ReadonlyArray<string> | undefined
  /** The templates of its messages, each with its keywords. By default one, {@link defaultTemplate}, with any keywords. */
  readonly templates?: Readonly<Record<string, ReadonlyArray<string> | "any">> | undefined
  /** Official accounts bound to it. */
  readonly officialAccounts?: ReadonlyArray<string> | undefined
}

/** What QQ does not document, each with the likeliest behaviour as default. */
export interface Switches {
  /** Seconds a token lives. 7200. */
  readonly tokenLifetime: number
  /** Seconds the old token is good after a new one was fetched. 300, as QQ's page says. */
  readonly oldTokenGrace: number
  /** Whether getToken writes `errcode: 0` beside the token. `true`, as captured; QQ's page has none. */
  readonly tokenErrcode: boolean
  /** The code for a bad token. 40001, and 40014 at subscription messages. */
  readonly badTokenCode: number | "documented"
  /** The codes of a login for an appid QQ does not know, a wrong secret and a bad code. -101600007, -101222100, 40029. */
  readonly loginCodes: { readonly appid: number; readonly appsecret: number; readonly code: number }
  /** The code for a user who did not subscribe. 46001; vk's table has 43101. */
  readonly notSubscribedCode: number
  /** Seconds between two messages to one user, below which the answer is 41030. 0: never. */
  readonly sameUserSeconds: number
  /** The code for a full quota of the program. 45009. */
  readonly quotaCode: number
  /** The code for an image of the wrong type or size in pixels. 40035. */
  readonly badImageCode: number
  /** Whether an image may be 1334 × 750 as well as 750 × 1334. `true`. */
  readonly imageEitherWayRound: boolean
  /** Whether a day, for the one message a day, is the calendar's in China or 24 hours. `calendar`. */
  readonly messageDay: "calendar" | "rolling"
  /** Whether users have a unionid. `true`. */
  readonly unionid: boolean
  /** The HTTP status of QQ's errors. 200. */
  readonly errorStatus: number
  /** The Content-Type of JSON. */
  readonly jsonType: string
}

/** The switches as they stand when nothing is said. */
export const defaultSwitches: Switches = {
  tokenLifetime: 7_200,
  oldTokenGrace: 300,
  tokenErrcode: true,
  badTokenCode: "documented",
  loginCodes: { appid: -101600007, appsecret: -101222100, code: 40029 },
  notSubscribedCode: 46001,
  sameUserSeconds: 0,
  quotaCode: 45009,
  badImageCode: 40035,
  imageEitherWayRound: true,
  messageDay: "calendar",
  unionid: true,
  errorStatus: 200,
  jsonType: "application/json; charset=utf-8"
}

/** One request, as the platform saw it. */
export interface LogEntry {
  /** Milliseconds of the platform's clock. */
  readonly at: number
  /** The call, as `security.msgSecCheck`, or the path when there is no such call. */
  readonly endpoint: string
  readonly appid: string | undefined
  /** The parameters by their wire names, without secrets and tokens; of a file its type and size, of a long text its beginning. */
  readonly params: Readonly<Record<string, unknown>>
  /** The fault that struck. */
  readonly fault: Fault.FaultKind | undefined
  /** The code the platform came to: 0 when it did what was asked; `undefined` when it never got that far. */
  readonly code: number | undefined
}

/** How to set up a platform. */
export interface Options {
  /** By default {@link defaultPrograms}. The first one is the default program of clients made here. */
  readonly programs?: ReadonlyArray<Program> | undefined
  readonly switches?: Partial<Switches> | undefined
  /** Other limits than QQ's, by call; for tests that can't push 4,000 calls. */
  readonly quota?: Readonly<Record<string, ReadonlyArray<Limit>>> | undefined
  /** Texts that are risky wherever they stand in a content. The samples of QQ's document always are. */
  readonly riskyTexts?: ReadonlyArray<string> | undefined
}

/** The template that programs have when they name none. */
export const defaultTemplate = "sandbox-template"

/** Two programs to begin with. */
export const defaultPrograms: readonly [Program, Program] = [
  {
    appid: "1112345678",
    appsecret: "sandboxSecretOfTheFirst",
    pages: ["pages/index/index", "pages/detail/detail"]
  },
  { appid: "1198765432", appsecret: "sandboxSecretOfTheOther", pages: ["pages/index/index"] }
]

/** The texts that QQ's document gives as risky samples. */
export const riskySamples: ReadonlyArray<string> = [
  "特3456书yuuo莞6543李zxcz蒜7782法fgnv级",
  "完2347全dfji试3726测asad感3847知qwez到"
]

/** The platform, and everything that happens on it without a call of the server API. */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    /** Answers one request. A reset is `undefined`: the connection breaks without an answer. */
    readonly handle: Effect.Effect<
      HttpServerResponse.HttpServerResponse | undefined,
      never,
      HttpServerRequest.HttpServerRequest
    >
    /** A user logs in, as with `qq.login`: gives the code, and the user's openid in the program. */
    readonly login: (user?: {
      readonly user?: string
      readonly appid?: string
    }) => Effect.Effect<{ readonly code: string; readonly openid: string }>
    /** A user subscribes to a template, as with `qq.subscribeAppMsg`: one message for each time. */
    readonly subscribe: (options: {
      readonly openid: string
      readonly template_id?: string
      readonly times?: number
    }) => Effect.Effect<void>
    /** A user refuses the messages of a template. */
    readonly refuse: (options: { readonly openid: string; readonly template_id?: string }) => Effect.Effect<void>
    /** Another client fetches a token for the program, and gets it; the old one is good for its grace. */
    readonly stealToken: (appid?: string) => Effect.Effect<string>
    /** The program's tokens die at once. */
    readonly revokeTokens: (appid?: string) => Effect.Effect<void>
    /** An image is risky from now on, told by its bytes. */
    readonly markRisky: (image: Uint8Array) => Effect.Effect<void>
    /** Adds a fault. */
    readonly fault: (fault: Fault.Fault) => Effect.Effect<void>
    /** Takes all faults back. */
    readonly heal: Effect.Effect<void>
    /** What was asked so far, oldest first. */
    readonly log: Effect.Effect<ReadonlyArray<LogEntry>>
    /** How often a call was asked. */
    readonly count: (endpoint: string) => Effect.Effect<number>
    /** Empties the log. */
    readonly clearLog: Effect.Effect<void>
    /** The programs on the platform. */
    readonly programs: ReadonlyArray<Program>
  }
>()("@qq-mini/sandbox/Sandbox") {}

interface Token {
  readonly value: string
  validUntil: number
}

interface Login {
  readonly appid: string
  readonly openid: string
  readonly validUntil: number
  used: boolean
}

interface User {
  readonly appid: string
  readonly openid: string
  readonly unionid: string
  readonly sessionKey: string
  readonly subscriptions: Map<string, number | "refused">
  lastMessage: number
}

interface ActiveFault {
  readonly fault: Fault.Fault
  left: number
  readonly until: number
}

type Named = (typeof groups)[keyof typeof groups]
type Endpoints = Named extends infer G ? (G extends unknown ? G[keyof G] : never) : never
const endpoints: ReadonlyArray<Endpoint.Any> = Object.values(groups).flatMap((group) => Object.values(group))

// more than any call may carry
const maxBody = ByteSize.mebibytes(4)

const chinaDay = (millis: number) => Math.floor((millis + 8 * 3_600_000) / 86_400_000)

/** Makes a platform. */
export const make = Effect.fnUntraced(function* (options: Options = {}): Effect.fn.Return<Sandbox["Service"]> {
  const switches: Switches = { ...defaultSwitches, ...options.switches }
  const programs = options.programs ?? defaultPrograms
  const risky = [...riskySamples, ...(options.riskyTexts ?? [])]
  const random = yield* Random.Random
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => Math.floor(random.nextDoubleUnsafe() * 16).toString(16)).join("")

  const tokens = new Map<string, Array<Token>>()
  const logins = new Map<string, Login>()
  const users = new Map<string, User>()
  const openids = new Map<string, User>()
  const used = new Map<string, Array<number>>()
  const riskyImages = new Set<string>()
  let faults: Array<ActiveFault> = []
  let log: Array<LogEntry> = []
  const first = programs[0]?.appid ?? ""

  const program = (appid: string) => programs.find((one) => one.appid === appid)

  // --- tokens -------------------------------------------------------------------------------------------------------

  const issue = (appid: string): Effect.Effect<string> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const list = (tokens.get(appid) ?? []).filter((token) => token.validUntil > now)
      for (const token of list) token.validUntil = Math.min(token.validUntil, now + switches.oldTokenGrace * 1_000)
      const token: Token = {
        value: hex(64).toUpperCase(),
        validUntil: now + switches.tokenLifetime * 1_000
      }
      tokens.set(appid, [...list, token])
      return token.value
    })

  const owner = (value: string, now: number): string | undefined => {
    for (const [appid, list] of tokens) {
      if (list.some((token) => token.value === value && token.validUntil > now)) return appid
    }
    return undefined
  }

  const badToken = (endpoint: Endpoint.Any) =>
    switches.badTokenCode !== "documented"
      ? switches.badTokenCode
      : endpoint.endpoint === "subscribeMessage.send"
        ? 40014
        : 40001

  // --- quotas -------------------------------------------------------------------------------------------------------

  const spend = (key: string, limit: Limit, code: number): Effect.Effect<void, Refusal> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const id = `${key} ${limit.max}/${limit.per}`
      const window = windowMillis(limit.per)
      const times = used.get(id) ?? []
      // the window is open at its beginning: exactly one window later there is room again
      let from = 0
      while (from < times.length && times[from]! <= now - window) from++
      const live = from === 0 ? times : times.slice(from)
      if (live.length >= limit.max) {
        used.set(id, live)
        return refuse(code, "reach max api daily quota limit")
      }
      live.push(now)
      used.set(id, live)
      return Effect.void
    })

  const limits = (endpoint: Endpoint.Any): ReadonlyArray<Limit> =>
    options.quota?.[endpoint.endpoint] ?? endpoint.quota ?? []

  // --- users --------------------------------------------------------------------------------------------------------

  const userOf = (appid: string, name: string): User => {
    const key = `${appid} ${name}`
    let user = users.get(key)
    if (user === undefined) {
      const keyBytes = Array.from({ length: 16 }, () => Math.floor(random.nextDoubleUnsafe() * 256))
      user = {
        appid,
        openid: hex(32).toUpperCase(),
        unionid: `UID_${hex(32).toUpperCase()}`,
        sessionKey: btoa(String.fromCharCode(...keyBytes)),
        subscriptions: new Map(),
        lastMessage: -Infinity
      }
      users.set(key, user)
      openids.set(user.openid, user)
    }
    return user
  }

  // --- what each call does ------------------------------------------------------------------------------------------

  type Handler<E> =
    E extends Endpoint.Endpoint<string, any, infer Wire, infer Output, any>
      ? (params: Wire["Type"], appid: string) => Effect.Effect<Output["Type"], Refusal>
      : never

  const handlers: { readonly [E in Endpoints as E["endpoint"]]: Handler<E> } = {
    "auth.getAccessToken": (_, appid) =>
      Effect.map(issue(appid), (token) => ({
        access_token: Redacted.make(token),
        expires_in: switches.tokenLifetime
      })),

    "auth.code2Session": Effect.fnUntraced(function* ({ code }, appid) {
      const now = yield* Clock.currentTimeMillis
      const login = logins.get(code)
      if (login === undefined || login.appid !== appid || login.used || login.validUntil <= now) {
        return yield* refuse(switches.loginCodes.code, "invalid code")
      }
      const user = openids.get(login.openid)!
      for (const limit of limits(groups.auth.code2Session)) {
        yield* spend(`login ${user.openid}`, limit, 45011)
      }
      login.used = true
      return {
        openid: user.openid,
        session_key: Redacted.make(user.sessionKey),
        ...(switches.unionid ? { unionid: user.unionid } : {})
      }
    }),

    "acode.getMiniCode": Effect.fnUntraced(function* ({ path }, appid) {
      const pages = program(appid)?.pages ?? ["pages/index/index"]
      if (path !== undefined && !pages.includes(path.split("?")[0]!)) return yield* refuse(41030, "invalid page")
      const image = yield* Effect.mapError(miniCode(appid, path), () => new Refusal(40035, "invalid path"))
      for (const limit of limits(groups.acode.getMiniCode)) {
        yield* spend(`codes ${appid}`, limit, 45029)
      }
      return image
    }),

    "security.msgSecCheck": ({ content }) =>
      Effect.succeed({ risky: risky.some((sample) => content.includes(sample)) }),

    "security.imgSecCheck": Effect.fnUntraced(function* ({ media: { bytes } }) {
      if (bytes.length > 1024 * 1024) return yield* refuse(40006, "image size too large")
      const size = yield* Effect.try({
        try: () => imageSize(bytes),
        catch: () => new Refusal(switches.badImageCode, "invalid image")
      })
      const { height, type, width } = size
      if (type !== "png" && type !== "jpg" && type !== "gif") {
        return yield* refuse(switches.badImageCode, "invalid image type")
      }
      const turned = switches.imageEitherWayRound && width > height
      if ((turned ? height : width) > 750 || (turned ? width : height) > 1334) {
        return yield* refuse(switches.badImageCode, "image pixels too large")
      }
      return { risky: riskyImages.has(fingerprint(bytes)) }
    }),

    "subscribeMessage.send": Effect.fnUntraced(function* (message, appid) {
      const { data, oac_appid, template_id, touser } = message
      const user = openids.get(touser)
      const own = program(appid)!
      const templates = own.templates ?? { [defaultTemplate]: "any" as const }
      const keywords = Object.hasOwn(templates, template_id) ? templates[template_id] : undefined
      if (user === undefined || user.appid !== appid) return yield* refuse(40003, "invalid openid")
      if (keywords === undefined) return yield* refuse(40037, "invalid template_id")
      if (keywords !== "any" && keywords.some((keyword) => data[keyword] === undefined)) {
        return yield* refuse(47003, "argument invalid")
      }
      if (oac_appid !== undefined && !own.officialAccounts?.includes(oac_appid)) {
        return yield* refuse(40015, "invalid oac_appid")
      }
      const left = user.subscriptions.get(template_id) ?? 0
      if (left === "refused") return yield* refuse(46003, "user refuse to accept the msg")
      if (left === 0) return yield* refuse(switches.notSubscribedCode, "user not subscribe the msg")
      const now = yield* Clock.currentTimeMillis
      if (now - user.lastMessage < switches.sameUserSeconds * 1_000) return yield* refuse(41030, "send too fast")
      const day = switches.messageDay === "calendar" ? ` ${chinaDay(now)}` : ""
      for (const limit of limits(groups.subscribeMessage.send)) {
        yield* spend(`message ${touser}${day}`, limit, 46002)
      }
      user.subscriptions.set(template_id, left - 1)
      user.lastMessage = now
    })
  }

  // --- one request --------------------------------------------------------------------------------------------------

  const strike = Effect.fnUntraced(function* (endpoint: string, now: number) {
    faults = faults.filter((one) => one.left > 0 && one.until > now)
    for (const one of faults) {
      if (one.fault.endpoint !== undefined && one.fault.endpoint !== endpoint) continue
      if (one.fault.share !== undefined && (yield* Random.next) >= one.fault.share) continue
      one.left--
      return one.fault
    }
    return undefined
  })

  const json = (body: unknown, status = 200) =>
    HttpServerResponse.text(JSON.stringify(body), { status, contentType: switches.jsonType })

  const refusal = (endpoint: Endpoint.Any, { code, text }: Refusal) =>
    json(
      endpoint.answers === undefined ? { errcode: code, errmsg: text } : { errCode: code, errMsg: text },
      switches.errorStatus
    )

  const answer = (endpoint: Endpoint.Any, output: unknown): HttpServerResponse.HttpServerResponse => {
    if (endpoint.image) {
      const { bytes, mediaType } = output as Acode.Image
      return HttpServerResponse.uint8Array(bytes, { contentType: mediaType })
    }
    const body = Schema.encodeUnknownSync(endpoint.output as Schema.Codec<unknown, any>)(output)
    if (endpoint.endpoint === "auth.getAccessToken" && switches.tokenErrcode) return json({ ...body, errcode: 0 })
    return json(endpoint.endpoint === "auth.code2Session" ? { ...body, errcode: 0, errmsg: "", uin: "" } : body)
  }

  interface Asked {
    appid: string | undefined
    params: Record<string, unknown>
  }

  const serve = Effect.fnUntraced(function* (
    endpoint: Endpoint.Any,
    request: HttpServerRequest.HttpServerRequest,
    query: URLSearchParams,
    fault: Fault.Fault | undefined,
    asked: Asked
  ): Effect.fn.Return<unknown, Refusal> {
    const { appid: bodyAppid, ...params } = yield* readParams(endpoint, request, query)
    asked.params = endpoint.appid || bodyAppid === undefined ? params : { ...params, appid: bodyAppid }
    let appid: string
    if (endpoint.authority === "secret") {
      appid = query.get("appid") ?? ""
      asked.appid = appid
      const own = program(appid)
      const codes = endpoint.endpoint === "auth.code2Session" ? switches.loginCodes : { appid: 40013, appsecret: 40001 }
      if (endpoint.endpoint === "auth.getAccessToken" && params["grant_type"] !== "client_credential") {
        return yield* refuse(40002, "invalid grant_type")
      }
      if (own === undefined) return yield* refuse(codes.appid, "invalid appid")
      if (Redacted.value(App.redact(own.appsecret)) !== query.get("secret")) {
        return yield* refuse(codes.appsecret, "invalid appsecret")
      }
    } else {
      const token = query.get("access_token") ?? ""
      const mine = owner(token, yield* Clock.currentTimeMillis)
      asked.appid = mine ?? (typeof bodyAppid === "string" ? bodyAppid : undefined)
      if (fault?.kind === "revokedToken" && mine !== undefined) tokens.delete(mine)
      if (fault?.kind === "stolenToken" && mine !== undefined) yield* issue(mine)
      if (mine === undefined || fault?.kind === "badToken" || fault?.kind === "revokedToken") {
        return yield* refuse(badToken(endpoint), "access_token invalid")
      }
      if (endpoint.appid && bodyAppid !== mine) return yield* refuse(40013, "invalid appid")
      appid = mine
    }
    if (fault?.kind === "code") return yield* refuse(fault.code ?? -1, "fault on demand")
    for (const limit of limits(endpoint)) {
      if (limit.keptBy === "client") yield* spend(`${endpoint.endpoint} ${appid}`, limit, switches.quotaCode)
    }
    const decoded = Schema.decodeUnknownResult(endpoint.wire)(params)
    if (Result.isFailure(decoded)) return yield* refuse(40035, "invalid parameter")
    const handler = handlers[endpoint.endpoint as keyof typeof handlers] as (
      params: unknown,
      appid: string
    ) => Effect.Effect<unknown, Refusal>
    return yield* handler(decoded.success, appid)
  })

  const answerTo = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const url = URL.parse(request.url, "http://sandbox") ?? new URL("http://sandbox/")
    const at = yield* Clock.currentTimeMillis
    const endpoint = endpoints.find((one) => one.path === url.pathname && one.method === request.method)
    if (endpoint === undefined) {
      log.push({ at, endpoint: url.pathname, appid: undefined, params: {}, fault: undefined, code: undefined })
      return HttpServerResponse.text("<html><body>404 Not Found</body></html>", {
        status: 404,
        contentType: "text/html"
      })
    }
    const fault = yield* strike(endpoint.endpoint, at)
    const asked: Asked = { appid: undefined, params: {} }
    const note = (code: number | undefined) =>
      log.push({
        at,
        endpoint: endpoint.endpoint,
        appid: asked.appid,
        params: Object.fromEntries(
          Object.entries(asked.params)
            .filter(([name]) => !endpoint.secrets?.includes(name))
            .map(([name, value]) => [name, brief(value)])
        ),
        fault: fault?.kind,
        code
      })

    if (fault?.kind === "resetBefore") {
      note(undefined)
      return undefined
    }
    const result = yield* Effect.result(serve(endpoint, request, url.searchParams, fault, asked))
    note(Result.isSuccess(result) ? 0 : result.failure.code)
    const response = Result.isSuccess(result) ? answer(endpoint, result.success) : refusal(endpoint, result.failure)
    if (fault === undefined) return response
    const image = Effect.map(Effect.orDie(miniCode(first, undefined)), ({ bytes }) => bytes)
    return yield* Fault.spoil(fault, response, { endpoint, jsonType: switches.jsonType, image })
  })

  const handle = answerTo.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBody),
    // whatever was sent, the platform stands
    Effect.catchDefect((defect) =>
      Effect.as(
        Effect.logError("the sandbox failed", defect),
        HttpServerResponse.text('{"errcode":-1,"errmsg":"system error"}', { status: 500 })
      )
    )
  )

  return Sandbox.of({
    programs,
    handle,
    login: Effect.fnUntraced(function* ({ appid = first, user = "someone" } = {}) {
      const { openid } = userOf(appid, user)
      const code = hex(32)
      const now = yield* Clock.currentTimeMillis
      logins.set(code, { appid, openid, validUntil: now + 300_000, used: false })
      return { code, openid }
    }),
    subscribe: ({ openid, template_id = defaultTemplate, times = 1 }) =>
      Effect.sync(() => {
        const user = openids.get(openid)
        const left = user?.subscriptions.get(template_id) ?? 0
        user?.subscriptions.set(template_id, (left === "refused" ? 0 : left) + times)
      }),
    refuse: ({ openid, template_id = defaultTemplate }) =>
      Effect.sync(() => openids.get(openid)?.subscriptions.set(template_id, "refused")),
    stealToken: (appid = first) => issue(appid),
    revokeTokens: (appid = first) => Effect.sync(() => tokens.delete(appid)),
    markRisky: (image) => Effect.sync(() => riskyImages.add(fingerprint(image))),
    fault: (fault) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const once = fault.times === undefined && fault.share === undefined && fault.during === undefined
        faults.push({
          fault,
          left: fault.times ?? (once ? 1 : Infinity),
          until: fault.during === undefined ? Infinity : now + Duration.toMillis(Duration.fromInputUnsafe(fault.during))
        })
      }),
    heal: Effect.sync(() => {
      faults = []
    }),
    log: Effect.sync(() => [...log]),
    count: (endpoint) => Effect.sync(() => log.filter((entry) => entry.endpoint === endpoint).length),
    clearLog: Effect.sync(() => {
      log = []
    })
  })
})

const fingerprint = (bytes: Uint8Array) => `${bytes.length} ${bytes.join(",")}`

const miniCode = (appid: string, path: string | undefined): Effect.Effect<Acode.Image, unknown> =>
  Effect.tryPromise(async () => {
    const query = path === undefined ? "" : `?s=${encodeURIComponent(path.toWellFormed())}`
    const bytes = await QRCode.toBuffer(`https://m.q.qq.com/a/p/${appid}${query}`, { scale: 6, margin: 4 })
    return new Acode.Image(new Uint8Array(bytes), "image/png")
  })

/** The platform alone. */
export const layerPlatform = (options?: Options): Layer.Layer<Sandbox> => Layer.effect(Sandbox, make(options))

const client = Effect.map(Sandbox, (sandbox) =>
  HttpClient.make((request) =>
    sandbox.handle.pipe(
      Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
      Effect.flatMap((response) =>
        response === undefined
          ? Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({
                  request,
                  cause: Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
                })
              })
            )
          : Effect.succeed(HttpServerResponse.toClientResponse(response, { request }))
      )
    )
  )
)

/** An HTTP client that reaches the platform that is provided, in this process. */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, Sandbox> = Layer.effect(
  HttpClient.HttpClient,
  client
)

/** A transport that reaches the platform that is provided, in this process. */
export const layerTransport: Layer.Layer<Transport.Transport, never, Sandbox> = Transport.layerHttpClient.pipe(
  Layer.provide(layerHttpClient)
)

/** The registry of the platform's own programs; the first is the default. */
export const layerApps: Layer.Layer<App.Apps, QQError, Sandbox> = Layer.effect(
  App.Apps,
  Effect.flatMap(Sandbox, ({ programs }) => App.make({ apps: programs, source: "the sandbox's programs" }))
)

/** A platform and a client that talks to it, in this process: everything a test needs. */
export const layerWith = (
  options?: Options
): Layer.Layer<
  QQMini.QQMini | AccessToken.AccessToken | Sandbox | Transport.Transport | HttpClient.HttpClient | App.Apps,
  QQError
> =>
  QQMini.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(layerTransport, layerHttpClient, layerApps)),
    Layer.provideMerge(layerPlatform(options))
  )

/** {@link layerWith} as it comes. */
export const layer = layerWith()
