import { createQQMini } from "qq-mini"

/** One client for all routes, with QQ_APPID and QQ_APPSECRET. They are read with the first call, not by `next build`. */
export const qq = createQQMini()
