/**
 * `vk.openapi.qq` of vk-unicloud 2.25.1 as a small program, written from what was seen of it: the requests that it
 * sends, and the value that it returns or the error that it throws. Defects are kept.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto"
import { stringify } from "node:querystring"
import type { Request, Response, Timeout } from "./exchange.ts"

type Json = Readonly<Record<string, any>>

/** A stored token. `expired_at` is 0 or absent: it never expires. */
export interface Token {
  readonly value: string
  readonly expired_at?: number
}

/** All that vk sees of the world. */
export interface World {
  /** The content of `uni-config-center/uni-id/config.json`. */
  readonly uniId: any
  /** The content of `uni-config-center/vk-unicloud/index.js`. */
  readonly vkUnicloud: any
  readonly dcloudAppid: string | undefined
  /** The tokens in `vk-global-data`, by appid. Of a collection that can't be used nothing is got. */
  readonly tokens: {
    readonly get: (appid: string) => Token | undefined
    readonly set: (appid: string, token: Token) => void
  }
  readonly now: () => number
  readonly send: (request: Request, timeout: Timeout) => Response
}

const host = "https://api.q.qq.com"
// one timeout for connecting and for the answer
const timeoutMillis = 60_000
// `expires_in` is ignored
const tokenMillis = 240_000

const noProgram = (appid: unknown) =>
  `在单小程序登录模式下，未找到 uni-config-center/uni-id/config.json 中配置的QQ小程序（mp-qq.oauth.qq）的 appid 和 appsecret，在多小程序登录模式下，未找到appid：${appid} 对应的 appsecret 请先在 uni-config-center/vk-unicloud/index.js 中配置QQ小程序（vk.oauth.qq.list）的 appid 和 appsecret`

const noToken = {
  code: -1,
  msg: "获取access_token失败，请检查uni-id配置下的mp-qq配置的appid和appsecret是否正确"
}

/** vk's own texts belong to a call. Everywhere else `msg` is QQ's text. */
type Texts = Readonly<Record<number, string>>

const badToken = "access_token错误"
export const texts = {
  text: { 40001: badToken, 87014: "内容含有违法违规内容，请检查!" },
  image: { 40001: badToken, 40006: "图片大小不能超过1M", 87014: "图片内容含有违法违规内容，请检查!" },
  code: { 40001: badToken, 41030: "小程序页面不存在!" },
  session: { [-2100]: "无效code，请重新获取", [-101600007]: "appid错误", [-101222100]: "appsecret错误" },
  message: {
    40003: "touser字段openid为空或者不正确",
    40036: "您的小程序不支持发送长期订阅消息",
    40037: "订阅模板id为空不正确",
    41030: "page路径不正确，需要保证在现网版本小程序中存在",
    43101: "用户未订阅该消息",
    47003: "模板参数不准确，可能为空或者不满足规则，errmsg会提示具体是哪个字段出错"
  },
  token: {},
  other: {}
} satisfies Readonly<Record<string, Texts>>

