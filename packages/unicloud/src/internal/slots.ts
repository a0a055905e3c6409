import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import { createHash, randomBytes } from "node:crypto"
import type { Collection, Database, Document } from "../UniCloud.ts"

/** The part of a slot's name that other software knows. */
export const appidOf = (key: TokenCache.Key): string => key.slice(0, key.indexOf(":"))

type Operation = TokenCache.TokenCacheError["operation"]

/** A slot as it is kept: one document. Times are epoch milliseconds. */
interface State extends TokenCache.Kept {
  /** Fingerprints of the last tokens that were seen here, so that a late write of an old one is known for what it is. */
  readonly marks: ReadonlyArray<string>
  /** Whether the document of the other software says the same. */
  readonly shared: boolean
}

const empty: State = { ...TokenCache.empty, marks: [], shared: true }

/** The end of what has none. */
export const never = Number.MAX_SAFE_INTEGER

/** A token as other software keeps it. */
export interface Found {
  readonly token: string
  /** Epoch milliseconds; {@link never} when it has no end. */
  readonly expires: number
  /** When it was written, where that is known. */
  readonly since?: number | undefined
  /** What identifies this writing of it. */
  readonly raw: Document
}

/** Where other software keeps the token. Its promises reject as the database's do. */
export interface Shared {
  readonly read: (appid: string) => Promise<Found | undefined>
  /** Writes the token where `over` stands, and leaves alone what stands there otherwise. */
  readonly write: (appid: string, over: Found | undefined, token: string, times: Times) => Promise<void>
  readonly remove: (appid: string, over: Found) => Promise<void>
}

/** Epoch milliseconds. */
export interface Times {
  readonly now: number
  readonly expires: number
}

/** Where slots are kept. */
export interface Options {
  readonly database: Database
  readonly collection: string
  /** What to do when the collection is missing, in both languages. */
  readonly missing: string
  readonly id: (key: TokenCache.Key) => string
  /** Fields that every document of the collection has beside ours. */
  readonly fields?: ((id: string) => Document) | undefined
  readonly shared?: Shared | undefined
  readonly maxLifetime?: number | undefined
}

const mark = (token: string): string => createHash("sha256").update(token).digest("hex").slice(0, 16)
const marked = (marks: ReadonlyArray<string>, token: string) => [...marks.slice(-7), mark(token)]

// What others wrote without saying for how long: QQ's tokens live two hours. What is to live for ever is looked at again.
const assumedLifetime = 7_200_000
const foreverLifetime = 240_000

/** The slot with what other software did to its token meanwhile. */
const observe = (state: State, found: Found | undefined): State => {
  if (found === undefined) return state.shared && state.token !== "" ? { ...state, token: "" } : state
  if (found.token === state.token) return state.shared ? state : { ...state, shared: true }
  // our own writing that was cut off, or an old token's that came late
  if (state.marks.includes(mark(found.token))) return { ...state, shared: false }
  const forever = found.expires >= never
  const lifetime = forever
    ? foreverLifetime
    : found.since === undefined
      ? assumedLifetime
      : Math.max(1, found.expires - found.since)
  const since = forever ? 0 : (found.since ?? found.expires - lifetime)
  return {
    ...state,
    generation: Math.max(state.generation + 1, since),
    token: found.token,
    lifetime,
    expires: found.expires,
    history: "",
    marks: marked(state.marks, found.token),
    shared: true
  }
}

const missingCollection =
  /collection.{0,80}(not\s*(exist|found)|non-?exist)|not found collection|COLLECTION_NOT_EXIST|集合.{0,20}不存在/i

const isMissing = (error: any): boolean =>
  missingCollection.test(`${error?.errCode ?? error?.code ?? ""} ${error?.message ?? error?.errMsg ?? ""}`)

