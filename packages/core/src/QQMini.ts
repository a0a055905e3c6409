/**
 * The client: takes an endpoint and an input through quota, token, the wire and retries, and gives a value or a
 * `QQError`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as AccessToken from "./AccessToken.ts"
import * as App from "./App.ts"
import * as Auth from "./Auth.ts"
import type { Any, Authority } from "./Endpoint.ts"
import type { groups } from "./Endpoints.ts"
import { QQMini } from "./internal/client.ts"
import * as Exchange from "./internal/exchange.ts"
import { encode } from "./internal/request.ts"
import { Settings } from "./internal/settings.ts"
import { monotonicMillis } from "./internal/time.ts"
import { InvalidInput, QQError, type Reason, TimedOut, UnknownApp } from "./QQError.ts"
import * as Quota from "./Quota.ts"
import * as Retry from "./Retry.ts"
import * as TokenCache from "./TokenCache.ts"

export {
  /** The client service. */
  QQMini
} from "./internal/client.ts"
export {
  /** How a client works: where QQ is, its times, its retries. */
  Settings
} from "./internal/settings.ts"

const problem = (field: string, en: string, zh: string) => new InvalidInput({ field, problem: { en, zh } })

const millis = (input: Duration.Input | undefined, field: string, fallback: number) => {
  if (input === undefined) return Effect.succeed(fallback)
  const duration = Duration.fromInput(input)
  return Option.isSome(duration) && Duration.toMillis(duration.value) > 0
    ? Effect.succeed(Duration.toMillis(duration.value))
    : Effect.fail(
        problem(
          field,
          'must be a time above 0, as 5000 (milliseconds) or "5 seconds"',
          '必须是大于 0 的时间，如 5000（毫秒）或 "5 seconds"'
        )
      )
}

const isSecret = (u: unknown): u is string | Redacted.Redacted<string> =>
  (typeof u === "string" && u !== "") || (Redacted.isRedacted(u) && typeof Redacted.value(u) === "string")

const answered = (reason: Reason): Retry.Failure => ({ reason, phase: "answered" })

/** For whom a call is made: its program, and the caller's own token or the program's credentials. */
interface Caller {
  readonly appid: App.AppId | undefined
  readonly authority: Redacted.Redacted<string> | App.AppCredentials
}

