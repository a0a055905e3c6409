/** The session keys of users that `uni-id-co` keeps in `opendb-open-data`. */
import type { TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { failure, get } from "./internal/collection.ts"
import { openData, parse } from "./internal/openData.ts"
import type { Database } from "./UniCloud.ts"

/**
 * Reads the session key that `uni-id-co` stored when the user logged in. `undefined` if there is none or it has
 * expired. It must never reach a client. Fails with a `TokenCacheError` if the database fails.
 */
export const sessionKey = (
  database: Database,
  user: { readonly appid: string; readonly openid: string }
): Effect.Effect<Redacted.Redacted<string> | undefined, TokenCacheError> =>
  Effect.tryPromise({
    try: async () => {
      const id = `uni-id:qq-mp:${user.appid}:${user.openid}:session-key`
      const [{ expired, value } = {}] = await get(database.collection(openData), id)
      const key = parse(value)?.session_key
      const over = typeof expired === "number" && expired >= 0 && expired <= Date.now()
      return typeof key === "string" && key !== "" && !over ? Redacted.make(key) : undefined
    },
    catch: (error) => failure("read", error, openData)
  })
