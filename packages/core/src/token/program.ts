/** The programs that this process knows, and what it knows of each. */
import type * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { AppCredentials } from "../App.ts"
import { fingerprint } from "../internal/secrets.ts"
import type { Reason } from "../reason/client.ts"
import type { Key } from "../TokenCache.ts"
import { AloneBudget } from "./budget.ts"
import { Memory } from "./memory.ts"
import type { Fetched } from "./token.ts"

/** A fetch under way, and how many wait for it. */
export interface Flight {
  readonly done: Deferred.Deferred<Fetched, Reason>
  /** Whether it goes on, whoever waits: in the background, or since the runtime took it over. */
  goesOn: boolean
  waiting: number
  /** Whether the last who waited is gone, so that it is being interrupted. Nobody else may join it. */
  isEnding: boolean
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

/** The next look at the store for a token that was fetched without it, where calls make these looks. */
export interface Look {
  /** Gives whether it was the last one. */
  readonly run: (millisSinceLast: number) => Effect.Effect<boolean>
  readonly pauseMillis: number
  readonly at: number
}

/** One program. */
export class Program {
  readonly app: AppCredentials
  readonly key: Key
  readonly memory = new Memory()
  readonly budget = new AloneBudget()
  flight: Flight | undefined
  look: Look | undefined

  constructor(app: AppCredentials, key: Key) {
    this.app = app
    this.key = key
  }
}

/** Which slot of a store a program's token is in, for clients that call QQ at this address. */
export const keyOf = (app: AppCredentials, baseUrl: string): Key =>
  `${app.appid}:${fingerprint(`${baseUrl} ${Redacted.value(app.appsecret)}`)}`

// Credentials may come with the calls, so that there is no end of programs.
const maxPrograms = 100_000

/** All programs of a client. */
export class Programs {
  readonly #baseUrl: string
  readonly #byKey = new Map<Key, Program>()
  // A key needs a hash of the secret, so it is made once for an object.
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
