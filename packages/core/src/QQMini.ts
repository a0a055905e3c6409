/**
 * The client: takes an endpoint and an input through quota, token, the wire and retries, and gives a value or a
 * `QQError`.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import * as AccessToken from "./AccessToken.ts"
import * as App from "./App.ts"
import * as Auth from "./Auth.ts"
import type { Any, Authority, CallOptions } from "./endpoint/definition.ts"
import type { groups } from "./Endpoints.ts"
import { QQMini } from "./call/service.ts"
import * as Exchange from "./internal/exchange.ts"
import { encode } from "./internal/request.ts"
import { Settings } from "./internal/settings.ts"
import { millisOf, monotonicMillis } from "./internal/time.ts"
import { Turns } from "./internal/turns.ts"
import { InvalidInput, QuotaReached, type Reason, StoreFailed, TimedOut } from "./reason/client.ts"
import { QQError } from "./reason/error.ts"
import * as Quota from "./Quota.ts"
import * as Retry from "./Retry.ts"
import * as TokenCache from "./TokenCache.ts"
import { Transport } from "./Transport.ts"

export {
  /** The client service. */
  QQMini
} from "./call/service.ts"
export {
  /** Is shown QQ's answers as they came, for facades that hand on their fields. */
  OnAnswer,
  /** How a client works: where QQ is, its times, its retries. */
  Settings,
  /** Takes what may go on after the answer. */
  WaitUntil
} from "./internal/settings.ts"

const problem = (field: string, en: string, zh: string) => new InvalidInput({ field, problem: { en, zh } })

// QQ speaks of 512 characters for a token
const maxSecret = 4_096

const isSecret = (u: unknown): u is string | Redacted.Redacted<string> => {
  const text = Redacted.isRedacted(u) ? Redacted.value(u) : u
  return typeof text === "string" && text !== "" && text.length <= maxSecret
}

/** How one call is made: the settings, and what the call says otherwise. */
const optionsOf = Effect.fnUntraced(function* (options: CallOptions, settings: typeof Settings.Service) {
  if (typeof options !== "object" || options === null) {
    return yield* problem("options", "must be an object", "必须是对象")
  }
  const millis = (name: "deadline" | "attemptTimeout") => {
    const input = options[name]
    if (input === undefined) return Effect.succeed(settings[name])
    const duration = Duration.fromInput(input)
    return Option.isSome(duration) && Duration.toMillis(duration.value) > 0
      ? Effect.succeed(Duration.toMillis(duration.value))
      : problem(
          `options.${name}`,
          'must be a time above 0, as 5000 (milliseconds) or "5 seconds"',
          '必须是大于 0 的时间，如 5000（毫秒）或 "5 seconds"'
        )
  }
  const { attempts = settings.retry.attempts, quota = "wait", ...rest } = options
  const budget = yield* millis("deadline")
  const timeout = yield* millis("attemptTimeout")
  if (!Number.isInteger(attempts) || attempts < 1) {
    return yield* problem("options.attempts", "must be a whole number of at least 1", "必须是不小于 1 的整数")
  }
  if (quota !== "wait" && quota !== "fail") {
    return yield* problem("options.quota", 'must be "wait" or "fail"', '必须是 "wait" 或 "fail"')
  }
  for (const name of Object.keys(rest)) {
    if (name !== "deadline" && name !== "attemptTimeout") {
      return yield* problem(`options.${name}`, "is not an option of a call", "不是调用选项")
    }
  }
  return { budget, timeout, attempts, waitForQuota: quota === "wait" }
})

const isTokenCall = (endpoint: unknown): boolean => endpoint === Auth.getAccessToken

const noOptions: CallOptions = {}

/** A span, where a tracer listens. */
const traced =
  (name: string) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.withFiber((fiber) =>
      fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer
        ? effect
        : Effect.withSpan(effect, name, { kind: "client", captureStackTrace: false })
    )

// A request whose answer nobody waits for any more reaches QQ within this time, if ever (ms).
const lateMillis = 10_000

// that calls wait for a quota is said so often, in milliseconds
const showEvery = 10_000

const countedOf = (endpoint: Any, appid: string | undefined): Quota.Counted => ({
  key: `${appid ?? ""} ${endpoint.endpoint}`,
  limits: endpoint.quota ?? []
})

const answered = (reason: Reason): Retry.Failure => ({ reason, phase: "answered" })

/** For whom a call is made: its program, and the caller's own token or the program's credentials. */
interface Caller {
  readonly appid: App.AppId | undefined
  readonly authority: Redacted.Redacted<string> | App.AppCredentials | undefined
}

const callerOf = (app: App.AppCredentials): Caller => ({ appid: app.appid, authority: app })

/** What a caller brings beside the parameters, unchecked. */
interface Given {
  readonly access_token?: unknown
  readonly appid?: unknown
  readonly appsecret?: unknown
}

