/** The programs that this process has served, with the state of each. */
import type * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { AppCredentials } from "../App.ts"
import { fingerprint } from "../internal/secrets.ts"
import type { Reason } from "../reason/client.ts"
import type { Key } from "../TokenCache.ts"
import { FetchBudget } from "./budget.ts"
import { Memory } from "./memory.ts"
import type { Fetched } from "./token.ts"

/** A fetch in flight, and its waiting callers. */
export interface Flight {
  readonly done: Deferred.Deferred<Fetched, Reason>
  /** Whether the fetch continues without waiting callers: in the background, or because `waitUntil` took it over. */
  isDetached: boolean
  /** How many callers wait for it. */
  waiting: number
  /** Whether its last waiting caller has gone, so that it is being interrupted. No other caller may join it. */
  isEnding: boolean
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

/** The next check of the store, for a token that was fetched without it. For runtimes where calls make these checks. */
export interface StoreCheck {
  /** Makes the check. Returns whether it was the last one. */
  readonly run: (millisSinceLast: number) => Effect.Effect<boolean>
  /** The pause before this check, in milliseconds. */
  readonly pauseMillis: number
  /** The time of the check, in monotonic milliseconds. */
  readonly at: number
}

/** One program, with its state in this process. */
export class Program {
  readonly app: AppCredentials
  readonly key: Key
  readonly memory = new Memory()
  readonly budget = new FetchBudget()
  flight: Flight | undefined
  storeCheck: StoreCheck | undefined

  constructor(app: AppCredentials, key: Key) {
    this.app = app
    this.key = key
  }
}

/** The key of a program's slot in a store. It depends on the appid, the AppSecret and QQ's base URL. */
export const keyOf = (app: AppCredentials, baseUrl: string): Key =>
  `${app.appid}:${fingerprint(`${baseUrl} ${Redacted.value(app.appsecret)}`)}`

// Calls may carry their own credentials, so the number of programs must be limited.
const maxPrograms = 100_000

/** All programs of a client. */
export class Programs {
  readonly #baseUrl: string
  readonly #byKey = new Map<Key, Program>()
  // Memoised: the key needs a hash of the secret.
  readonly #keys = new WeakMap<AppCredentials, Key>()

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl
  }

  /** The program with these credentials. */
  of(app: AppCredentials): Program {
    let key = this.#keys.get(app)
    if (key === undefined) this.#keys.set(app, (key = keyOf(app, this.#baseUrl)))
    let program = this.#byKey.get(key)
    if (program === undefined) {
      if (this.#byKey.size >= maxPrograms) this.#forgetOldest()
      this.#byKey.set(key, (program = new Program(app, key)))
    }
    return program
  }

  #forgetOldest(): void {
    for (const [key, { flight }] of this.#byKey) {
      if (flight !== undefined) continue
      this.#byKey.delete(key)
      return
    }
  }
}
