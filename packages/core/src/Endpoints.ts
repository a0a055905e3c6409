/**
 * All calls of QQ's server API, grouped and named as QQ's and vk's documents name them.
 */
import { getMiniCode } from "./Acode.ts"
import { code2Session, getAccessToken } from "./Auth.ts"
import { imgSecCheck, msgSecCheck } from "./Security.ts"
import { send } from "./SubscribeMessage.ts"

/** The calls by group and name: `groups.security.msgSecCheck`. */
export const groups = {
  auth: { getAccessToken, code2Session },
  acode: { getMiniCode },
  security: { msgSecCheck, imgSecCheck },
  subscribeMessage: { send }
} as const
