/**
 * All calls of QQ's server API, grouped and named as QQ's and vk's documents name them.
 */
import { getMiniCode } from "./Acode.ts"
import { code2Session, getAccessToken } from "./Auth.ts"
import { getUserEncryptKey } from "./Encryption.ts"
import type { Any } from "./endpoint/definition.ts"
import { type Code, codes } from "./Code.ts"
import { removeUserStorage, setUserInteractiveData, setUserStorage } from "./OpenData.ts"
import { imgSecCheck, mediaCheckAsync, msgSecCheck } from "./Security.ts"
import { send } from "./SubscribeMessage.ts"
import { send as sendTemplate } from "./TemplateMessage.ts"

/** The calls by group and name: `groups.security.msgSecCheck`. */
export const groups = {
  auth: { getAccessToken, code2Session },
  acode: { getMiniCode },
  security: { msgSecCheck, imgSecCheck, mediaCheckAsync },
  subscribeMessage: { send },
  templateMessage: { send: sendTemplate },
  openData: { setUserStorage, removeUserStorage, setUserInteractiveData },
  encryption: { getUserEncryptKey }
} as const

/** All known error codes of QQ: the common ones, followed by those of each call. */
export const allCodes = (): ReadonlyArray<Code> => [
  ...codes,
  ...Object.values(groups).flatMap((group) => Object.values<Any>(group).flatMap((endpoint) => endpoint.codes ?? []))
]
