/**
 * Programs whose AppSecrets are looked up by a function, for example in a database.
 *
 * - A secret is remembered for 5 minutes. Then one call asks for it again, while all others keep using it.
 * - When QQ refuses a secret, the function is asked again at once. If it gives another secret, the call goes on with it.
 * - When the function fails, the last secret of the program stays in use.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as App from "./App.ts"
import { sameSecret } from "./internal/secrets.ts"
import { isMillis, Settings } from "./internal/settings.ts"
import { functions, shown } from "./internal/shown.ts"
import { millisOf, monotonicMillis } from "./internal/time.ts"
import { ClientClosed, InvalidConfig, LookupFailed, UnknownApp } from "./reason/client.ts"
import type { QQError } from "./reason/error.ts"

/** What a lookup finds: the AppSecret, or `undefined` or `null` for an unknown program. */
export type Found = string | Redacted.Redacted<string> | undefined | null

/** A function that looks up the AppSecret of a program. It returns the secret, a promise or an Effect. */
export type Lookup<R = never> = (appid: App.AppId) => Found | PromiseLike<Found> | Effect.Effect<Found, unknown, R>

/** The options of the registry. */
export interface Options {
  /** The appid for calls that name no program. By default such calls fail with `UnknownApp`. */
  readonly appid?: App.AppId | undefined
  /** The AppSecret of the default program. By default it is looked up too. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
  /** How long a secret is used before the function is asked again, in milliseconds. By default 300,000 (5 minutes). */
  readonly secretTtl?: number | undefined
}

// QQ accepts an old token for 5 minutes after a new one was fetched. In that time every process learns a new secret.
const defaultTtlMillis = 300_000
// How long an unknown appid is remembered, and the shortest pause before the function is asked again about a program
// whose secret is remembered.
const pauseMillis = 5_000
// How long a failure is remembered for a program whose secret is not.
const failureMillis = 1_000
// A call that could go on with the remembered secret waits for the function at most this long.
const refreshMillis = 2_000
// The shortest pause between two log messages about a function that fails.
const logAgainMillis = 60_000
// Calls may name any appid, so the number of programs must be limited.
const maxPrograms = 10_000

/** What is remembered of a program. Times are monotonic milliseconds. */
interface Entry {
  readonly appid: App.AppId
  app: App.AppCredentials | undefined
  /** Why there is no `app`, once the function was asked. */
  missing: App.Missing | undefined
  /** From this time on, the function is asked again. */
  askAt: number
  /** T5: until this time, the function is not asked again because QQ refused the secret. */
  refusedUntil: number
  /** The fiber that asks the function, for all callers. */
  asking: Fiber.Fiber<App.AppCredentials, App.Missing> | undefined
}

/** The memory of a registry: what the function gave for each program. */
class Memory {
  readonly #entries = new Map<App.AppId, Entry>()
  readonly #ttlMillis: number

  constructor(ttlMillis: number) {
    this.#ttlMillis = ttlMillis
  }

  /** The entry of a program. Forgets the program with the oldest answer, if there are too many. */
  of(appid: App.AppId): Entry {
    const entries = this.#entries
    let entry = entries.get(appid)
    if (entry === undefined) {
      if (entries.size >= maxPrograms) entries.delete(entries.keys().next().value!)
      entry = { appid, app: undefined, missing: undefined, askAt: 0, refusedUntil: 0, asking: undefined }
      entries.set(appid, entry)
    }
    return entry
  }

