/**
 * The Durable Object in which Workers meet over a program's token: it keeps the slot, gives the lease to one of them at a
 * time, and renews the token by alarm before its end, so that no visitor waits for that.
 *
 * It is a plain class, so it needs no import of `cloudflare:workers`, and lies on either kind of storage (SQLite or not).
 */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Environment from "./internal/environment.ts"
import * as Wire from "./internal/wire.ts"
import * as FetchTransport from "./FetchTransport.ts"

/** What is used of a Durable Object's state. */
export interface State {
  readonly blockConcurrencyWhile: <A>(f: () => Promise<A>) => Promise<A>
  readonly storage: {
    readonly get: (key: string) => Promise<any>
    readonly put: (key: string, value: any) => Promise<void>
    readonly setAlarm: (epochMillis: number) => Promise<void>
  }
}

/** How the class works. */
export interface Options {
  /**
   * Whether the token is renewed by alarm. By default it is, where `env` has the program's secret. Switch it off where
   * Workers keep tokens here through `EncryptedTokenCache`, whose key the object does not have.
   */
  readonly renewal?: boolean | undefined
  /** Is told what the alarm does with the token, for logs and metrics. */
  readonly onTokenEvent?: ((event: AccessToken.TokenEvent) => void) | undefined
}

interface Kept extends TokenCache.Kept {
  readonly key: TokenCache.Key
  /** Whether anybody looked since it was written: what nobody needs is not renewed. */
  readonly used: boolean
}

const slot = "slot"
// so much sooner than Workers begin a renewal by themselves, of the time ahead that they do
const ahead = 1.1
// an alarm whose renewal failed comes again after so many milliseconds
const again = 60_000

const dueAt = ({ expires, lifetime }: Kept): number => expires - ahead * AccessToken.renewalLead(lifetime)

/** The class; one with other options extends it: `class QQTokens extends Base { override options = { renewal: false } }`. */
export class QQTokens {
  readonly options: Options = {}
  #kept: Kept = { ...TokenCache.empty, key: "", used: false }
  readonly #state: State
  readonly #env: Environment.Env

  constructor(state: State, env: Environment.Env) {
    this.#state = state
    this.#env = env
    void state.blockConcurrencyWhile(async () => {
      this.#kept = (await state.storage.get(slot)) ?? this.#kept
    })
  }

  /** The slot as a store, for Workers or for the alarm, which is no use of the token. */
  #store(used: boolean): TokenCache.TokenCache["Service"] {
    // T10: times are the object's. T1: what stands in memory is changed in one step; no answer leaves before storage has
    // it
    return TokenCache.make((operation, key, change) =>
      Effect.promise(async () => {
        const now = Date.now()
        const [result, next] = change(this.#kept, now)
        const kept = { ...this.#kept, ...next, key }
        if (operation === "write" && next !== undefined) {
          await this.#keep({ ...kept, used }, Math.max(dueAt(kept), now + 1_000))
        } else if (next !== undefined) await this.#keep(kept)
        else if (operation === "read" && used && !kept.used) await this.#keep({ ...kept, used })
        return result
      })
    )
  }

  async #keep(kept: Kept, due?: number): Promise<void> {
    const { storage } = this.#state
    this.#kept = kept
    // in one step, as nothing is awaited between them
    const alarm = due !== undefined && this.options.renewal !== false ? storage.setAlarm(due) : undefined
    await Promise.all([storage.put(slot, kept), alarm])
  }

  async fetch(request: Request): Promise<Response> {
    const asked: Wire.Asked = await request.json()
    const result = await Effect.runPromise(Wire.serve(this.#store(true), asked))
    return new Response(result === undefined ? "" : JSON.stringify(result))
  }

  async alarm(): Promise<void> {
    const { expires, key, token, used } = this.#kept
    const now = Date.now()
    if (!used || token === "" || expires <= now) return
    // a Worker renewed it meanwhile
    if (now < dueAt(this.#kept) - 1_000) return this.#state.storage.setAlarm(dueAt(this.#kept))
    await Effect.runPromise(this.#renew(key))
  }

  #renew(key: TokenCache.Key): Effect.Effect<void> {
    const { onTokenEvent } = this.options
    return Effect.gen({ self: this }, function* () {
      // where the program is given otherwise, there is nothing to renew with
      if (!Environment.hasPrograms(this.#env)) return
      const { apps } = yield* Environment.programs(this.#env)
      const settings = yield* Environment.settings(this.#env, {})
      const app = yield* Effect.forEach(apps, (app) => App.checkCredentials(app)).pipe(
        Effect.map((apps) => apps.find((app) => AccessToken.keyOf(app, settings.baseUrl) === key))
      )
      // a program that others give their own secret for, or one whose secret is another now
      if (app === undefined) return
      const tokens = yield* AccessToken.make.pipe(
        Effect.provideService(TokenCache.TokenCache, this.#store(false)),
        Effect.provideService(QQMini.Settings, settings),
        Effect.provide(FetchTransport.layer())
      )
      if (onTokenEvent !== undefined) yield* tokens.listen(onTokenEvent)
      yield* tokens.renewAhead(app, settings.deadline)
    }).pipe(
      Effect.scoped,
      // the present token goes on meanwhile, and Workers renew it themselves when its end is near
      Effect.catch((error) =>
        Effect.andThen(
          Effect.logWarning(`the access token was not renewed by alarm: ${error.message}`),
          // what only people can change is not asked again and again
          Effect.promise(async () => {
            if (error.isRetryable) await this.#state.storage.setAlarm(Date.now() + again)
          })
        )
      )
    )
  }
}
