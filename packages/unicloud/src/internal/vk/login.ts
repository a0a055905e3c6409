/** vk's login: makes the session from a code or an `encryptedKey`. */
import * as Auth from "@qq-mini/core/Auth"
import type { Calls, VkCall } from "./calls.ts"
import type { Switches } from "./differences.ts"
import { decrypt, encrypt } from "./encryptedKey.ts"
import { loginOf, parametersOf, type VkInput } from "./input.ts"
import type { Json } from "./json.ts"
import type { Programs } from "./programs.ts"
import { answered, invalidEncryptedKey, type VkResult } from "./result.ts"

/** Writes the names of QQ's fields in camel case, at every depth. */
const camelCase = (value: any): any => {
  if (Array.isArray(value)) return value.map(camelCase)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/_+([a-z\d])/g, (_, letter: string) => letter.toUpperCase()),
      camelCase(field)
    ])
  )
}

const without = ({ ...fields }: Record<string, any>, ...names: ReadonlyArray<string>): Json => {
  for (const name of names) delete fields[name]
  return fields
}

/** Makes the two halves of the login. */
export const make = (calls: Calls, programs: Programs, switches: Switches) => {
  const { secretInEncryptedKey, secretInSession } = switches

  /** The inner half: the session with its key, or QQ's error. */
  const session = async (given: VkInput): Promise<{ readonly secret: Json; readonly result: VkResult }> => {
    const { appid, appsecret } = programs.getAppidInfo(given)
    const result = await calls.invoke<VkResult>({
      endpoint: Auth.code2Session,
      input: { ...parametersOf(Auth.code2Session, given, switches), appid, appsecret },
      toResult: (_, body) => ({ appid, ...answered("auth.code2Session", body), code: 0, msg: "ok" })
    })
    return { secret: result.code === 0 ? { appsecret } : {}, result: camelCase(result) }
  }

  const code2SessionMpQQ: VkCall = async (given = {}) => {
    const { result, secret } = await session(given)
    return secretInSession ? { ...result, ...secret } : result
  }

  const code2Session: VkCall = async (given = {}) => {
    const { encryptedKey, needKey, platform } = loginOf(given)
    const aesKey = programs.aesKey()
    const shown = (result: Json, key: unknown): VkResult => ({
      ...(without(result, "appsecret", ...(needKey ? [] : ["sessionKey"])) as VkResult),
      ...(key === undefined ? {} : { encryptedKey: key }),
      platform
    })
    if (encryptedKey !== undefined) {
      const kept = aesKey === undefined ? undefined : decrypt(aesKey, String(encryptedKey))
      if (kept === undefined) return shown(invalidEncryptedKey, undefined)
      return shown("code" in kept ? kept : { ...kept, errcode: 0, errmsg: "", code: 0, msg: "ok" }, encryptedKey)
    }
    const { result, secret } = await session(given)
    const { appid, openid, sessionKey, unionid } = result
    const inside = result.code === 0 ? { appid, openid, sessionKey, unionid } : result
    const key = aesKey && encrypt(aesKey, secretInEncryptedKey ? { ...inside, ...secret } : inside)
    return shown(result, key)
  }

  return { code2Session, code2SessionMpQQ }
}