/** The body as JSON, or else as text. */
const bodyOf = ({ data }: Response): any => {
  const text = data.toString("utf8")
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Adds `code` and `msg`. */
const withCode = (body: Json, texts: Texts): Json => {
  const code = body["errcode"] || body["errCode"] || 0
  return { ...body, code, msg: texts[code] ?? (body["errmsg"] || body["errMsg"] || "") }
}

/** QQ's answer with `code` and `msg`. An error of QQ's is returned, too. */
const resultOf = (response: Response, texts: Texts): Json => {
  const body = bodyOf(response)
  // Defect 1: of an empty body the whole response is left, and it passes.
  if (body === "" || body === null) return withCode({ ...response, data: "" }, texts)
  // Defect 2: nothing can be added to a text.
  if (typeof body !== "object") throw new TypeError(`Cannot create property 'code' on ${typeof body} '${body}'`)
  return withCode(body, texts)
}

/** AES-192 with `key = md5hex(K).slice(0, 24)` and `iv = key.slice(0, 16)`, in base64. */
const cipherOf = (aes: string) => {
  const key = createHash("md5").update(aes).digest("hex").slice(0, 24)
  return ["aes-192-cbc", key, key.slice(0, 16)] as const
}

/** Makes an `encryptedKey`. */
export const encrypt = (aes: string, content: object): string => {
  const cipher = createCipheriv(...cipherOf(aes))
  return cipher.update(JSON.stringify(content), "utf8", "base64") + cipher.final("base64")
}

/** Opens an `encryptedKey`. */
export const decrypt = (aes: string, encrypted: string): Json => {
  const decipher = createDecipheriv(...cipherOf(aes))
  return JSON.parse(decipher.update(encrypted, "base64", "utf8") + decipher.final("utf8"))
}

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const camelCased = (body: Json): Json =>
  Object.fromEntries(Object.entries(body).map(([name, value]) => [camel(name), value]))

const boundary = "------FormDataBaseBoundaryX"

/** A part of a multipart body. */
interface Part {
  readonly name: string
  readonly value: string | Buffer
  readonly filename?: string
  readonly type?: string
}

/** The bytes of a multipart body. */
export const multipart = (parts: ReadonlyArray<Part>): Buffer =>
  Buffer.concat([
    ...parts.flatMap(({ filename, name, type, value }) => [
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"` +
          (filename === undefined ? "" : `; filename="${filename}"`) +
          (type === undefined ? "" : `\r\nContent-Type: ${type}`) +
          "\r\n\r\n"
      ),
      Buffer.from(value as Buffer),
      Buffer.from("\r\n")
    ]),
    Buffer.from(`--${boundary}--`)
  ])

const formHeaders = { "content-type": `multipart/form-data; boundary=${boundary}` }
const jsonHeaders = { "content-type": "application/json;charset=utf8" }

/** The options of `request`, which go on to urllib. */
interface Options {
  readonly url: string
  readonly method?: string
  readonly data?: Json
  readonly content?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly files?: any
  readonly timeout?: Timeout
}

const filesOf = (files: any): ReadonlyArray<readonly [string, Buffer]> =>
  Buffer.isBuffer(files)
    ? [["file", files]]
    : Array.isArray(files)
      ? files.map((file, i) => [i === 0 ? "file" : `file${i}`, file])
      : Object.entries(files)

