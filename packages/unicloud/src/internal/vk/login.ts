/** vk's login: makes the session from a code or an `encryptedKey`. */
import * as Auth from "@qq-mini/core/Auth"
import * as Redacted from "effect/Redacted"
import type { Calls } from "./calls.ts"
import { decrypt, encrypt } from "./encryptedKey.ts"
import type { Json, VkInput } from "./input.ts"
import type { Programs } from "./programs.ts"
import { invalidEncryptedKey, session, type VkResult } from "./result.ts"

/** Fetches a session. Returns its plain fields, or QQ's error as a result. */
const fetchSession = ({ invoke }: Calls, { getAppidInfo }: Programs, input: Json): Promise<Json> =>
  invoke(Auth.code2Session, input, (value): Json => {
    const appid = input["appid"] ?? getAppidInfo().appid
    const key: Redacted.Redacted<string> | undefined = value.session_key
    const sessionKey = key === undefined ? undefined : Redacted.value(key)
    return { appid, openid: value.openid, sessionKey, unionid: value.unionid }
  })

/** Makes `code2Session`. `secretInside` puts the AppSecret into `encryptedKey`, as vk does. */
export const make =
  (calls: Calls, programs: Programs, secretInside: boolean) =>
  async ({ encryptedKey, needKey = false, platform = "mp-qq", ...given }: VkInput): Promise<VkResult> => {
    const aesKey = programs.aesKey()
    if (encryptedKey) {
      const kept = aesKey === undefined ? undefined : decrypt(aesKey, String(encryptedKey))
      return kept === undefined
        ? { ...invalidEncryptedKey, platform }
        : { ...session(kept, needKey), encryptedKey, platform }
    }
    const input = calls.parameters(Auth.code2Session, given)
    const found = await fetchSession(calls, programs, input)
    if ("code" in found) return { ...(found as VkResult), platform }
    const kept = secretInside ? { ...found, ...programs.getAppidInfo(input) } : found
    const key = aesKey === undefined ? {} : { encryptedKey: encrypt(aesKey, kept) }
    return { ...session(found, needKey), ...key, platform }
  }
