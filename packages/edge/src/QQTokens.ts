/**
 * The Durable Object that stores a program's token for all Workers. It holds the slot and its lease, and renews the
 * token by alarm before it expires, so that no visitor waits for a renewal.
 *
 * It is a plain class, so it does not import `cloudflare:workers`. It works with both storage backends (SQLite and
 * key-value).
 */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import { answer } from "./internal/durableObject.ts"
import * as Environment from "./internal/environment.ts"
import * as Wire from "./internal/wire.ts"
import * as FetchTransport from "./FetchTransport.ts"

/** The part of a Durable Object's state that the class uses. */
export interface State {
  readonly blockConcurrencyWhile: <A>(f: () => Promise<A>) => Promise<A>
  readonly storage: {
    get(key: string): Promise<unknown>
    put(key: string, value: unknown): Promise<void>
    readonly setAlarm: (epochMillis: number) => Promise<void>
  }
}

/** The options of the class. */
export interface Options {
  /**
   * Whether the token is renewed by alarm. By default `true`, but only if `env` contains the program's AppSecret. Set
   * it to `false` if Workers use `EncryptedTokenCache`, because the object does not have the key.
   */
  readonly renewal?: boolean | undefined
  /** Called with the token events of the alarm, for logs and metrics. */
  readonly onTokenEvent?: ((event: AccessToken.TokenEvent) => void) | undefined
}

interface ObjectSlot extends TokenCache.SlotDocument {
  readonly key: TokenCache.Key
  /** Whether the token was read since it was written. An unused token is not renewed. */
  readonly used: boolean
}

const storageKey = "slot"
// The alarm renews at 1.1 times the lead of the Workers' own renewals, so that it comes first.
const leadFactor = 1.1
// The pause before the next alarm after a failed renewal.
const retryAlarmMillis = 60_000

const dueAt = ({ expires, lifetime }: ObjectSlot): number => expires - leadFactor * AccessToken.renewalLead(lifetime)

/**
 * The class of the Durable Object. To set options, extend it:
 * `class QQTokens extends Base { override options = { renewal: false } }`.
 */
export class QQTokens {
  /** The options. Override them in a subclass. */
  readonly options: Options = {}
  #slot: ObjectSlot = { ...TokenCache.emptyDocument, key: "", used: false }
  readonly #state: State
  readonly #env: Environment.Env

  constructor(state: State, env: Environment.Env) {
    this.#state = state
    this.#env = env
    void state.blockConcurrencyWhile(async () => {
      this.#slot = ((await state.storage.get(storageKey)) as ObjectSlot | undefined) ?? this.#slot
    })
  }

  /** The slot as a store. `used` says whether reading it counts as use: `true` for Workers, `false` for the alarm. */
  #store(used: boolean): TokenCache.TokenCache["Service"] {
    // T10: times come from the object's clock. T1: the slot in memory is changed in one step, and no answer leaves
    // before the change is stored.
    return TokenCache.make((operation, key, change) =>
      Effect.promise(async () => {
        const now = Date.now()
        const [result, next] = change(this.#slot, now)
        const changed = { ...this.#slot, ...next, key }
        if (operation === "write" && next !== undefined) {
          await this.#save({ ...changed, used }, Math.max(dueAt(changed), now + 1_000))
        } else if (next !== undefined) await this.#save(changed)
        else if (operation === "read" && used && !changed.used) await this.#save({ ...changed, used })
        return result
      })
    )
  }

  async #save(slot: ObjectSlot, due?: number): Promise<void> {
    const { storage } = this.#state
    this.#slot = slot
    // Nothing is awaited between the two, so the storage writes them atomically.
    const alarm = due !== undefined && this.options.renewal !== false ? storage.setAlarm(due) : undefined
    await Promise.all([storage.put(storageKey, slot), alarm])
  }

  /** Handles an operation of the store from a Worker. */
  async fetch(request: Request): Promise<Response> {
    const asked: Wire.Asked = await request.json()
    const result = await Effect.runPromise(Wire.serve(this.#store(true), asked))
    return answer(result)
  }

  /** Renews the token before it expires, if it was used. */
  async alarm(): Promise<void> {
    const { expires, key, token, used } = this.#slot
    const now = Date.now()
    if (!used || token === "" || expires <= now) return
    // A Worker has renewed the token meanwhile.
    if (now < dueAt(this.#slot) - 1_000) return this.#state.storage.setAlarm(dueAt(this.#slot))
    await Effect.runPromise(this.#renew(key))
  }

  #renew(key: TokenCache.Key): Effect.Effect<void> {
    const { onTokenEvent } = this.options
    return Effect.gen({ self: this }, function* () {
      // Without credentials in `env` the object can't renew.
      if (!Environment.hasPrograms(this.#env)) return
      const { apps } = yield* Environment.programs(this.#env)
      const settings = yield* Environment.settings(this.#env, {})
      const app = yield* Effect.forEach(apps, (app) => App.checkCredentials(app)).pipe(
        Effect.map((apps) => apps.find((app) => AccessToken.keyOf(app, settings.baseUrl) === key))
      )
      // The slot belongs to a program that is not in `env`, or whose AppSecret has changed.
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
      // The current token stays in use. If the alarm fails, Workers renew it themselves shortly before it expires.
      Effect.catch((error) =>
        Effect.andThen(
          Effect.logWarning(`the access token was not renewed by alarm: ${error.message}`),
          // A failure that needs a change of the settings is not retried.
          Effect.promise(async () => {
            if (error.isRetryable) await this.#state.storage.setAlarm(Date.now() + retryAlarmMillis)
          })
        )
      )
    )
  }
}
