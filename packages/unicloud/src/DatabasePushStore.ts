/**
 * The handled messages of QQ in the cloud database: a message is handled once by any number of instances.
 *
 * Each message is one document of the collection of the tokens. The database has no clock, so times are those of the
 * cloud's machines. Documents are not deleted: those whose `expires` has passed are not needed.
 */
import { type Claim, nobody, PushStore, PushStoreError } from "@qq-mini/core/PushStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { defaultCollection } from "./DatabaseTokenCache.ts"
import { check, get, problemOf } from "./internal/collection.ts"
import type { Database } from "./UniCloud.ts"

const run = <A>(operation: PushStoreError["operation"], ask: () => Promise<A>) =>
  Effect.tryPromise({
    try: ask,
    catch: (error) => new PushStoreError({ operation, problem: problemOf(error, defaultCollection) })
  })

/** Makes the store. */
export const make = (database: Database): PushStore["Service"] => {
  const collection = () => database.collection(defaultCollection)
  /** Adds a document. Returns the one that is there instead, if there is one. */
  const add = async (_id: string, owner: string, expires: number) => {
    try {
      check(await collection().add({ _id, owner, expires }))
      return undefined
    } catch (error) {
      const [found] = await get(collection(), _id)
      if (found === undefined) throw error
      return found
    }
  }
  return PushStore.of({
    claim: (key, { owner, ttl }) =>
      run("claim", async (): Promise<Claim> => {
        const now = Date.now()
        const found = await add(key, owner, now + ttl)
        if (found === undefined) return "first"
        if (found["owner"] !== owner && Number(found["expires"]) > now) {
          return found["owner"] === nobody ? "done" : "busy"
        }
        const seen = { _id: key, owner: found["owner"], expires: found["expires"] }
        const { doc } = check(
          await collection()
            .where(seen)
            .updateAndReturn({ owner, expires: now + ttl })
        )
        return doc?.["owner"] === owner ? "first" : "busy"
      }),
    done: (key, { ttl }) =>
      run("done", async () => {
        const content = { owner: nobody, expires: Date.now() + ttl }
        const found = await add(key, content.owner, content.expires)
        if (found !== undefined) check(await collection().where({ _id: key }).updateAndReturn(content))
      }),
    release: (key, { owner }) =>
      run("release", async () => void check(await collection().where({ _id: key, owner }).remove()))
  })
}

/** The store over a database. */
export const layer = (database: () => Database): Layer.Layer<PushStore> =>
  Layer.effect(
    PushStore,
    Effect.sync(() => make(database()))
  )