  /** Remembers an answer of the function, at `now`. */
  answered(entry: Entry, found: Redacted.Redacted<string> | undefined, now: number): void {
    const { app, appid } = entry
    // The map is in the order of the last answers.
    if (this.#entries.delete(appid)) this.#entries.set(appid, entry)
    entry.askAt = now + (found === undefined ? pauseMillis : this.#ttlMillis)
    entry.missing = found === undefined ? new UnknownApp({ appid, lookedIn: "apps" }) : undefined
    // The same object for the same secret, so that values memoised by object are found again.
    if (found === undefined) entry.app = undefined
    else if (app === undefined || !sameSecret(app.appsecret, found)) entry.app = { appid, appsecret: found }
  }

  /** Remembers that the function failed, at `now`. A secret that is known stays in use. */
  failed(entry: Entry, missing: App.Missing, now: number): void {
    entry.askAt = now + (entry.app === undefined ? failureMillis : pauseMillis)
    if (entry.app === undefined) entry.missing = missing
  }
}

const timedOut = Effect.fail(new LookupFailed({ problem: "ETIMEDOUT" }))

/** S1: the secret is redacted here. A value of another kind is not shown. */
const check = (found: unknown): Effect.Effect<Redacted.Redacted<string> | undefined, InvalidConfig> => {
  if (found === undefined || found === null) return Effect.succeed(undefined)
  if (App.isAppSecret(found)) return Effect.succeed(App.redact(found))
  const en = `the function must give the AppSecret, or undefined for an unknown program; it gave a wrong ${typeof found}`
  const zh = `函数必须返回 AppSecret，小程序不存在时返回 undefined；现在返回的是不正确的 ${typeof found}`
  return Effect.fail(new InvalidConfig({ setting: "apps", problem: { en, zh } }))
}

/** Calls the function, whatever it returns. */
const call = <R>(lookup: Lookup<R>, appid: App.AppId): Effect.Effect<unknown, unknown, R> =>
  Effect.flatMap(Effect.try({ try: () => lookup(appid), catch: identity }), (found) =>
    Effect.isEffect(found)
      ? (found as Effect.Effect<Found, unknown, R>)
      : Effect.tryPromise({ try: () => Promise.resolve(found), catch: identity })
  )

/** Makes the function that asks once, at most `within` milliseconds, and remembers the answer. */
const makeAsk = <R>(lookup: Lookup<R>, context: Context.Context<R>, memory: Memory) => {
  let loggedAt = -Infinity
  /** T6: a secret that can't be looked up again stays in use. It is logged once, not for each program. */
  const keep = (app: App.AppCredentials, { message }: App.Missing, now: number) => {
    if (now - loggedAt < logAgainMillis) return Effect.succeed(app)
    loggedAt = now
    return Effect.as(Effect.logWarning(`${app.appid}: the last AppSecret stays in use. ${message}`), app)
  }
  return (entry: Entry, within: number): Effect.Effect<App.AppCredentials, App.Missing> =>
    Effect.updateContext(call(lookup, entry.appid), (own: Context.Context<never>) => Context.merge(context, own)).pipe(
      Effect.catchCause((cause) => Effect.fail(new LookupFailed({ problem: shown(Cause.squash(cause), functions) }))),
      Effect.timeoutOrElse({ duration: Math.max(0, within), orElse: () => timedOut }),
      Effect.flatMap(check),
      Effect.result,
      Effect.flatMap((found) =>
        Effect.flatMap(monotonicMillis, (now) => {
          if (Result.isSuccess(found)) memory.answered(entry, found.success, now)
          else memory.failed(entry, found.failure, now)
          const { app, missing } = entry
          if (app === undefined) return Effect.fail(missing!)
          return Result.isSuccess(found) ? Effect.succeed(app) : keep(app, found.failure, now)
        })
      )
    )
}

/** Makes the registry. Fails if an option is invalid. */
export const make = Effect.fnUntraced(function* <R = never>(
  lookup: Lookup<R>,
  { appid: main, appsecret, secretTtl = defaultTtlMillis }: Options = {}
): Effect.fn.Return<App.Apps["Service"], QQError, R | Scope.Scope> {
  if (!isMillis(secretTtl)) {
    return yield* App.invalidConfig("secretTtl", "must be a number of milliseconds above 0", "必须是大于 0 的毫秒数")
  }
  // Without an appsecret, the appid is its own placeholder.
  const isNamed = main !== undefined || appsecret !== undefined
  const named = isNamed ? yield* App.checkCredentials({ appid: main, appsecret: appsecret ?? main }) : undefined
  const fixed = appsecret === undefined ? undefined : named
  const { deadline, runs } = yield* Settings
  const scope = yield* Effect.scope
  const memory = new Memory(secretTtl)
  const ask = makeAsk(lookup, yield* Effect.context<R>(), memory)

  /** Asks the function, or waits for the answer to another caller. */
  const join = (entry: Entry): Effect.Effect<App.AppCredentials, App.Missing> => {
    const start = Effect.map(
      Effect.forkIn(ask(entry, deadline), scope, { startImmediately: true }),
      (fiber) => (entry.asking = fiber)
    )
    return Effect.suspend(() => {
      const { asking } = entry
      return asking !== undefined && asking.pollUnsafe() === undefined ? Effect.succeed(asking) : start
    }).pipe(
      Effect.flatMap((fiber) => Fiber.await(fiber)),
      Effect.flatMap((exit) => (Exit.hasInterrupts(exit) ? Effect.fail(new ClientClosed({})) : exit))
    )
  }

  // D3. Where the runtime may drop one call while others go on, no call waits for another one.
  const wait = (entry: Entry, within: number) =>
    runs === "request"
      ? ask(entry, within)
      : Effect.timeoutOrElse(join(entry), { duration: Math.max(0, within), orElse: () => timedOut })

  return App.Apps.of({
    credentials: (appid = main, within = deadline) =>
      Clock.clockWith((clock): Effect.Effect<App.AppCredentials, App.Missing> => {
        if (appid === undefined) return Effect.fail(new UnknownApp({ appid, lookedIn: "appid" }))
        if (appid === fixed?.appid) return Effect.succeed(fixed)
        const now = millisOf(clock)
        const entry = memory.of(appid)
        const { app, missing } = entry
        if (now < entry.askAt) {
          if (app !== undefined) return Effect.succeed(app)
          if (missing !== undefined) return Effect.fail(missing)
        }
        if (app === undefined) return wait(entry, within)
        // Only this call asks again, while all others keep using the secret.
        entry.askAt = now + pauseMillis
        return Effect.catch(wait(entry, Math.min(refreshMillis, within / 2)), (missing) =>
          missing._tag === "LookupFailed" ? Effect.succeed(app) : Effect.fail(missing)
        )
      }),
    replacement: (refused, within = deadline) =>
      Clock.clockWith((clock) => {
        const now = millisOf(clock)
        const entry = memory.of(refused.appid)
        const other = (app: App.AppCredentials | undefined) =>
          app !== undefined && !sameSecret(app.appsecret, refused.appsecret) ? app : undefined
        const known = other(entry.app)
        // Another call has asked already, or the secret was not looked up.
        if (known !== undefined || now < entry.refusedUntil || refused === fixed) return Effect.succeed(known)
        return Effect.map(
          Effect.orElseSucceed(wait(entry, within), () => undefined),
          (app) => {
            const found = other(app)
            // T5
            if (found === undefined) entry.refusedUntil = now + pauseMillis
            return found
          }
        )
      })
  })
})

/** The registry of programs that are looked up. Fails if an option is invalid. */
export const layer = <R = never>(lookup: Lookup<R>, options?: Options): Layer.Layer<App.Apps, QQError, R> =>
  Layer.effect(App.Apps, make(lookup, options))