/** Whether there is such a collection. On the provider that makes one with the first document, it is made. */
export const exists = async (collection: Collection): Promise<boolean> => {
  const _id = "qq-mini:probe"
  try {
    await get(collection, _id)
    return true
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  try {
    check(await collection.add({ _id }))
    check(await collection.where({ _id }).remove())
    return true
  } catch (error) {
    if (!isMissing(error)) throw error
    return false
  }
}

/** What the database said, without what it was asked. */
export const failure = (
  operation: Operation,
  error: any,
  { collection, missing }: Pick<Options, "collection" | "missing">
): TokenCache.TokenCacheError => {
  const code = String(error?.errCode ?? error?.code ?? "")
  const problem = isMissing(error)
    ? `the collection ${collection} does not exist: ${missing}`
    : /^[\w-]{1,64}$/.test(code)
      ? code
      : "the database failed"
  return new TokenCache.TokenCacheError({ operation, problem })
}

/** An answer of the database; on one provider errors come as answers. */
export const check = <A>(answer: A): A => {
  if ((answer as { readonly code?: unknown } | undefined)?.code) throw answer
  return answer
}

/** The document with this `_id`, or none. */
export const get = async (collection: Collection, id: string): Promise<ReadonlyArray<Document>> =>
  check(await collection.doc(id).get()).data

const attempts = 40

/**
 * The store over documents. Each change is one conditional update of one document, made again when another came first;
 * where the token stands in other software's document too, that one follows, and is mended by the next who looks when it
 * did not.
 */
export const make = (options: Options): TokenCache.TokenCache["Service"] => {
  const collection = () => options.database.collection(options.collection)

  interface Seen {
    readonly id: string
    /** `undefined` when there is no document yet. */
    readonly rev: string | undefined
    readonly state: State
    readonly found: Found | undefined
  }

  const look = async (key: TokenCache.Key): Promise<Seen> => {
    const id = options.id(key)
    const [[document], found] = await Promise.all([get(collection(), id), options.shared?.read(appidOf(key))])
    const kept = document === undefined ? empty : ({ ...empty, ...document } as State)
    return {
      id,
      rev: document === undefined ? undefined : String(document["rev"]),
      state: options.shared === undefined ? kept : observe(kept, found),
      found
    }
  }

  /** Puts the state in the place of what was seen; gives the new revision unless somebody else was first. */
  const replace = async ({ id, rev }: Seen, state: State): Promise<string | undefined> => {
    const next = randomBytes(9).toString("base64")
    const { expires, generation, history, leased, lifetime, marks, owner, shared, token } = state
    const content = { generation, token, lifetime, expires, owner, leased, history, marks, shared, rev: next }
    if (rev === undefined) {
      try {
        check(await collection().add({ _id: id, ...options.fields?.(id), ...content }))
        return next
      } catch (error) {
        if ((await get(collection(), id)).length === 0) throw error
        return undefined
      }
    }
    const { doc } = check(await collection().where({ _id: id, rev }).updateAndReturn(content))
    return doc?.rev === next ? next : undefined
  }

  /** Brings the other software's document to what the slot says. */
  const share = async (key: TokenCache.Key, seen: Seen, shared: Shared): Promise<void> => {
    const { found, state } = seen
    const now = Date.now()
    if (state.token === "" || state.expires <= now) {
      if (found !== undefined) await shared.remove(appidOf(key), found)
    } else if (found?.token !== state.token) {
      await shared.write(appidOf(key), found, state.token, { now, expires: state.expires })
    }
    await replace(seen, { ...state, shared: true })
  }

  /** The state after a change, which the other software's document is behind when the token is another. */
  const changed = (state: State, next: TokenCache.Kept): State => {
    const same = next.token === state.token && next.generation === state.generation
    if (options.shared === undefined || same) return { ...state, ...next }
    return { ...next, marks: next.token === "" ? state.marks : marked(state.marks, next.token), shared: false }
  }

  const transact: TokenCache.Transact = (operation, key, change) =>
    Effect.tryPromise({
      try: async () => {
        for (let attempt = 0; attempt < attempts; attempt++) {
          const seen = await look(key)
          const [result, next] = change(seen.state, Date.now())
          let now = seen
          if (next !== undefined) {
            const state = changed(seen.state, next)
            const rev = await replace(seen, state)
            if (rev === undefined) {
              await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempt))
              continue
            }
            now = { ...seen, rev, state }
          }
          if (options.shared !== undefined && !now.state.shared) {
            // the slot is right already, so this can wait for the next who looks
            await share(key, now, options.shared).catch(() => {})
          }
          return result
        }
        throw Object.assign(new Error("others were first each time"), { code: "too-many-writers" })
      },
      catch: (error) => failure(operation, error, options)
    })

  return {
    ...TokenCache.make(transact),
    ...(options.maxLifetime === undefined ? {} : { maxLifetime: options.maxLifetime })
  }
}