/** What a call has sent so far. */
interface Sent {
  attempts: number
}

/** Makes the client over its parts. */
export const make = Effect.gen(function* () {
  const apps = yield* App.Apps
  const tokens = yield* AccessToken.AccessToken
  const quota = yield* Quota.Quota
  const settings = yield* Settings
  const exchange = Exchange.make(yield* Transport, settings.baseUrl)
  const turns = new Turns(settings.maxInFlight)
  // Checked once: most calls say nothing of their own.
  const usual = yield* Effect.exit(optionsOf({}, settings))
  const budget = new Retry.Budget()
  // when it was last said that calls of a kind wait
  const shown = new Map<string, number>()

  const caller = (endpoint: Any, given: Given): Effect.Effect<Caller, Reason> => {
    if (given.appid !== undefined || given.appsecret !== undefined)
      return callerFor(endpoint, given, given.access_token)
    return Effect.flatMap(App.Current, (selected) =>
      selected === undefined && given.access_token === undefined && endpoint.authority !== "none"
        ? Effect.map(apps.credentials(undefined), callerOf)
        : callerFor(endpoint, selected, given.access_token)
    )
  }

  const callerFor = Effect.fnUntraced(function* (
    endpoint: Any,
    selected: { readonly appid?: unknown; readonly appsecret?: unknown } | undefined,
    access_token: unknown
  ): Effect.fn.Return<Caller, Reason> {
    if (selected !== undefined && !App.isAppId(selected.appid)) {
      return selected.appid === undefined
        ? yield* problem("appid", "is missing beside appsecret", "传入 appsecret 时必须同时传入 appid")
        : yield* problem("appid", "must be the program's id as a string", "必须是字符串形式的 appid")
    }
    if (selected?.appsecret !== undefined && !isSecret(selected.appsecret)) {
      return yield* problem(
        "appsecret",
        "must be the program's AppSecret as a string of 1 to 4,096 characters",
        "必须是 1 到 4,096 个字符的 AppSecret"
      )
    }
    if (access_token !== undefined && !isSecret(access_token)) {
      return yield* problem(
        "access_token",
        "must be a token as a string of 1 to 4,096 characters",
        "必须是 1 到 4,096 个字符的 access_token"
      )
    }
    const { appid, appsecret } = (selected ?? {}) as Partial<App.AppCredentialsInput>
    const credentials = (): ReturnType<App.Apps["Service"]["credentials"]> =>
      appid === undefined || appsecret === undefined
        ? apps.credentials(appid)
        : Effect.succeed({ appid, appsecret: App.redact(appsecret) })

    if (endpoint.authority === "none") return { appid, authority: undefined }
    // a login is signed by the secret, so a token is of no use to it
    if (access_token === undefined || (endpoint.authority === "secret" && !isTokenCall(endpoint))) {
      const app = yield* credentials()
      return { appid: app.appid, authority: app }
    }
    // with a token of the caller's own no secret is needed, and an appid only where it travels
    const own = App.redact(access_token)
    if (appid !== undefined) return { appid, authority: own }
    const app = yield* Effect.result(apps.credentials(undefined))
    if (Result.isFailure(app) && endpoint.appid) return yield* app.failure
    return { appid: Result.isSuccess(app) ? app.success.appid : undefined, authority: own }
  })

  const call = Effect.fnUntraced(function* (
    endpoint: Any,
    wire: Readonly<Record<string, unknown>>,
    { appid, authority }: Caller,
    options: {
      readonly deadline: number
      readonly budget: number
      readonly timeout: number
      readonly attempts: number
      readonly waitForQuota: boolean
    },
    sent: Sent
  ): Effect.fn.Return<unknown, Reason> {
    const clock = yield* Clock.Clock
    const left = () => Math.max(0, options.deadline - millisOf(clock))
    const remaining = Effect.sync(left)
    // one token that was fetched for it, and before that perhaps one that was found and dead as well
    let renewals = 2

    const tooLate = () => Effect.fail(answered(new TimedOut({ during: "queue", limit: options.budget })))
    const send = (authority: Caller["authority"]) =>
      Effect.suspend(() => {
        const millis = left()
        if (millis <= 0) return tooLate()
        sent.attempts++
        return Effect.catch(
          exchange(endpoint, { wire, appid, authority, timeout: Math.min(options.timeout, millis) }),
          believe
        )
      })

    // Waits for a turn no longer than the deadline. Once it has its turn only its own timeout ends it, so that a request
    // on its way is never taken for one that was not sent.
    const inTurn = <A>(effect: Effect.Effect<A, Retry.Failure>): Effect.Effect<A, Retry.Failure> =>
      turns.run(effect, (wait) => Effect.timeoutOrElse(wait, { duration: left(), orElse: tooLate }))

    const counted = countedOf(endpoint, appid)
    const onWait = (millis: number) =>
      Effect.flatMap(monotonicMillis, (now) => {
        if (millis < 1_000 || now - (shown.get(counted.key) ?? -Infinity) < showEvery) return Effect.void
        shown.set(counted.key, now)
        return Effect.logInfo(
          `QQ's quota of ${counted.key} is full: waiting ${Math.ceil(millis / 1_000)} s for a place`
        )
      })

    // Where QQ counts otherwise than we do, its word goes.
    const believe = (failure: Retry.Failure): Effect.Effect<never, Retry.Failure> => {
      const tooMany = failure.reason._tag === "QuotaReached" || failure.reason._tag === "TooFrequent"
      if (!tooMany || !Quota.isKept(counted)) return Effect.fail(failure)
      return Effect.andThen(Effect.ignore(quota.refused(counted)), Effect.fail({ ...failure, again: true }))
    }

    const inPlace = (request: Effect.Effect<unknown, Retry.Failure>): Effect.Effect<unknown, Retry.Failure> =>
      Quota.withPlace(
        quota,
        counted,
        {
          maxWait: options.waitForQuota ? remaining : Effect.succeed(0),
          hold: Effect.sync(() => left() + lateMillis),
          // A call that failed for want of a token was not sent.
          phase: ({ exhausted, phase }: Retry.Failure) => (exhausted ? "unsent" : phase),
          onWait
        },
        inTurn,
        request
      ).pipe(Effect.mapError((error): Retry.Failure => (error instanceof QuotaReached ? answered(error) : error)))

    const withToken = <A>(token: (within: number) => Effect.Effect<A, Reason>) =>
      Effect.mapError(
        Effect.flatMap(remaining, token),
        // the fetch of a token has repeated already what may be repeated
        (reason): Retry.Failure => ({ ...answered(reason), exhausted: true })
      )

    const withRenewal = (
      app: App.AppCredentials,
      token: Effect.Effect<AccessToken.Token, Retry.Failure>
    ): Effect.Effect<unknown, Retry.Failure> => {
      let used: AccessToken.Token | undefined
      const request = Effect.flatMap(token, (token) => {
        used = token
        return send(token.value)
      })
      // T4
      return Effect.catchIf(
        inPlace(request),
        ({ reason }) => reason._tag === "InvalidToken" && renewals > 0 && used !== undefined,
        () =>
          Effect.gen(function* () {
            yield* Effect.logDebug(`${endpoint.endpoint}: renewing the access token`)
            const renewed = yield* withToken((within) => tokens.renew(app, used!, within))
            renewals = renewed.fresh ? 0 : renewals - 1
            return yield* withRenewal(app, Effect.succeed(renewed.token))
          })
      )
    }

    const hasPlace = Effect.orElseSucceed(
      Effect.map(quota.left(counted), (left) => left > 0),
      () => true
    )
    const attempt: Effect.Effect<unknown, Retry.Failure> =
      authority === undefined || Redacted.isRedacted(authority) || endpoint.authority === "secret"
        ? inPlace(send(authority))
        : Effect.flatMap(tokens.isWarm(authority), (isWarm) => {
            const token = withToken((within) => tokens.get(authority, within))
            if (isWarm) return withRenewal(authority, token)
            // A call without a place costs no getToken. Where there are places, the token comes before the turn, so that
            // those who wait for it hold up no call of another program.
            return Effect.flatMap(hasPlace, (hasPlace) =>
              hasPlace
                ? Effect.flatMap(token, (token) => withRenewal(authority, Effect.succeed(token)))
                : withRenewal(authority, token)
            )
          })

    return yield* Retry.run(attempt, {
      delivery: endpoint.delivery,
      deadline: options.deadline,
      policy: { ...settings.retry, attempts: options.attempts },
      budget
    })
  })

  // The call for a token goes past quota and turns: it is the one that all others wait for.
  const getAccessToken = (params: { readonly cache?: boolean }, { authority }: Caller, budget: number) =>
    authority === undefined || Redacted.isRedacted(authority)
      ? Effect.succeed(authority)
      : Effect.map(
          params.cache === false ? tokens.refresh(authority, budget) : tokens.get(authority, budget),
          (token) => token.value
        )

  return QQMini.of({
    left: (endpoint, authority = {}) =>
      caller(endpoint, { ...authority }).pipe(
        Effect.flatMap(({ appid }) =>
          Effect.mapError(
            quota.left(countedOf(endpoint, appid)),
            ({ problem }) => new StoreFailed({ operation: "quota", problem })
          )
        ),
        Effect.mapError((reason) => new QQError({ endpoint: endpoint.endpoint, app: authority.appid, reason }))
      ),
    call(endpoint, input, callOptions = noOptions) {
      let appid: string | undefined
      let start = 0
      const sent: Sent = { attempts: 0 }
      return Effect.gen(function* (): Effect.fn.Return<unknown, Reason> {
        start = yield* monotonicMillis
        if (typeof input !== "object" || input === null || Array.isArray(input)) {
          return yield* problem("input", "must be an object of parameters", "必须是参数对象")
        }
        const { access_token, appid: app, appsecret, ...rest } = input as Record<string, unknown>
        if (typeof app === "string") appid = app
        const encoded = encode(endpoint, rest)
        if (Result.isFailure(encoded)) return yield* encoded.failure
        const { params, wire } = encoded.success

        const options = yield* callOptions === noOptions ? usual : optionsOf(callOptions, settings)
        const who = yield* caller(endpoint, { access_token, appid: app, appsecret })
        appid = who.appid

        if (isTokenCall(endpoint)) {
          return yield* getAccessToken(params as { readonly cache?: boolean }, who, options.budget)
        }
        const output = yield* call(endpoint, wire, who, { ...options, deadline: start + options.budget }, sent)
        return endpoint.select ? endpoint.select(output, params) : output
      }).pipe(
        Effect.catch((reason) =>
          Effect.flatMap(monotonicMillis, (now) =>
            Effect.fail(
              new QQError({
                endpoint: endpoint.endpoint,
                app: appid,
                reason,
                attempts: sent.attempts,
                elapsed: now - start
              })
            )
          )
        ),
        traced(`QQMini.${endpoint.endpoint}`)
      )
    }
  })
})

