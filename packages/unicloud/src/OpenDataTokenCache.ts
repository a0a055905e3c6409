/** Tokens in `opendb-open-data`, shared with `uni-open-bridge` and `uni-id-co`. */
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import { type Format, inDocuments, never } from "./internal/foreignToken.ts"
import { layerShared, openData, parse, tokenId } from "./internal/openData.ts"
import type { Database } from "./UniCloud.ts"

const format: Format = {
  id: tokenId,
  read: ({ expired, value }) => {
    const token = parse(value)?.access_token
    if (typeof token !== "string" || token === "") return undefined
    return {
      token,
      expires: typeof expired === "number" && expired >= 0 ? expired : never,
      raw: typeof value === "string" ? { value } : { expired }
    }
  },
  write: (_id, token, { expires }) => ({
    _id,
    value: JSON.stringify({ access_token: token }),
    // A lifetime may have a fraction; other software expects an integer.
    expired: Math.floor(expires)
  })
}

/**
 * The store over `opendb-open-data`, in the format of `uni-open-bridge-common` 1.1:
 * `{ _id: "uni-id:qq-mp:<appid>:access-token", value: '{"access_token":"…"}', expired: <epoch ms> }`. If
 * `uni-open-bridge-common` is configured to use Redis, use `OpenBridgeTokenCache` instead.
 */
export const layer = (database: Database): Layer.Layer<TokenCache, QQError> =>
  layerShared(database, inDocuments(database, openData, format))