/** Makes the client over its parts. */
export const make = Effect.gen(function* () {
  const apps = yield* App.Apps
  const tokens = yield* AccessToken.AccessToken
  const quota = yield* Quota.Quota
  const settings = yield* Settings
  const exchange = Exchange.make(yield* HttpClient.HttpClient, settings.baseUrl)
  const turns = yield* Semaphore.make(settings.maxInFlight)

  const caller = Effect.fnUntraced(function* (
    endpoint: Any,
    given: Record<string, unknown>
  ): Effect.fn.Return<Caller, Reason> {
    const { access_token, appid, appsecret } = given
    if (appid !== undefined && (typeof appid !== "string" || appid === "")) {
      return yield* problem("appid", "must be the program's id as a string", "必须是字符串形式的 appid")
    }
    if (appsecret !== undefined && !isSecret(appsecret)) {
      return yield* problem("appsecret", "must be the program's AppSecret as a string", "必须是字符串形式的 AppSecret")
    }
    if (appsecret !== undefined && appid === undefined)
      return yield* problem("appid", "is missing beside appsecret", "传入 appsecret 时必须同时传入 appid")
    if (access_token !== undefined && !isSecret(access_token)) {
      return yield* problem("access_token", "must be a token as a string", "必须是字符串形式的 access_token")
    }
    const selected: App.Selected | undefined = appid === undefined ? yield* App.Current : { appid, appsecret }
    const credentials = (): Effect.Effect<App.AppCredentials, UnknownApp> =>
      selected?.appsecret === undefined
        ? apps.credentials(selected?.appid)
        : Effect.succeed({ appid: selected.appid, appsecret: App.redact(selected.appsecret) })

    if (access_token === undefined || endpoint.authority === "secret") {
      const app = yield* credentials()
      return { appid: app.appid, authority: app }
    }
    // with a token of the caller's own no secret is needed, and an appid only where it travels
    const own = App.redact(access_token)
    if (selected !== undefined) return { appid: selected.appid, authority: own }
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
    }
  ): Effect.fn.Return<unknown, Reason> {
    const remaining = Effect.map(monotonicMillis, (now) => options.deadline - now)
    let renewed = false

    const send = (authority: Redacted.Redacted<string> | App.AppCredentials) =>
      Effect.flatMap(remaining, (left) =>
        left <= 0
          ? Effect.fail(answered(new TimedOut({ during: "queue", limit: options.budget })))
          : exchange(endpoint, { wire, appid, authority, timeout: Math.min(options.timeout, left) })
      )

    // Waits for a turn no longer than the deadline. Once it has its turn only its own timeout ends it, so that a request
    // on its way is never taken for one that was not sent.
    const inTurn = <A>(effect: Effect.Effect<A, Retry.Failure>): Effect.Effect<A, Retry.Failure> =>
      Effect.flatMap(Semaphore.withPermitsIfAvailable(turns, 1)(effect), (result) => {
        if (Option.isSome(result)) return Effect.succeed(result.value)
        let begun = false
        return Effect.raceFirst(
          Semaphore.withPermit(
            turns,
            Effect.suspend(() => {
              begun = true
              return effect
            })
          ),
          Effect.flatMap(remaining, (left) =>
            Effect.andThen(
              Effect.sleep(Math.max(0, left)),
              Effect.suspend(() =>
                begun ? Effect.never : Effect.fail(answered(new TimedOut({ during: "queue", limit: options.budget })))
              )
            )
          )
        )
      })

    const place = Effect.flatMap(remaining, (left) =>
      Quota.take(quota, {
        key: `${appid ?? ""} ${endpoint.endpoint}`,
        limits: endpoint.quota ?? [],
        maxWait: options.waitForQuota ? left : 0
      })
    ).pipe(Effect.mapError(answered))

    const withToken = <A>(token: Effect.Effect<A, Reason>): Effect.Effect<A, Retry.Failure> =>
      Effect.flatMap(remaining, (left) =>
        Effect.timeoutOrElse(token, {
          duration: Math.max(0, left),
          orElse: () => Effect.fail(new TimedOut({ during: "token", limit: options.budget }))
        })
      ).pipe(Effect.mapError(answered))

    const attempt: Effect.Effect<unknown, Retry.Failure> = Effect.gen(function* () {
      yield* place
      if (Redacted.isRedacted(authority) || endpoint.authority === "secret") return yield* inTurn(send(authority))
      const token = yield* withToken(tokens.get(authority))
      return yield* Effect.catchIf(
        inTurn(send(token.value)),
        ({ reason }) => reason._tag === "InvalidToken" && !renewed,
        () =>
          Effect.gen(function* () {
            renewed = true
            yield* Effect.logDebug(`${endpoint.endpoint}: QQ refused the token, renewing it`)
            const fresh = yield* withToken(tokens.renew(authority, token))
            yield* place
            return yield* inTurn(send(fresh.value))
          })
      )
    })

    return yield* Retry.run(attempt, {
      delivery: endpoint.delivery,
      deadline: options.deadline,
      policy: { ...settings.retry, attempts: options.attempts }
    })
  })

  // The call for a token goes past quota and turns: it is the one that all others wait for.
  const getAccessToken = (params: { readonly cache?: boolean }, { authority }: Caller, budget: number) =>
    Redacted.isRedacted(authority)
      ? Effect.succeed(authority)
      : Effect.timeoutOrElse(params.cache === false ? tokens.refresh(authority) : tokens.get(authority), {
          duration: budget,
          orElse: () => Effect.fail(new TimedOut({ during: "token", limit: budget }))
        }).pipe(Effect.map((token) => token.value))

  return QQMini.of({
    call(endpoint, input, callOptions = {}) {
      let appid: string | undefined
      return Effect.gen(function* (): Effect.fn.Return<unknown, Reason> {
        const start = yield* monotonicMillis
        if (typeof input !== "object" || input === null || Array.isArray(input)) {
          return yield* problem("input", "must be an object of parameters", "必须是参数对象")
        }
        const { access_token, appid: app, appsecret, ...rest } = input as Record<string, unknown>
        if (typeof app === "string") appid = app
        const encoded = encode(endpoint, rest)
        if (Result.isFailure(encoded)) return yield* encoded.failure
        const { params, wire } = encoded.success

        const budget = yield* millis(callOptions.deadline, "options.deadline", settings.deadline)
        const timeout = yield* millis(callOptions.attemptTimeout, "options.attemptTimeout", settings.attemptTimeout)
        const attempts = callOptions.attempts ?? settings.retry.attempts
        if (!Number.isInteger(attempts) || attempts < 1) {
          return yield* problem("options.attempts", "must be a whole number of at least 1", "必须是不小于 1 的整数")
        }
        const who = yield* caller(endpoint, { access_token, appid: app, appsecret })
        appid = who.appid

        if ((endpoint as unknown) === Auth.getAccessToken) {
          return yield* getAccessToken(params as { readonly cache?: boolean }, who, budget)
        }
        const output = yield* call(endpoint, wire, who, {
          deadline: start + budget,
          budget,
          timeout,
          attempts,
          waitForQuota: callOptions.quota !== "fail"
        })
        return endpoint.select ? endpoint.select(output, params) : output
      }).pipe(
        Effect.mapError((reason) => new QQError({ endpoint: endpoint.endpoint, app: appid, reason })),
        Effect.withSpan(`QQMini.${endpoint.endpoint}`, { kind: "client" }, { captureStackTrace: false })
      )
    }
  })
})

/** The client over parts that you provide: the programs, the HTTP client, and where tokens and quotas are kept. */
export const layerNoDeps: Layer.Layer<
  QQMini,
  never,
  App.Apps | AccessToken.AccessToken | Quota.Quota | HttpClient.HttpClient
> = Layer.effect(QQMini, make)

/** The client with tokens and quotas in the memory of this process. */
export const layer: Layer.Layer<QQMini, never, App.Apps | HttpClient.HttpClient> = layerNoDeps.pipe(
  Layer.provide(AccessToken.layer),
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
      call(endpoint, input) {
        const stub = (stubs as Record<string, ((input: any) => Effect.Effect<unknown, Reason>) | undefined>)[
          endpoint.endpoint
        ]
        if (stub === undefined) {
          return Effect.die(new Error(`QQMini.layerStub: no stub for ${endpoint.endpoint}`))
        }
        const { access_token: _token, appid, appsecret: _secret, ...rest } = input as Record<string, unknown>
        return Effect.fromResult(encode(endpoint, rest)).pipe(
          Effect.andThen(stub(input)),
          Effect.mapError(
            (reason) =>
              new QQError({
                endpoint: endpoint.endpoint,
                app: typeof appid === "string" ? appid : undefined,
                reason
              })
          )
        )
      }
    })
  )