/**
 * How many calls of an endpoint QQ's limits allow right now for the program, by the client's count. `Infinity` where only
 * QQ can count: `QQMini.left(Security.msgSecCheck)`.
 */
export const left = (endpoint: Any, authority?: Authority): Effect.Effect<number, QQError, QQMini> =>
  Effect.flatMap(QQMini, (client) => client.left(endpoint, authority))

/** The client over parts that you provide: the programs, the transport, and where tokens and quotas are kept. */
export const layerNoDeps: Layer.Layer<QQMini, never, App.Apps | AccessToken.AccessToken | Quota.Quota | Transport> =
  Layer.effect(QQMini, make)

/** The client over the stores that are provided, with the service of its tokens. */
export const layerStores: Layer.Layer<
  QQMini | AccessToken.AccessToken,
  never,
  App.Apps | TokenCache.TokenCache | Quota.Quota | Transport
> = layerNoDeps.pipe(Layer.provideMerge(AccessToken.layer))

/** The client with tokens and quotas in the memory of this process. */
export const layer: Layer.Layer<QQMini | AccessToken.AccessToken, never, App.Apps | Transport> = layerStores.pipe(
  Layer.provide(TokenCache.layerMemory),
  Layer.provide(Quota.layerMemory)
)

type Groups = typeof groups
type StubOf<F> = F extends (...args: infer Args) => Effect.Effect<infer A, any, any>
  ? (input: NonNullable<Args[0]> & Authority) => Effect.Effect<A, Reason>
  : never