/** What urllib 2 makes of its options. */
const urllib = (options: Options): Request => {
  const { content, data, files, headers = {}, url } = options
  const method = (options.method ?? "POST").toUpperCase()
  if (files !== undefined) {
    const fields = Object.entries(data ?? {}).map(([name, value]) => ({ name, value: String(value) }))
    const parts = filesOf(files).map(([name, value], i) => ({ name, value, filename: `bufferfile${i}` }))
    return { method: "POST", url, headers: { ...headers, ...formHeaders }, body: multipart([...fields, ...parts]) }
  }
  if (content !== undefined) return { method, url, headers, body: Buffer.from(content as string) }
  const empty = Buffer.alloc(0)
  if (method === "GET") {
    const query = stringify(data ?? {})
    return { method, url: query === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${query}`, headers, body: empty }
  }
  const type = headers["content-type"] ?? "application/x-www-form-urlencoded"
  const body = Buffer.from(/json/.test(type) ? JSON.stringify(data ?? {}) : stringify(data ?? {}))
  return { method, url, headers: { ...headers, "content-type": type }, body }
}

/** A program as callers name it. */
interface Program {
  readonly appid?: any
  readonly appsecret?: any
}

/** Makes `vk.openapi.qq`. */
export const makeVk = ({ dcloudAppid, now, send, tokens, uniId, vkUnicloud }: World) => {
  /** Of several apps' configurations the current app's, else the one with `isDefaultConfig`. */
  const getConfig = (): any =>
    Array.isArray(uniId)
      ? (uniId.find((one) => one.dcloudAppid === dcloudAppid) ?? uniId.find((one) => one.isDefaultConfig === true))
      : uniId

  /** An appid that is not the configured one: with the given secret, else from the list. `''` and `null` are none. */
  const getAppidInfo = ({ appid, appsecret }: Program = {}): { appid: string; appsecret: string } => {
    const own = getConfig()?.["mp-qq"]?.oauth?.qq
    if (!appid || appid === own?.appid) {
      if (own?.appid && own.appsecret) return { appid: own.appid, appsecret: own.appsecret }
      throw new Error(noProgram(appid || undefined))
    }
    if (appsecret) return { appid, appsecret }
    const listed = (vkUnicloud?.vk?.oauth?.qq?.list ?? []).find((one: any) => one?.appid === appid)
    if (listed?.appsecret) return { appid, appsecret: listed.appsecret }
    throw new Error(noProgram(appid))
  }

  /** Fetches a token: QQ's body, and the result. */
  const getToken = ({ appid, appsecret }: Program): { readonly body: any; readonly result: Json } => {
    const url = `${host}/api/getToken?grant_type=client_credential&appid=${appid}&secret=${appsecret}`
    const response = send({ method: "GET", url, headers: {}, body: Buffer.alloc(0) }, timeoutMillis)
    return { body: bodyOf(response), result: resultOf(response, texts.token) }
  }

  /** The stored token, or else a new one. `undefined` for an error of QQ's. `cache` counts by truth. */
  const getAccessToken = ({ cache = true, ...given }: Program & { readonly cache?: any } = {}): string | undefined => {
    const { appid, appsecret } = getAppidInfo(given)
    const kept = cache ? tokens.get(appid) : undefined
    if (kept?.value && !(kept.expired_at && kept.expired_at <= now())) return kept.value
    const { access_token } = getToken({ appid, appsecret }).result
    if (!access_token) return undefined
    tokens.set(appid, { value: access_token, expired_at: now() + tokenMillis })
    return access_token
  }

  const getAccessTokenFn = (given: Program): Json => {
    const { body, result } = getToken(given)
    const { access_token, code, expires_in, msg } = result
    return access_token ? { code: 0, msg: "ok", access_token, expires_in } : { code, msg, err: body }
  }

  /** A call with the program's token in its query. `undefined` if QQ gave no token. */
  const withToken = (options: Options, program: Program): Response | undefined => {
    const token = getAccessToken(program)
    if (token === undefined) return undefined
    const url = `${options.url}${options.url.includes("?") ? "&" : "?"}access_token=${token}`
    return send(urllib({ ...options, url }), options.timeout ?? timeoutMillis)
  }

  /** One of the calls. Defect 5: a caller's own token is put into the body, and none into the query. */
  const call = (options: Options, program: Program, own?: unknown): Response | undefined =>
    typeof own === "string" && own !== ""
      ? send(urllib({ ...options, data: { access_token: own, ...options.data } }), timeoutMillis)
      : withToken(options, program)

  const request = (options: Options): Json => {
    const { access_token, ...data } = options.data ?? {}
    const url = /^https?:/.test(options.url) ? options.url : `${host}/${options.url.replace(/^\/+/, "")}`
    const response =
      access_token === true
        ? withToken({ ...options, url, data }, data)
        : send(
            urllib({ ...options, url, data: access_token === undefined ? data : { access_token, ...data } }),
            options.timeout ?? timeoutMillis
          )
    return response === undefined ? noToken : resultOf(response, texts.other)
  }

  /** The appid of a call. Defect 7: it is put into the caller's object, too. */
  const appidOf = (input: any): string => {
    const { appid } = getAppidInfo(input)
    if (!input.appid) input.appid = appid
    return appid
  }

  const msgSecCheck = (input: Json): Json => {
    const appid = appidOf(input)
    const { access_token, content, ...program } = input
    const response = call(
      { url: `${host}/api/json/security/MsgSecCheck`, data: { appid, content } },
      program,
      access_token
    )
    return response === undefined ? noToken : resultOf(response, texts.text)
  }

  const imgSecCheck = (input: Json): Json => {
    const appid = appidOf(input)
    const { base64, dataBuffer, formData, ...program } = input
    const media = base64 ? Buffer.from(base64.replace(/^data:[^,]*,/, ""), "base64") : dataBuffer
    const options = media
      ? {
          content: multipart([
            { name: "appid", value: appid },
            { name: "media", value: media, filename: `${now()}.png`, type: "image/png" }
          ]),
          headers: formHeaders
        }
      : { content: formData.getBuffer(), headers: formData.getHeaders() }
    // a caller's own token is ignored
    const response = withToken({ url: `${host}/api/json/security/ImgSecCheck`, ...options }, program)
    return response === undefined ? noToken : resultOf(response, texts.image)
  }

  /** An image is a Buffer that has `code` and `msg`. `page` is ignored. */
  const getMiniCode = (input: Json): Json => {
    const appid = appidOf(input)
    const { access_token, path, ...program } = input
    const options = { url: `${host}/api/json/qqa/CreateMiniCode`, data: { appid, path }, headers: jsonHeaders }
    const response = call(options, program, access_token)
    if (response === undefined) return noToken
    // Defect 3: the length tells an image from an error.
    if (response.data.length < 500) return resultOf(response, texts.code)
    return Object.assign(response.data, { code: 0, msg: "" })
  }

  /** No appid in the body. A caller's own token is ignored. */
  const sendMessage = (input: Json): Json => {
    appidOf(input)
    const { access_token: _, appid, appsecret, ...data } = input
    const options = { url: `${host}/api/json/subscribe/SendSubscriptionMessage`, data, headers: jsonHeaders }
    const response = withToken(options, { appid, appsecret })
    return response === undefined ? noToken : resultOf(response, texts.message)
  }

  /** The inner half of the login, with the secret and the session key. Defect 7: the code is not encoded. */
  const code2SessionMpQQ = (input: Json): Json => {
    appidOf(input)
    const { appid, appsecret } = getAppidInfo(input)
    const { code, js_code } = input
    const url = `${host}/sns/jscode2session?appid=${appid}&secret=${appsecret}&js_code=${js_code || code}&grant_type=authorization_code`
    const response = send({ method: "GET", url, headers: {}, body: Buffer.alloc(0) }, timeoutMillis)
    const body = resultOf(response, texts.session)
    if (body["code"] !== 0 || bodyOf(response) === "") return body
    return { ...camelCased(body), appid, appsecret, errcode: 0, errmsg: body["errmsg"] ?? "", code: 0, msg: "ok" }
  }

  /** Adds `platform` and `encryptedKey`, on errors too. Defect 4: the secret is in there. */
  const code2Session = (input: Json): Json => {
    const { encryptedKey, needKey = false, platform = "mp-qq" } = input
    const aes = vkUnicloud?.vk?.crypto?.aes
    const found = encryptedKey ? decrypt(aes, encryptedKey) : code2SessionMpQQ(input)
    const { appsecret: _, sessionKey, ...fields } = found
    return {
      ...fields,
      ...(needKey && sessionKey !== undefined ? { sessionKey } : {}),
      ...(aes ? { encryptedKey: encryptedKey || encrypt(aes, found) } : {}),
      ...(encryptedKey ? { errcode: 0, errmsg: "", code: 0, msg: "ok" } : {}),
      platform
    }
  }

  return {
    getConfig,
    request,
    auth: { getAppidInfo, getAccessTokenFn, getAccessToken, code2Session, code2SessionMpQQ },
    security: { msgSecCheck, imgSecCheck },
    acode: { getMiniCode },
    subscribeMessage: { send: sendMessage }
  }
}
