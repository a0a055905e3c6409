/**
 * A store over documents of the cloud database, optionally shared with other software.
 *
 * A slot is one document, and each change is one conditional update of it, so the contract of `TokenCache` holds for
 * any number of instances. The database has no clock, so leases and tokens end by the clocks of the cloud's machines. A
 * machine whose clock is wrong by more than a lease (6 seconds) can cause an extra fetch, but never a wrong token.
 *
 * If the store is shared with other software, a second document holds the token in that software's format. It is
 * written after the slot. If that write is interrupted, the next operation repeats it.
 */
import * as CompareAndSwap from "@qq-mini/core/adapter/CompareAndSwap"
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import type { Database, Document } from "../UniCloud.ts"
import { check, exists, failure, get, howToCreate } from "./collection.ts"
import { appidOf, type ForeignToken, type ForeignTokens } from "./foreignToken.ts"
import { applyChange, emptySharedDocument, observe, type SharedSlotDocument } from "./slotDocument.ts"

/** The options of the store. */
export interface Options {
  readonly database: Database
  readonly collection: string
  /** The `_id` of a slot's document. */
  readonly id: (key: TokenCache.Key) => string
  /** Additional fields that a new document of this collection needs. */
  readonly fields?: ((id: string) => Document) | undefined
  /** The tokens of the other software, if the store is shared. */
  readonly foreign?: ForeignTokens | undefined
  /** The longest time to use a token, in milliseconds. */
  readonly maxLifetime?: number | undefined
}

/** A slot as it was read. */
interface Seen {
  readonly id: string
  /** The revision of the document, `undefined` if there is no document yet. */
  readonly rev: string | undefined
  readonly state: SharedSlotDocument
  readonly found: ForeignToken | undefined
}

const collectionOf = ({ collection, database }: Options) => database.collection(collection)

const read = async (options: Options, key: TokenCache.Key): Promise<Seen> => {
  const id = options.id(key)
  const [[document], found] = await Promise.all([get(collectionOf(options), id), options.foreign?.read(appidOf(key))])
  const stored =
    document === undefined ? emptySharedDocument : ({ ...emptySharedDocument, ...document } as SharedSlotDocument)
  return {
    id,
    rev: document === undefined ? undefined : String(document["rev"]),
    state: options.foreign === undefined ? stored : observe(stored, found),
    found
  }
}

/** T2: replaces the revision that was read. Gives the new revision, or `undefined` if another writer was faster. */
const replace = async (options: Options, { id, rev }: Seen, state: SharedSlotDocument): Promise<string | undefined> => {
  const next = randomBytes(9).toString("base64")
  const { expires, generation, history, leased, lifetime, marks, owner, shared, token } = state
  const content = { generation, token, lifetime, expires, owner, leased, history, marks, shared, rev: next }
  if (rev === undefined) {
    try {
      check(await collectionOf(options).add({ _id: id, ...options.fields?.(id), ...content }))
      return next
    } catch (error) {
      if ((await get(collectionOf(options), id)).length === 0) throw error
      return undefined
    }
  }
  const { doc } = check(await collectionOf(options).where({ _id: id, rev }).updateAndReturn(content))
  return doc?.["rev"] === next ? next : undefined
}

/** Writes the slot's token to the other software's document, and then marks the slot as shared. */
const share = async (options: Options, foreign: ForeignTokens, key: TokenCache.Key, seen: Seen): Promise<void> => {
  const { found, state } = seen
  const now = Date.now()
  if (state.token === "" || state.expires <= now) {
    if (found !== undefined) await foreign.remove(appidOf(key), found)
  } else if (found === undefined || !sameSecret(found.token, state.token)) {
    await foreign.write(appidOf(key), found, state.token, { now, expires: state.expires })
  }
  await replace(options, seen, { ...state, shared: true })
}

/**
 * T9: shares a token that is not shared yet. A failure is ignored: the slot is correct, and the next operation retries.
 */
const tryShare = async (options: Options, key: TokenCache.Key, seen: Seen): Promise<void> => {
  if (options.foreign === undefined || seen.state.shared) return
  await share(options, options.foreign, key, seen).catch(() => {})
}

/** Makes the store. */
export const make = (options: Options): TokenCache.TokenCache["Service"] => {
  const { collection, foreign, maxLifetime } = options
  const modify: TokenCache.Modify = (operation, key, change) => {
    const ask = <A>(run: () => Promise<A>) =>
      Effect.tryPromise({ try: run, catch: (error) => failure(operation, error, collection) })
    return CompareAndSwap.swap({
      operation,
      read: ask(() => read(options, key)),
      decide: (seen) =>
        ask(async () => {
          const decided = change(seen.state, Date.now())
          if (decided[1] === undefined) await tryShare(options, key, seen)
          return decided
        }),
      replace: (seen, next) =>
        ask(async () => {
          const state = foreign === undefined ? { ...seen.state, ...next } : applyChange(seen.state, next)
          const rev = await replace(options, seen, state)
          if (rev === undefined) return false
          await tryShare(options, key, { ...seen, rev, state })
          return true
        })
    })
  }
  return { ...TokenCache.make(modify), ...(maxLifetime === undefined ? {} : { maxLifetime }) }
}

// If the database does not answer in this time, it is unreachable. That does not mean that the collection is missing.
const probeMillis = 2_000

/**
 * The layer of the store. It fails with a `QQError` if the collection does not exist, because this is not an outage. It
 * does not fail if the database is unreachable.
 */
export const layer = (options: Options): Layer.Layer<TokenCache.TokenCache, QQError> =>
  Layer.effect(
    TokenCache.TokenCache,
    Effect.tryPromise(() => exists(collectionOf(options))).pipe(
      Effect.orElseSucceed(() => true),
      Effect.timeoutOrElse({ duration: probeMillis, orElse: () => Effect.succeed(true) }),
      Effect.flatMap((there) =>
        there
          ? Effect.sync(() => make(options))
          : Effect.fail(
              invalidConfig(
                "store",
                `the collection ${options.collection} does not exist: ${howToCreate.en}`,
                `集合 ${options.collection} 不存在：${howToCreate.zh}`
              )
            )
      )
    )
  )
