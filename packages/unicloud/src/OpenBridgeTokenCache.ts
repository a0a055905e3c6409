/**
 * Tokens through `uni-open-bridge-common`, which keeps them in the database or in Redis.
 *
 * It has neither leases nor readable expiry times, so they are kept in a separate slot document in `opendb-open-data`.
 * A token that other software stored is read again every 4 minutes.
 */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import { type ForeignToken, type ForeignTokens, never } from "./internal/foreignToken.ts"
import { layerShared } from "./internal/openData.ts"
import type { Database } from "./UniCloud.ts"

/**
 * Identifies the program in a call of `uni-open-bridge-common`, which sets `appid` to the one configured for the app.
 */
export interface BridgeKey {
  readonly dcloudAppid: string | undefined
  readonly provider: "qq-mp"
  readonly appid?: string
}

/** The part of `require("uni-open-bridge-common")` that the store uses. */
export interface OpenBridge {
  /** Returns the value of the fallback if there is no token. */
  readonly getAccessToken: (key: BridgeKey, fallback: () => Promise<{ readonly value: null }>) => Promise<unknown>
  readonly setAccessToken: (
    key: BridgeKey,
    value: { readonly access_token: string },
    seconds: number
  ) => Promise<unknown>
  readonly removeAccessToken: (key: BridgeKey) => Promise<unknown>
}

const inBridge = (bridge: OpenBridge, dcloudAppid: (appid: string) => string | undefined): ForeignTokens => {
  const ask = async <A>(appid: string, run: (key: BridgeKey) => Promise<A>): Promise<A> => {
    const key: BridgeKey = { dcloudAppid: dcloudAppid(appid), provider: "qq-mp" }
    const answer = await run(key)
    if (key.appid !== undefined && key.appid !== appid) {
      throw Object.assign(new Error("another program"), { code: "uni-open-bridge-has-another-appid-for-this-app" })
    }
    return answer
  }
  const read = async (appid: string): Promise<ForeignToken | undefined> => {
    const value: any = await ask(appid, (key) => bridge.getAccessToken(key, () => Promise.resolve({ value: null })))
    const token = value?.access_token
    return typeof token === "string" && token !== "" ? { token, expires: never, raw: {} } : undefined
  }
  // The bridge has no compare-and-swap, so the token is compared just before the change.
  const ifStill = async (appid: string, over: ForeignToken | undefined, then: (key: BridgeKey) => Promise<unknown>) => {
    // "" means that there is no token.
    if (sameSecret((await read(appid))?.token ?? "", over?.token ?? "")) await ask(appid, then)
  }
  return {
    read,
    write: (appid, over, token, { expires, now }) =>
      ifStill(appid, over, (key) =>
        bridge.setAccessToken(key, { access_token: token }, Math.max(1, Math.floor((expires - now) / 1_000)))
      ),
    remove: (appid, over) => ifStill(appid, over, (key) => bridge.removeAccessToken(key))
  }
}

/**
 * The store over `uni-open-bridge-common`. The bridge finds a program by the DCloud app it belongs to, so `dcloudAppid`
 * returns the app of an appid. If `uni-config-center` names another program for that app, operations of the store fail.
 */
export const layer = (
  database: Database,
  bridge: OpenBridge,
  dcloudAppid: (appid: string) => string | undefined
): Layer.Layer<TokenCache, QQError> => layerShared(database, inBridge(bridge, dcloudAppid))
