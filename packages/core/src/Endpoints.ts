/**
 * All calls of QQ's server API, grouped and named as QQ's and vk's documents name them.
 */
import { getMiniCode } from "./Acode.ts"
import { code2Session, getAccessToken } from "./Auth.ts"
import { getUserEncryptKey } from "./Encryption.ts"
import type { Any } from "./endpoint/definition.ts"
import { type Code, codes } from "./Code.ts"
import { checkPay, getBalance, prePay } from "./GamePay.ts"
import { getBalance as getMidasBalance, pay, present } from "./MidasPay.ts"
import { removeUserStorage, setUserInteractiveData, setUserStorage } from "./OpenData.ts"
import { imgSecCheck, mediaCheckAsync, msgSecCheck } from "./Security.ts"
import { send } from "./SubscribeMessage.ts"
import { send as sendTemplate } from "./TemplateMessage.ts"
import { combineH5, h5, partnerH5, unifiedOrder } from "./WxPayProxy.ts"

/** The calls by group and name: `groups.security.msgSecCheck`. */
export const groups = {
  auth: { getAccessToken, code2Session },
  acode: { getMiniCode },
  security: { msgSecCheck, imgSecCheck, mediaCheckAsync },
  subscribeMessage: { send },
  templateMessage: { send: sendTemplate },
  openData: { setUserStorage, removeUserStorage, setUserInteractiveData },
  encryption: { getUserEncryptKey },
  gamePay: { prePay, checkPay, getBalance },
  midasPay: { pay, getBalance: getMidasBalance, present },
  wxPayProxy: { unifiedOrder, h5, partnerH5, combineH5 }
} as const

/** All known error codes of QQ: the common ones, followed by those of each call. */
export const allCodes = (): ReadonlyArray<Code> => [
  ...codes,
  ...Object.values(groups).flatMap((group) => Object.values<Any>(group).flatMap((endpoint) => endpoint.codes ?? []))
]