/** Functions that answer in the place of QQ, by the name of the call. */
export type Stubs = Partial<
  UnionToIntersection<
    {
      [G in keyof Groups]: { readonly [N in keyof Groups[G] as `${G}.${N & string}`]: StubOf<Groups[G][N]> }
    }[keyof Groups]
  >
>
type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never

/**
 * A client for tests that answers single calls by functions, without HTTP:
 * `QQMini.layerStub({ "security.msgSecCheck": () => Effect.succeed({ risky: true }) })`.
 *
 * Inputs are checked as always, and a stub fails with a reason: `Effect.fail(new QQError.NotSubscribed({ … }))`. A call
 * without a stub is a defect that names it.
 */
export const layerStub = (stubs: Stubs): Layer.Layer<QQMini> =>
  Layer.succeed(
    QQMini,
    QQMini.of({
      left: () => Effect.succeed(Infinity),
      call(endpoint, input) {
        const stub = (stubs as Record<string, ((input: any) => Effect.Effect<unknown, Reason>) | undefined>)[
          endpoint.endpoint
        ]
        if (stub === undefined) {
          return Effect.die(new Error(`QQMini.layerStub: no stub for ${endpoint.endpoint}`))
        }
        const { access_token: _token, appid: named, appsecret: _secret, ...rest } = input as Record<string, unknown>
        let app: string | undefined
        return Effect.flatMap(App.Current, (selected) => {
          app = typeof named === "string" ? named : selected?.appid
          return Effect.fromResult(encode(endpoint, rest))
        }).pipe(
          Effect.flatMap(() => stub(input)),
          Effect.mapError(
            (reason) =>
              new QQError({
                endpoint: endpoint.endpoint,
                app,
                reason
              })
          )
        )
      }
    })
  )
