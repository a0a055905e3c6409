/**
 * `vk.openapi.qq` made of qq-mini: what vk-unicloud 2.25.1 did in 30 recorded calls is done again over the real urllib,
 * and whatever is different stands in the table of differences.
 */
import { getMiniCode } from "@qq-mini/core/Acode"
import * as Body from "@qq-mini/core/Body"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import type { ConfigCenter } from "@qq-mini/unicloud/UniCloud"
import { withDifferences } from "../../../packages/unicloud/delivery/differences.ts"
import { defaults, differences } from "../../../packages/unicloud/src/internal/vk/differences.ts"
import { texts } from "../../../packages/unicloud/src/internal/vk/result.ts"
import { createVkOpenapiQQ, fromGroups, type Options, type VkResult } from "@qq-mini/unicloud/VkOpenapiQQ"
import * as Schema from "effect/Schema"
import { createCipheriv, createDecipheriv, createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { isDeepStrictEqual, inspect } from "node:util"
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, it, vi } from "vitest"
import { image, png } from "../support/calls.ts"
import { pngOf } from "../vk/images.ts"
import { type DatabaseServer, startDatabase } from "./database.ts"
import { makeUniCloud } from "./unicloud.ts"

/** A request as the server got it. */
interface Received {
  readonly method: string
  readonly url: string
  readonly contentType: string | undefined
  readonly body: Buffer
}

/** Answers a request. */
type Reply = (response: ServerResponse) => void

const bytes =
  (body: Uint8Array | string, status = 200, type = "application/octet-stream"): Reply =>
  (response) =>
    response.writeHead(status, { "content-type": type }).end(body)
const json = (body: object): Reply => bytes(JSON.stringify(body), 200, "application/json")
/** The connection ends without an answer. */
const dropped: Reply = (response) => response.socket?.destroy()
const silence: Reply = () => {}

const paths = {
  token: "/api/getToken",
  session: "/sns/jscode2session",
  code: "/api/json/qqa/CreateMiniCode",
  text: "/api/json/security/MsgSecCheck",
  image: "/api/json/security/ImgSecCheck",
  message: "/api/json/subscribe/SendSubscriptionMessage"
} as const
type Path = keyof typeof paths

/** What the server says, by what it is asked: each reply once, the last one for ever. */
type Script = Partial<Record<Path | "other", ReadonlyArray<Reply>>>

const pictures = {
  "image/png": image,
  "image/jpeg": Buffer.from("ffd8ffc00011080008000803012200021101031101ffd9", "hex"),
  "image/gif": Buffer.from("474946383961080008000000003b", "hex")
} as const

const passed = json({ errCode: 0, errMsg: "ok" })
const usual: Required<Script> = {
  token: [json({ access_token: "TK", expires_in: 7200 })],
  session: [json({ openid: "OPENID", session_key: "SK==", unionid: "UNI", errcode: 0, errmsg: "" })],
  code: [bytes(pngOf(1500))],
  text: [passed],
  image: [passed],
  message: [json({ errcode: 0, errmsg: "ok" })],
  other: [json({ errcode: 0, errmsg: "ok" })]
}

/** A server that writes down what it is asked. */
const startPlatform = async () => {
  let received: Array<Received> = []
  let script: Script = {}
  let asked = new Map<Path | "other", number>()
  const server = createServer(async (request, response) => {
    const { headers, method = "", url = "" } = request
    const body = await buffer(request)
    received.push({ method, url, contentType: headers["content-type"], body })
    const [path] = url.split("?")
    const name = (Object.keys(paths) as Array<Path>).find((one) => paths[one] === path) ?? "other"
    const replies = script[name] ?? usual[name]
    const count = asked.get(name) ?? 0
    asked.set(name, count + 1)
    replies[Math.min(count, replies.length - 1)]!(response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Forgets what was asked, and says this from now on. */
    says: (next: Script = {}) => {
      received = []
      script = next
      asked = new Map()
    },
    received: (): ReadonlyArray<Received> => received,
    /** What was asked, by the names of the paths. */
    asked: () =>
      received.map(({ url }) => {
        const [path] = url.split("?")
        return (Object.keys(paths) as Array<Path>).find((one) => paths[one] === path) ?? url
      }),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    }
  }
}

let platform: Awaited<ReturnType<typeof startPlatform>>
let database: DatabaseServer
beforeAll(async () => {
  platform = await startPlatform()
  database = await startDatabase()
})
afterAll(async () => {
  await platform.close()
  await database[Symbol.asyncDispose]()
})

const vkData = "vk-global-data"
const emptyStore = () => {
  database.dropCollection(vkData)
  database.createCollection(vkData)
}

const notThere = (name: string) => {
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" })
}
/** `require("uni-config-center")` with the files of `uni-id` and `vk-unicloud`. */
const centerOf =
  (uniId: unknown, vk?: unknown): ConfigCenter =>
  ({ pluginId }) => ({
    config: () => (pluginId === "uni-id" ? uniId : undefined),
    requireFile: (name) => (pluginId === "vk-unicloud" && name === "index.js" && vk !== undefined ? vk : notThere(name))
  })
const uniId = { "mp-qq": { oauth: { qq: { appid: "A1", appsecret: "S1" } } } }
const vkIndex = { vk: { crypto: { aes: "AES-KEY" }, oauth: { qq: { list: [{ appid: "A2", appsecret: "S2" }] } } } }
const configCenter = centerOf(uniId, vkIndex)

const uniCloud = () => makeUniCloud({ database: database.url })

/** `vk.openapi.qq` of a new instance. */
const instance = (options: Options = {}) =>
  createVkOpenapiQQ({ uniCloud: uniCloud(), baseUrl: platform.url, configCenter, ...options })

const failure = (promise: Promise<unknown>): Promise<QQError> =>
  promise.then(
    () => assert.fail("was expected to fail"),
    (error: unknown) => (isQQError(error) ? error : assert.fail(`no QQError: ${String(error)}`))
  )

const query = ({ url }: Received): Record<string, string> =>
  Object.fromEntries(new URL(url, "http://localhost").searchParams)
const jsonOf = ({ body }: Received): unknown => JSON.parse(body.toString("utf8"))

// --- the record ---

interface RecordedRequest {
  readonly method: string
  readonly url: string
  readonly contentType?: string
  readonly body: string
}

/** What came of a call. */
interface Outcome {
  readonly requests: ReadonlyArray<RecordedRequest>
  readonly result?: unknown
  readonly throws?: string | undefined
}

interface Case extends Outcome {
  readonly title: string
  readonly call: string
}

const { cases }: { readonly cases: ReadonlyArray<Case> } = JSON.parse(
  readFileSync(new URL("../../fixtures/vk-openapi-qq-golden-2.25.1.json", import.meta.url), "utf8")
)

/** What QQ said in the recorded calls, as far as it was not the usual. */
const scripts: Readonly<Record<string, Script>> = {
  "code2Session bad code": { session: [json({ errcode: -2100, errmsg: "invalid code" })] },
  "msgSecCheck 87014": { text: [json({ errCode: 87014, errMsg: "risky" })] },
  "msgSecCheck 40001 (retry?)": { text: [json({ errcode: 40001, errmsg: "bad token" })] },
  "msgSecCheck 502 html": { text: [bytes("<html>502</html>", 502, "text/html")] },
  "msgSecCheck empty body": { text: [bytes("")] },
  "getMiniCode 41030": { code: [json({ errcode: 41030, errmsg: "invalid page" })] },
  "getMiniCode small binary (300B)": { code: [bytes(pngOf(300))] },
  "getMiniCode long JSON error (>500B)": { code: [json({ errcode: 40035, errmsg: "x".repeat(598) })] },
  "subscribeMessage.send 43101": { message: [json({ errcode: 43101, errmsg: "refuse" })] },
  "token failure -> msgSecCheck A2 fresh": { token: [json({ errcode: 40001, errmsg: "invalid secret" })] },
  "token failure -> getAccessToken": { token: [json({ errcode: 40001, errmsg: "invalid secret" })] },
  "token failure -> getMiniCode": { token: [json({ errcode: 40001, errmsg: "invalid secret" })] }
}

type Difference = (typeof differences)[number]

interface Deviation {
  /** The entries of the table of differences. */
  readonly of: ReadonlyArray<Difference["id"]>
  /** What is otherwise than in the record. */
  readonly instead: Partial<Outcome>
  /** Whether a new instance, which comes after it, does as the record says. */
  readonly fresh?: boolean
}

const textCheck = (content: string, { appid = "A1", token = "TK" } = {}): RecordedRequest => ({
  method: "POST",
  url: `${paths.text}?access_token=${token}`,
  contentType: "application/x-www-form-urlencoded",
  body: `appid=${appid}&content=${encodeURIComponent(content)}`
})
const newToken: RecordedRequest = {
  method: "GET",
  url: `${paths.token}?appid=A1&secret=S1&grant_type=client_credential`,
  body: ""
}

/** Everything that is meant to be otherwise than in vk 2.25.1, by the title of the recorded call. */
const deviations: Readonly<Record<string, Deviation>> = {
  "msgSecCheck explicit access_token string": {
    of: ["ignoreAccessToken"],
    instead: { requests: [textCheck("x", { token: "MINE" })] }
  },
  "msgSecCheck 40001 (retry?)": {
    of: ["noRetries"],
    instead: { requests: [textCheck("x"), newToken, textCheck("x")] }
  },
  "msgSecCheck 502 html": {
    of: ["notJson", "noRetries"],
    instead: {
      requests: [textCheck("x"), textCheck("x"), textCheck("x")],
      throws: "QQError security.msgSecCheck UnreadableAnswer html 502"
    }
  },
  "msgSecCheck empty body": {
    of: ["emptyAnswer", "noRetries"],
    instead: {
      requests: [textCheck("x"), textCheck("x"), textCheck("x")],
      throws: "QQError security.msgSecCheck UnreadableAnswer empty 200"
    }
  },
  "imgSecCheck base64 dataurl": {
    of: ["sendUnchecked"],
    instead: {
      requests: [],
      result: { code: -1, msg: "media：内容不是 PNG、JPEG 或 GIF 图片（8 字节）。未发送任何请求。" }
    }
  },
  "imgSecCheck nothing": {
    of: ["sendUnchecked"],
    instead: { result: { code: -1, msg: "media：缺少必填参数。未发送任何请求。" } }
  },
  "getMiniCode page (doc typo)": {
    of: ["ignorePage"],
    instead: {
      requests: [
        {
          method: "POST",
          url: `${paths.code}?access_token=TK`,
          contentType: "application/json",
          body: JSON.stringify({ appid: "A1", path: "pages/index/index" })
        }
      ]
    }
  },
  "getMiniCode small binary (300B)": {
    of: ["imageByContent"],
    instead: { result: { $buffer: 300, code: 0, msg: "" } }
  },
  "getMiniCode long JSON error (>500B)": {
    of: ["imageByContent"],
    instead: { result: { errcode: 40035, errmsg: "x".repeat(598), code: 40035, msg: "x".repeat(598) } }
  },
  "subscribeMessage.send 43101": {
    of: ["sendUnchecked"],
    instead: {
      requests: [],
      result: {
        errcode: 47003,
        errmsg: "data：缺少必填参数。未发送任何请求。",
        code: 47003,
        msg: texts["subscribeMessage.send"]![47003]
      }
    }
  },
  "token failure -> msgSecCheck A2 fresh": {
    of: ["tokenInMemory"],
    instead: { requests: [textCheck("x")], result: { errCode: 0, errMsg: "ok", code: 0, msg: "ok" } },
    fresh: true
  },
  "token failure -> getAccessToken": { of: ["refusedSecret"], instead: { requests: [] } },
  "token failure -> getMiniCode": { of: ["refusedSecret"], instead: { requests: [] } }
}

/** What is otherwise in many requests alike, and means nothing. */
const alike = {
  url: {
    reason: "Parameters of a query have no order.",
    plain: (url: string) => {
      const [path, parameters = ""] = url.split("?")
      return `${path}?${parameters.split("&").sort().join("&")}`
    }
  },
  contentType: {
    reason: "JSON is UTF-8 by its own definition, so its type needs no charset.",
    plain: (type: string) => type.replace(/^application\/json;charset=utf8$/, "application/json")
  }
}

const plainly = (request: RecordedRequest): RecordedRequest => ({
  ...request,
  url: alike.url.plain(request.url),
  ...(request.contentType === undefined ? {} : { contentType: alike.contentType.plain(request.contentType) })
})

const came = (value: any): Omit<Outcome, "requests"> => {
  if (value === undefined) return { result: "$undefined" }
  if (Buffer.isBuffer(value)) {
    const { code, msg } = value as Buffer & { code?: unknown; msg?: unknown }
    return { result: { $buffer: value.length, code, msg } }
  }
  const { encryptedKey } = value
  const isKey = typeof encryptedKey === "string" && /^[A-Za-z0-9+/]+=*$/.test(encryptedKey)
  return { result: isKey ? { ...value, encryptedKey: "<aes base64>" } : value }
}

const wasThrown = (error: any): Omit<Outcome, "requests"> => {
  const { code, constructor, endpoint, message, name, reason } = error
  return {
    throws: isQQError(error)
      ? `QQError ${endpoint} ${reason._tag} ${reason.found} ${reason.status}`
      : `${constructor.name} name=${name} code=${code}: ${message}`
  }
}

/** Makes a recorded call, and writes down what came of it as the record does. */
const replay = async (q: ReturnType<typeof instance>, { call, title }: Case): Promise<Outcome> => {
  platform.says(scripts[title])
  const store = new Proxy({}, { set: (_, name) => (name === vkData ? (emptyStore(), true) : false) })
  const evaluate = async () => {
    const value = new Function("q", "store", `return (${call})`)(q, store)
    return typeof value === "function" ? await value() : await value
  }
  const outcome = await evaluate().then(came, wasThrown)
  const requests = platform.received().map(({ body, contentType, method, url }): RecordedRequest => ({
    method,
    url,
    ...(contentType === undefined ? {} : { contentType }),
    body: body.toString("utf8")
  }))
  return { requests, ...outcome }
}

const plain = ({ requests, result, throws }: Outcome) => ({ requests: requests.map(plainly), result, throws })
const matches = (expected: Outcome, outcome: Outcome) => isDeepStrictEqual(plain(outcome), plain(expected))

/** What is to come of a recorded call. */
const expectedOf = ({ requests, result, throws, title }: Case): Outcome => {
  const { instead = {} } = deviations[title] ?? {}
  const ends = "result" in instead || "throws" in instead ? {} : { result, throws }
  return { requests, ...ends, ...instead }
}

describe("the recorded calls of vk-unicloud 2.25.1", () => {
  const outcomes = new Map<string, Outcome>()
  const ofFresh = new Map<string, Outcome>()
  // one instance for all, as it was recorded, since a call depends on what those before it left
  beforeAll(async () => {
    emptyStore()
    let q = instance()
    for (const one of cases) {
      outcomes.set(one.title, await replay(q, one))
      if (deviations[one.title]?.fresh) {
        q = instance()
        ofFresh.set(one.title, await replay(q, one))
      }
    }
  })

  it("are all there, and every deviation is of one of them", () => {
    assert.strictEqual(cases.length, 30)
    assert.strictEqual(outcomes.size, 30)
    const titles = cases.map(({ title }) => title)
    for (const of of [deviations, scripts]) assert.includeMembers(titles, Object.keys(of))
  })

  for (const recorded of cases) {
    const { title } = recorded
    const deviation = deviations[title]
    it(`${title}${deviation === undefined ? "" : ` — otherwise: ${deviation.of.join(", ")}`}`, () => {
      const outcome = outcomes.get(title)!
      assert.deepStrictEqual(plain(outcome), plain(expectedOf(recorded)))
      if (deviation === undefined) return
      assert.isFalse(matches(recorded, outcome), "is no deviation")
      // each part of the entry is needed
      const { requests } = deviation.instead
      if (requests !== undefined) assert.notDeepEqual(requests.map(plainly), recorded.requests.map(plainly))
      if ("result" in deviation.instead) assert.notDeepEqual(deviation.instead.result, recorded.result)
      if (deviation.fresh) assert.deepStrictEqual(plain(ofFresh.get(title)!), plain(recorded))
    })
  }

  it("what is alike and not the same is so somewhere", () => {
    for (const field of ["url", "contentType"] as const) {
      const differs = cases.some((recorded) => {
        const { requests } = outcomes.get(recorded.title)!
        return expectedOf(recorded).requests.some((request, i) => request[field] !== requests[i]?.[field])
      })
      assert.isTrue(differs, `${alike[field].reason} That is not needed.`)
    }
  })

  it("a deviation of any part is seen", () => {
    for (const recorded of cases) {
      const outcome = outcomes.get(recorded.title)!
      const expected = expectedOf(recorded)
      assert.isTrue(matches(expected, outcome))
      const doctored: ReadonlyArray<Outcome> = [
        { ...outcome, requests: [...outcome.requests, newToken] },
        { requests: outcome.requests, result: { code: 0 } },
        { requests: outcome.requests, throws: "Error" },
        ...outcome.requests.flatMap((request, i) =>
          ["method", "url", "contentType", "body"].map((field) => ({
            ...outcome,
            requests: outcome.requests.with(i, { ...request, [field]: "another" })
          }))
        )
      ]
      for (const other of doctored) assert.isFalse(matches(expected, other), recorded.title)
    }
  })
})

// --- each difference and each defect by itself ---

beforeEach(() => {
  emptyStore()
  platform.says()
})

const ok = { errCode: 0, errMsg: "ok", code: 0, msg: "ok" }
const sent = { errcode: 0, errmsg: "ok", code: 0, msg: "ok" }
const message = { touser: "O", template_id: "T", data: { k: { value: "v" } } }
const refusedSecret = json({ errcode: 40001, errmsg: "invalid secret" })
const badToken = json({ errcode: 40001, errmsg: "bad token" })
const noToken = {
  code: -1,
  msg: "获取access_token失败，请检查uni-id配置下的mp-qq配置的appid和appsecret是否正确"
}
const tokensSent = () => platform.received().map((request) => query(request)["access_token"])

/** Opens an `encryptedKey` by vk's recipe. */
const open = (encrypted: string, aes = "AES-KEY"): any => {
  const key = createHash("md5").update(aes).digest("hex").slice(0, 24)
  const decipher = createDecipheriv("aes-192-cbc", key, key.slice(0, 16))
  return JSON.parse(decipher.update(encrypted, "base64", "utf8") + decipher.final("utf8"))
}
const close = (content: object, aes = "AES-KEY"): string => {
  const key = createHash("md5").update(aes).digest("hex").slice(0, 24)
  const cipher = createCipheriv("aes-192-cbc", key, key.slice(0, 16))
  return cipher.update(JSON.stringify(content), "utf8", "base64") + cipher.final("base64")
}

describe("defects of vk that are not here", () => {
  const unclear = {
    nothing: bytes(""),
    "a gateway's page": bytes("<html>502</html>", 502, "text/html"),
    "a page with status 200": bytes("<html>login</html>", 200, "text/html"),
    "no status": json({}),
    "a list": json([]),
    null: bytes("null"),
    "a text": bytes("ok"),
    "a status that is none": json({ errCode: null, errMsg: "ok" }),
    "half an answer": bytes('{"errCode":0'),
    "an image": bytes(image)
  }
  for (const [what, reply] of Object.entries(unclear)) {
    it(`1, 2: ${what} is no pass: it is thrown as an UnreadableAnswer`, async () => {
      platform.says({ text: [reply], image: [reply] })
      const q = instance({ attempts: 1 })
      for (const check of [q.security.msgSecCheck({ content: "x" }), q.security.imgSecCheck({ media: image })]) {
        const error = await failure(check)
        assert.strictEqual(error.reason._tag, "UnreadableAnswer")
      }
    })
  }

  it("1, 2: a gateway's page is bridged when QQ then answers", async () => {
    platform.says({ text: [bytes("<html>502</html>", 502, "text/html"), passed] })
    assert.deepStrictEqual(await instance().security.msgSecCheck({ content: "x" }), ok)
    assert.deepStrictEqual(platform.asked(), ["token", "text", "text"])
  })

  it("3: an image and an error are told apart by their bytes, whatever their length, status and type", async () => {
    const q = instance()
    for (const [type, picture] of Object.entries({
      ...pictures,
      "a small one": pngOf(300),
      "a large one": pngOf(9_000)
    })) {
      platform.says({ code: [bytes(picture, 200, "application/json")] })
      const code = await q.acode.getMiniCode({ path: "x" })
      assert.isTrue(Buffer.isBuffer(code), type)
      assert.isTrue(Buffer.from(picture).equals(code as Buffer), type)
    }
    for (const length of [1, 280, 600, 9_000]) {
      const error = JSON.stringify({ errcode: 41030, errmsg: "x".repeat(length) })
      platform.says({ code: [bytes(error, 200, "image/png")] })
      const { code, errcode, msg } = (await q.acode.getMiniCode({ path: "x" })) as VkResult
      assert.deepStrictEqual([code, errcode, msg], [41030, 41030, "小程序页面不存在!"])
    }
    // a code that may be spent is nobody's image and nobody's error
    for (const reply of [bytes(""), bytes(image.subarray(0, -8)), json({ errcode: 0 })]) {
      platform.says({ code: [reply] })
      assert.strictEqual((await failure(q.acode.getMiniCode({ path: "x" }))).reason._tag, "OutcomeUnknown")
      assert.deepStrictEqual(platform.asked(), ["code"])
    }
  })

  it("4: encryptedKey holds who logged in, and no secret; that of an error holds the error", async () => {
    const q = instance()
    for (const app of [{}, { appid: "A2" }, { appid: "A3", appsecret: "S3" }]) {
      platform.says()
      const { encryptedKey } = await q.auth.code2Session({ code: "C", ...app })
      const content = open(encryptedKey)
      const { appid, secret } = query(platform.received()[0]!)
      assert.deepStrictEqual(content, { appid, openid: "OPENID", sessionKey: "SK==", unionid: "UNI" })
      assert.deepStrictEqual([appid, secret], ["appid" in app ? app.appid : "A1", `S${appid!.at(-1)}`])
    }
    for (const errcode of [-2100, 40029, 40001, -1]) {
      platform.says({ session: [json({ errcode, errmsg: "no" })] })
      const result = await instance({ attempts: 1 }).auth.code2Session({ code: "C" })
      assert.deepStrictEqual([result["errcode"], result.code], [errcode, errcode])
      const { encryptedKey, ...rest } = result
      assert.deepStrictEqual({ ...open(encryptedKey), platform: "mp-qq" }, rest)
      assert.deepStrictEqual(await instance().auth.code2Session({ encryptedKey }), result)
    }
  })

  it("5: a caller's access_token is the query's, of every call; nothing is fetched or renewed for it", async () => {
    const q = instance()
    const access_token = "MI&NE"
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      text: () => q.security.msgSecCheck({ content: "x", access_token }),
      image: () => q.security.imgSecCheck({ media: image, access_token }),
      code: () => q.acode.getMiniCode({ path: "x", access_token }),
      message: () => q.subscribeMessage.send({ ...message, access_token }),
      "/api/x?access_token=MI%26NE": () => q.request({ url: "api/x", data: { access_token } })
    }
    for (const [name, call] of Object.entries(calls)) {
      platform.says()
      await call()
      assert.deepStrictEqual(platform.asked(), [name])
      assert.deepStrictEqual(tokensSent(), [access_token], name)
      assert.notInclude(platform.received()[0]!.body.toString(), "MI", name)
    }
    platform.says({ text: [badToken] })
    const { code, msg } = await q.security.msgSecCheck({ content: "x", access_token })
    assert.deepStrictEqual([code, msg], [40001, "access_token错误"])
    assert.deepStrictEqual(platform.asked(), ["text"])
    // and it is nobody else's
    platform.says()
    await q.security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(platform.asked(), ["token", "text"])
    assert.deepStrictEqual(tokensSent(), [undefined, "TK"])
    // `true`, as in vk, is the program's own, and so is none
    platform.says()
    await q.security.msgSecCheck({ content: "x", access_token: true as never })
    await q.security.msgSecCheck({ content: "x", access_token: "" })
    assert.deepStrictEqual(tokensSent(), ["TK", "TK"])
  })

  it("6: page is the path of a mini code, and path goes before it", async () => {
    const q = instance()
    const sentPath = async (input: object) => {
      platform.says()
      await q.acode.getMiniCode(input)
      return jsonOf(platform.received().at(-1)!)
    }
    assert.deepStrictEqual(await sentPath({ page: "p/a?b=1" }), { appid: "A1", path: "p/a?b=1" })
    assert.deepStrictEqual(await sentPath({ page: "p/a", path: "p/b" }), { appid: "A1", path: "p/b" })
    assert.deepStrictEqual(await sentPath({}), { appid: "A1" })
  })

  it("7: a login code is encoded", async () => {
    const q = instance()
    for (const code of ["a&b=c d", "a+b/c==", "100%#?你好", "C&secret=evil"]) {
      platform.says()
      await q.auth.code2Session({ code })
      const parameters = query(platform.received()[0]!)
      assert.deepStrictEqual(parameters, { appid: "A1", secret: "S1", js_code: code, grant_type: "authorization_code" })
    }
  })

  it("7: the caller's object stays as it is", async () => {
    const q = instance()
    const inputs = {
      code2Session: Object.freeze({ js_code: "C" }),
      msgSecCheck: Object.freeze({ content: "x" }),
      imgSecCheck: Object.freeze({ media: image }),
      getMiniCode: Object.freeze({ page: "x" }),
      send: Object.freeze({ ...message }),
      data: Object.freeze({ access_token: true, x: 1 })
    }
    const before = structuredClone(inputs)
    await q.auth.code2Session(inputs.code2Session)
    await q.security.msgSecCheck(inputs.msgSecCheck)
    await q.security.imgSecCheck(inputs.imgSecCheck)
    await q.acode.getMiniCode(inputs.getMiniCode)
    await q.subscribeMessage.send(inputs.send)
    await q.request({ url: "api/x", data: inputs.data })
    assert.deepStrictEqual(structuredClone(inputs), before)
  })

  it("7: an image travels in our own multipart, named by its real type", async () => {
    const q = instance()
    const names = { "image/png": "media.png", "image/jpeg": "media.jpg", "image/gif": "media.gif" }
    for (const [type, picture] of Object.entries(pictures)) {
      const base64 = Buffer.from(picture).toString("base64")
      const ways = [{ media: picture }, { buffer: picture }, { base64 }, { base64: `data:image/png;base64,${base64}` }]
      for (const input of ways) {
        platform.says()
        assert.deepStrictEqual(await q.security.imgSecCheck(input), ok)
        const { body, contentType } = platform.received().at(-1)!
        assert.match(contentType!, /^multipart\/form-data; boundary=[\w-]+$/)
        const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType! } }).formData()
        assert.deepStrictEqual([...form.keys()], ["appid", "media"])
        assert.strictEqual(form.get("appid"), "A1")
        const media = form.get("media") as File
        assert.deepStrictEqual([media.name, media.type], [names[type as keyof typeof names], type])
        assert.isTrue(Buffer.from(await media.arrayBuffer()).equals(picture))
      }
    }
  })

  it("8: 50 cold calls at once fetch one token", async () => {
    platform.says({ token: [(response) => setTimeout(() => usual.token[0]!(response), 50)] })
    const q = instance()
    const results = await Promise.all(Array.from({ length: 50 }, () => q.security.msgSecCheck({ content: "x" })))
    for (const result of results) assert.deepStrictEqual(result, ok)
    assert.strictEqual(platform.asked().filter((name) => name === "token").length, 1)
    assert.strictEqual(platform.asked().filter((name) => name === "text").length, 50)
  })

  it("8: five instances at once fetch one token: there is a lock", async () => {
    platform.says({ token: [(response) => setTimeout(() => usual.token[0]!(response), 50)] })
    const tokens = await Promise.all(Array.from({ length: 5 }, () => instance().auth.getAccessToken()))
    assert.deepStrictEqual(
      tokens,
      Array.from({ length: 5 }, () => "TK")
    )
    assert.deepStrictEqual(platform.asked(), ["token"])
    const { expired_at, key, value } = database.dump(vkData)["mp-qq-access_token-A1"]
    assert.deepStrictEqual([key, value], ["mp-qq-access_token-A1", "TK"])
    // a vk that still runs fetches after 240 seconds
    assert.isAtMost(expired_at - Date.now(), 240_000)
  })

  it("8: a token that QQ refuses is renewed once, for everybody", async () => {
    const given = (token: string) => json({ access_token: token, expires_in: 7200 })
    platform.says({ token: [given("T1"), given("T2")], text: [badToken, passed] })
    const q = instance()
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), ok)
    assert.deepStrictEqual(platform.asked(), ["token", "text", "token", "text"])
    assert.deepStrictEqual(tokensSent(), [undefined, "T1", undefined, "T2"])
    assert.strictEqual(await instance().auth.getAccessToken(), "T2")
    // a fresh one that is refused as well is QQ's last word
    platform.says({ text: [badToken] })
    const result = await q.security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(result, { errcode: 40001, errmsg: "bad token", code: 40001, msg: "access_token错误" })
    assert.deepStrictEqual(platform.asked(), ["text", "token", "text"])
  })
})

describe("further differences that are meant", () => {
  it("nothing is sent for what can't be right; a result says what is wrong", async () => {
    const q = instance()
    const wrong: Readonly<Record<string, ReadonlyArray<Promise<VkResult | Buffer>>>> = {
      content: [
        q.security.msgSecCheck(),
        q.security.msgSecCheck({ content: "" }),
        q.security.msgSecCheck({ content: {} })
      ],
      media: [
        q.security.imgSecCheck(),
        q.security.imgSecCheck({ media: new Uint8Array() }),
        q.security.imgSecCheck({ base64: "no base64!" }),
        q.security.imgSecCheck({ buffer: Buffer.from("no image") }),
        q.security.imgSecCheck({ media: new Uint8Array(9) })
      ]
    }
    for (const [field, calls] of Object.entries(wrong)) {
      for (const call of calls) {
        const result = (await call) as VkResult
        assert.strictEqual(result.code, -1, field)
        assert.isTrue(result.msg.startsWith(`${field}：`), result.msg)
      }
    }
    // with QQ's number and vk's text, where it is known what QQ says to it
    const known: ReadonlyArray<readonly [call: string, code: number, result: Promise<VkResult | Buffer>]> = [
      ["security.imgSecCheck", 40006, q.security.imgSecCheck({ media: pngOf(1024 * 1024 + 1) })],
      ["acode.getMiniCode", 41030, q.acode.getMiniCode({ path: "/pages/index" })],
      ["acode.getMiniCode", 41030, q.acode.getMiniCode({ page: "https://q.qq.com" })],
      ["subscribeMessage.send", 47003, q.subscribeMessage.send({ touser: "O", template_id: "T" })],
      ["subscribeMessage.send", 47003, q.subscribeMessage.send({ ...message, data: {} })],
      ["subscribeMessage.send", 47003, q.subscribeMessage.send({ ...message, data: { k: {} } })],
      ["subscribeMessage.send", 40003, q.subscribeMessage.send({ ...message, touser: "" })],
      ["subscribeMessage.send", 40037, q.subscribeMessage.send({ ...message, template_id: null })],
      ["auth.code2Session", -2100, q.auth.code2Session()],
      ["auth.code2Session", -2100, q.auth.code2Session({ code: "", js_code: null })]
    ]
    for (const [call, code, result] of known) {
      const { errCode, errMsg, errcode = errCode, errmsg = errMsg, ...rest } = (await result) as VkResult
      assert.deepInclude(rest, { code, msg: texts[call]![code]! })
      assert.strictEqual(errcode, code)
      assert.match(errmsg, /^[\w.]+：.*未发送任何请求。$/)
    }
    assert.deepStrictEqual(platform.asked(), [])
    // QQ decides about pixels
    assert.strictEqual((await q.security.imgSecCheck({ media: png(751, 1335) })).code, 0)
  })

  it("a refused secret is not asked about again; another program's is", async () => {
    platform.says({ token: [refusedSecret, ...usual.token] })
    const q = instance()
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), noToken)
    assert.deepStrictEqual(await q.subscribeMessage.send(message), noToken)
    assert.deepStrictEqual(await q.acode.getMiniCode(), noToken)
    assert.isUndefined(await q.auth.getAccessToken())
    assert.isUndefined(await q.auth.getAccessToken({ cache: false }))
    assert.deepStrictEqual(platform.asked(), ["token"])
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x", appid: "A2" }), ok)
    assert.deepStrictEqual(platform.asked(), ["token", "token", "text"])
  })

  it("an instance has its token in memory: it looks at the store when it has none", async () => {
    const q = instance()
    await q.security.msgSecCheck({ content: "x" })
    const operations = database.count("get")
    await q.security.msgSecCheck({ content: "x" })
    assert.strictEqual(database.count("get"), operations)
    emptyStore()
    platform.says()
    await q.security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(platform.asked(), ["text"])
    await instance().security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(platform.asked(), ["text", "token", "text"])
  })

  it("without its collection nothing is sent, and the error says what to create", async () => {
    database.dropCollection(vkData)
    const error = await failure(instance().security.msgSecCheck({ content: "x" }))
    assert.strictEqual(error.reason._tag, "InvalidConfig")
    assert.include(error.help.zh, "集合 vk-global-data 不存在")
    assert.deepStrictEqual(platform.asked(), [])
    // what needs no token needs no store
    const q = instance()
    assert.strictEqual((await q.auth.code2Session({ code: "C" })).code, 0)
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x", access_token: "MINE" }), ok)
    assert.deepStrictEqual(await q.request({ url: "api/x", access_token: "MINE" }), sent)
    assert.strictEqual((await failure(q.auth.getAccessToken())).reason._tag, "InvalidConfig")
  })

  it("without the database an instance goes on with its token, and does not fetch with every call", async () => {
    const q = instance()
    await q.auth.getAccessToken()
    database.dropCollection(vkData)
    platform.says()
    for (let i = 0; i < 5; i++) assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), ok)
    assert.notInclude(platform.asked(), "token")
    for (let i = 0; i < 3; i++) assert.strictEqual(await q.auth.getAccessToken({ cache: false }), "TK")
    assert.strictEqual((await failure(q.auth.getAccessToken({ cache: false }))).reason._tag, "StoreFailed")
    assert.strictEqual(platform.asked().filter((name) => name === "token").length, 3)
  })

  it("what QQ's quota forbids is not sent again at once, and has QQ's code all the same", async () => {
    platform.says({ text: [json({ errcode: 45009, errmsg: "too many" })] })
    const q = instance()
    const tooMany = { errCode: 45009, errMsg: "too many", code: 45009, msg: "too many" }
    assert.strictEqual((await q.security.msgSecCheck({ content: "x" })).msg, "too many")
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), tooMany)
    assert.deepStrictEqual(platform.asked(), ["token", "text"])
  })

  it("a token of a vk that still runs is used as it is", async () => {
    const _id = "mp-qq-access_token-A1"
    database.put(vkData, { _id, key: _id, value: "OF-VK", expired_at: Date.now() + 200_000, _add_time: Date.now() })
    await instance().security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(tokensSent(), ["OF-VK"])
  })
})

describe("loose parameters", () => {
  const sentOf = async (call: (q: ReturnType<typeof instance>) => Promise<unknown>) => {
    platform.says()
    await call(instance())
    return platform.received().at(-1)!
  }
  const nothing = [undefined, null, "", false, 0, NaN]

  it.each([
    ["a", "a"],
    [0, "0"],
    [5.5, "5.5"],
    [false, "false"],
    [7n, "7"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    ["half \ud83d", "half \ufffd"]
  ])("content %o is a text", async (content, text) => {
    const { body } = await sentOf((q) => q.security.msgSecCheck({ content }))
    assert.strictEqual(new URLSearchParams(body.toString()).get("content"), text)
  })

  it("a path, a page and the like that are nothing are not given", async () => {
    for (const none of nothing) {
      const code = jsonOf(await sentOf((q) => q.acode.getMiniCode({ path: none, page: none })))
      assert.deepStrictEqual(code, { appid: "A1" })
      const others: any = { page: none, emphasis_keyword: none, oac_appid: none, appid: none, appsecret: none }
      const sent = jsonOf(
        await sentOf((q) => q.subscribeMessage.send({ ...message, ...others, access_token: none as never }))
      )
      assert.deepStrictEqual(sent, message)
    }
    assert.deepStrictEqual(jsonOf(await sentOf((q) => q.acode.getMiniCode({ path: "", page: "p" }))), {
      appid: "A1",
      path: "p"
    })
  })

  it.each([
    [1, "1"],
    [true, "true"],
    [false, "false"],
    [null, ""],
    ["", ""],
    [NaN, ""],
    [new Date(0), "1970-01-01T00:00:00.000Z"]
  ])("a template's value %o is a text, whatever stands beside it", async (value, text) => {
    const data = { k: { value, color: "#fff" } }
    const { data: sent } = jsonOf(await sentOf((q) => q.subscribeMessage.send({ ...message, touser: 5, data }))) as any
    assert.deepStrictEqual(sent, { k: { value: text } })
    const { data: bare } = jsonOf(
      await sentOf((q) => q.subscribeMessage.send({ ...message, data: { k: value, none: undefined } }))
    ) as any
    assert.deepStrictEqual(bare, sent)
  })

  it.each([
    [undefined, undefined],
    [null, undefined],
    ["", undefined],
    [0, 0],
    ["0", 0],
    ["false", 0],
    [false, 0],
    [1, 1],
    ["1", 1],
    [true, 1],
    [2, 1]
  ])("use_robot %o", async (use_robot, robot) => {
    const sent: any = jsonOf(await sentOf((q) => q.subscribeMessage.send({ ...message, use_robot })))
    assert.strictEqual(sent.use_robot === undefined ? undefined : Number(sent.use_robot), robot)
  })

  it("code and js_code, one of them empty; needKey by its truth", async () => {
    for (const input of [
      { code: "C" },
      { code: "", js_code: "C" },
      { code: null, js_code: "C" },
      { code: "C", js_code: "" }
    ]) {
      assert.strictEqual(query(await sentOf((q) => q.auth.code2Session(input)))["js_code"], "C")
    }
    assert.strictEqual(query(await sentOf((q) => q.auth.code2Session({ code: 0 })))["js_code"], "0")
    for (const needKey of [1, "yes", true]) {
      assert.strictEqual((await instance().auth.code2Session({ code: "C", needKey }))["sessionKey"], "SK==")
    }
    for (const needKey of nothing) {
      assert.notProperty(await instance().auth.code2Session({ code: "C", needKey }), "sessionKey")
    }
  })

  it("an image in every dress is the same image", async () => {
    const bytes = Buffer.from(image)
    const base64 = bytes.toString("base64")
    const dresses = {
      media: [
        bytes,
        new Uint8Array(bytes),
        bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
        base64
      ],
      buffer: [bytes, JSON.parse(JSON.stringify(bytes))],
      dataBuffer: [bytes, base64],
      base64: [
        base64.replace(/=+$/, ""),
        base64.replace(/.{20}/g, "$&\r\n"),
        ` ${base64}\n`,
        bytes.toString("base64url"),
        `data:image/png;base64,${base64}`,
        `data:;charset=x;base64,\n${base64}`,
        bytes
      ]
    }
    for (const [name, values] of Object.entries(dresses)) {
      for (const value of values) {
        const { body } = await sentOf((q) =>
          q.security.imgSecCheck({ media: null, base64: "", buffer: 0, [name]: value })
        )
        assert.isTrue(body.includes(bytes), name)
      }
    }
  })

  it("a form that the caller encoded travels as it is, with an appid", async () => {
    const part = (name: string, value: string) =>
      `--B 1\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    for (const own of ["", part("appid", "MINE")]) {
      const form = Buffer.from(`${own}${part("media", "bytes")}--B 1--`)
      const { body, contentType } = await sentOf((q) => q.security.imgSecCheck({ formData: { getBuffer: () => form } }))
      assert.strictEqual(contentType, "multipart/form-data; boundary=B 1")
      assert.strictEqual(body.toString(), `${own === "" ? part("appid", "A1") : ""}${form.toString()}`)
    }
  })

  it("no object at all", async () => {
    const q: any = instance()
    for (const none of [undefined, null, "x", 5]) {
      assert.strictEqual((await q.security.msgSecCheck(none)).code, -1)
      assert.strictEqual((await q.auth.code2Session(none)).code, -2100)
      assert.strictEqual(await q.auth.getAccessToken(none ?? undefined), "TK")
    }
  })
})

describe("time", () => {
  const given = async (
    options: Options,
    call = (q: ReturnType<typeof instance>): Promise<any> => q.acode.getMiniCode({})
  ) => {
    const times: Array<number> = []
    const { httpclient, ...others } = uniCloud()
    const timed: typeof httpclient = {
      request: (url, sent) => {
        times.push(...sent.timeout)
        return httpclient.request(url, sent)
      }
    }
    await call(instance({ uniCloud: { ...others, httpclient: timed }, store: "memory", ...options })).catch(() => {})
    return times.slice(-2)
  }

  it("an answer may take 60 seconds, or what the function has left; connecting 3 of them, at most a quarter", async () => {
    // what the token and this machine took is gone
    const near = (actual: number, expected: number) =>
      assert.isTrue(actual <= expected && actual > expected - 5_000, String(actual))
    const [connect, response] = await given({})
    assert.strictEqual(connect, 3_000)
    near(connect! + response!, 60_000)
    const [, left] = await given({ timeLeft: () => 30_000 })
    near(left!, 26_700)
    const [quarter, rest] = await given({ timeLeft: () => 8_000 })
    assert.isAtMost(quarter!, 2_000)
    near(quarter! + rest!, 7_700)
    const [own, more] = await given({ deadline: 20_000 })
    near(own! + more!, 20_000)
    const [short, shorter] = await given({}, (q) => q.request({ url: "api/x", timeout: [1_000, 9_000] }))
    near(short! + shorter!, 10_000)
  })

  it("a mini code that got lost says so in its own words", async () => {
    platform.says({ code: [silence] })
    const error = await failure(instance({ deadline: 1_500 }).acode.getMiniCode({ path: "x" }))
    assert.include(error.help.zh, "小程序码")
    assert.notInclude(error.help.zh, "收到两次")
  })
})

describe("compat", () => {
  it("mutateInput: the caller's object gets its appid; a failure is a rejection all the same", async () => {
    const q = instance({ compat: { mutateInput: true } })
    const inputs: ReadonlyArray<Record<string, unknown>> = [{ content: "x" }, { content: "x", appid: "A2" }]
    for (const input of inputs) await q.security.msgSecCheck(input)
    assert.deepStrictEqual(inputs, [
      { content: "x", appid: "A1" },
      { content: "x", appid: "A2" }
    ])
    const login: Record<string, unknown> = { js_code: "C" }
    await q.auth.code2Session(login)
    assert.deepStrictEqual(login, { js_code: "C", appid: "A1" })
    const none = instance({ compat: { mutateInput: true }, configCenter: centerOf({}) })
    const rejected = none.security.msgSecCheck({ content: "x" })
    assert.include(await rejected.catch(String), "未找到appid：undefined")
  })

  it("secretInEncryptedKey: an older function finds the secret there", async () => {
    const q = instance({ compat: { secretInEncryptedKey: true } })
    const { encryptedKey } = await q.auth.code2Session({ code: "C", appid: "A2" })
    const session = { openid: "OPENID", sessionKey: "SK==", unionid: "UNI" }
    assert.deepStrictEqual(open(encryptedKey), { appid: "A2", appsecret: "S2", ...session })
    const other = await q.auth.code2Session({ code: "C", appid: "A3", appsecret: "S3" })
    assert.deepStrictEqual(open(other["encryptedKey"]), { appid: "A3", appsecret: "S3", ...session })
    // what is in there is not handed out when it comes back
    assert.notInclude(JSON.stringify(await q.auth.code2Session({ encryptedKey, needKey: true })), "S2")
  })

  it("formTextCheck: false: the text travels as JSON, and fails as closed", async () => {
    const q = instance({ compat: { formTextCheck: false } })
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "你好 a&b", appid: "A2", more: "is left out" }), ok)
    const check = platform.received().at(-1)!
    assert.deepStrictEqual(
      [check.contentType, jsonOf(check)],
      ["application/json", { appid: "A2", content: "你好 a&b" }]
    )
    platform.says({ text: [bytes("")] })
    assert.strictEqual((await failure(q.security.msgSecCheck({ content: "x" }))).reason._tag, "UnreadableAnswer")
  })

  it("ignorePage: only path counts", async () => {
    await instance({ compat: { ignorePage: true } }).acode.getMiniCode({ page: "p" })
    assert.deepStrictEqual(jsonOf(platform.received().at(-1)!), { appid: "A1" })
  })

  it("ignoreAccessToken: the program's own token is used", async () => {
    await instance({ compat: { ignoreAccessToken: true } }).security.msgSecCheck({ content: "x", access_token: "MINE" })
    assert.deepStrictEqual(tokensSent(), [undefined, "TK"])
  })

  it("secretInSession: code2SessionMpQQ alone returns the secret", async () => {
    const q = instance({ compat: { secretInSession: true } })
    assert.strictEqual((await q.auth.code2SessionMpQQ({ code: "C" }))["appsecret"], "S1")
    assert.notInclude(JSON.stringify(await q.auth.code2Session({ code: "C", needKey: true })), "S1")
  })

  it("sendOverQuota: QQ is asked again, whatever it said", async () => {
    platform.says({ text: [json({ errCode: 45009, errMsg: "too many" }), passed] })
    const q = instance({ attempts: 1, compat: { sendOverQuota: true } })
    assert.strictEqual((await q.security.msgSecCheck({ content: "x" })).code, 45009)
    assert.strictEqual((await q.security.msgSecCheck({ content: "x" })).code, 0)
  })

  it("noRetries: one request, and no token is renewed", async () => {
    const q = instance({ compat: { noRetries: true } })
    platform.says({ text: [badToken], image: [bytes("<html>", 502)] })
    const wrong = { errcode: 40001, errmsg: "bad token", code: 40001, msg: "access_token错误" }
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), wrong)
    assert.strictEqual((await failure(q.security.imgSecCheck({ media: image }))).reason._tag, "UnreadableAnswer")
    assert.deepStrictEqual(platform.asked(), ["token", "text", "image"])
    emptyStore()
    platform.says({ token: [refusedSecret] })
    assert.deepStrictEqual(await instance({ compat: { noRetries: true } }).subscribeMessage.send(message), noToken)
    platform.says({ token: [bytes("")] })
    await failure(instance({ compat: { noRetries: true } }).auth.getAccessToken())
    assert.deepStrictEqual(platform.asked(), ["token"])
  })

  it("sendUnchecked: QQ decides", async () => {
    const q = instance({ compat: { sendUnchecked: true } })
    for (const call of [
      () => q.security.msgSecCheck({ content: "" }),
      () => q.security.imgSecCheck({ base64: "data:image/jpeg;base64,SlBFR0RBVEE" }),
      () => q.subscribeMessage.send({ touser: "O", template_id: "T" }),
      () => q.security.imgSecCheck({ buffer: pngOf(1024 * 1024 + 1) })
    ]) {
      assert.strictEqual((await call()).code, 0)
    }
    assert.isTrue(Buffer.isBuffer(await q.acode.getMiniCode({ path: "/x" })))
    const [, , jpeg] = platform.received()
    assert.include(jpeg!.body.toString(), "Content-Type: image/png\r\n\r\nJPEGDATA\r\n")
    // and passes on its explicit yes alone
    platform.says({ text: [bytes("")] })
    assert.strictEqual((await failure(q.security.msgSecCheck({}))).reason._tag, "UnreadableAnswer")
  })

  it("a switch that is none is refused by its name", () => {
    for (const compat of [{ formTextChecks: true }, { ignorePage: 1 }, { toString: true }] as Array<any>) {
      assert.throws(() => createVkOpenapiQQ({ compat }), `compat.${Object.keys(compat)[0]}`)
    }
  })
})

describe("the table of differences", () => {
  const ids = differences.map(({ id }) => id)
  it("has every switch, and each difference once", () => {
    assert.includeMembers(ids, Object.keys(defaults))
    assert.strictEqual(new Set(ids).size, ids.length)
  })

  it.each([
    ["packages/unicloud/README.md", "zh"],
    ["packages/unicloud/VK.md", "en"]
  ] as const)("%s has it", async (file, language) => {
    const page = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8")
    assert.strictEqual(withDifferences(page, language), page, "run node packages/unicloud/delivery/differences.ts")
    for (const { id, vk } of differences) {
      assert.include(page, vk[language])
      assert.strictEqual(page.includes(`\`${id}\``), id in defaults, id)
    }
  })
})

describe("texts", () => {
  const q = () => instance({ attempts: 1 })
  // with a token of their own, so that none is renewed
  const access_token = "T"
  const calls: Readonly<Record<string, readonly [Path | "other", () => Promise<VkResult | Buffer>]>> = {
    "security.msgSecCheck": ["text", () => q().security.msgSecCheck({ content: "x", access_token })],
    "security.imgSecCheck": ["image", () => q().security.imgSecCheck({ media: image, access_token })],
    "acode.getMiniCode": ["code", () => q().acode.getMiniCode({ path: "x", access_token })],
    "auth.code2Session": ["session", () => q().auth.code2Session({ code: "C" })],
    "subscribeMessage.send": ["message", () => q().subscribeMessage.send({ ...message, access_token })],
    request: ["other", () => q().request({ url: "/api/x", data: { access_token } })]
  }
  const codes = new Set([-1, 45009, 45011, 12345, ...Object.values(texts).flatMap((of) => Object.keys(of).map(Number))])

  it.each(Object.entries(calls))("%s: vk's own by the call, everywhere else QQ's", async (name, [path, call]) => {
    for (const code of codes) {
      for (const body of [
        { errcode: code, errmsg: "said by QQ", request_id: "R" },
        { errCode: code, errMsg: "said by QQ", more: [1] },
        { errcode: code }
      ]) {
        platform.says({ [path]: [json(body)] })
        const { encryptedKey: _key, platform: _, requestId, request_id = requestId, ...result } = (await call()) as any
        const { errcode, errmsg = "", errCode = errcode, errMsg = errmsg } = body as any
        const { request_id: id, ...fields } = body as any
        assert.deepStrictEqual(result, { ...fields, code, msg: texts[name]?.[code] ?? errMsg }, `${name} ${errCode}`)
        assert.strictEqual(request_id, id)
      }
    }
  })
})

const noProgram = (appid: string) =>
  cases.find(({ title }) => title === "getAccessToken appid:NOPE")!.throws!.replace("NOPE", appid)

/** What a function throws, as the record writes it. */
const thrownBy = (call: () => unknown): string | undefined => {
  try {
    call()
  } catch (error) {
    return wasThrown(error).throws
  }
  return assert.fail("was expected to throw")
}

describe("programs and init", () => {
  afterEach(() => vi.unstubAllGlobals())

  it("getAppidInfo and getConfig", () => {
    const q = instance()
    const [first, second] = [
      { appid: "A1", appsecret: "S1" },
      { appid: "A2", appsecret: "S2" }
    ]
    assert.deepStrictEqual(q.getConfig()["mp-qq"].oauth.qq, first)
    assert.deepStrictEqual(q.auth.getAppidInfo(), first)
    assert.deepStrictEqual(q.auth.getAppidInfo({}), first)
    // the configured one: by its configured secret
    assert.deepStrictEqual(q.auth.getAppidInfo({ appid: "A1" }), first)
    assert.deepStrictEqual(q.auth.getAppidInfo({ appid: "A1", appsecret: "OTHER" }), first)
    assert.deepStrictEqual(q.auth.getAppidInfo({ appsecret: "OTHER" }), first)
    // another one: by the secret that is given, else by the list
    assert.deepStrictEqual(q.auth.getAppidInfo({ appid: "A2" }), second)
    assert.deepStrictEqual(q.auth.getAppidInfo({ appid: "A2", appsecret: "OTHER" }), { ...second, appsecret: "OTHER" })
    assert.deepStrictEqual(q.auth.getAppidInfo({ appid: "A3", appsecret: "S3" }), { appid: "A3", appsecret: "S3" })
    assert.strictEqual(
      thrownBy(() => q.auth.getAppidInfo({ appid: "A3" })),
      noProgram("A3")
    )
    const entries = centerOf([{ dcloudAppid: "__UNI__TEST", mine: 1 }, { isDefaultConfig: true }] as never)
    assert.deepStrictEqual(instance({ configCenter: entries }).getConfig(), { dcloudAppid: "__UNI__TEST", mine: 1 })
    const none = instance({ configCenter: centerOf({}) })
    assert.strictEqual(thrownBy(none.auth.getAppidInfo), noProgram("undefined"))
    assert.strictEqual(
      thrownBy(() => none.auth.getAppidInfo()),
      noProgram("undefined")
    )
  })

  it("every call takes its program by the same rules", async () => {
    const q = instance()
    const secretOf = async (app: object) => {
      platform.says()
      await q.auth.code2Session({ code: "C", ...app })
      const { appid, secret } = query(platform.received()[0]!)
      return `${appid} ${secret}`
    }
    assert.strictEqual(await secretOf({}), "A1 S1")
    assert.strictEqual(await secretOf({ appid: "A1", appsecret: "OTHER" }), "A1 S1")
    assert.strictEqual(await secretOf({ appsecret: "OTHER" }), "A1 S1")
    assert.strictEqual(await secretOf({ appid: "A2" }), "A2 S2")
    assert.strictEqual(await secretOf({ appid: "A2", appsecret: "OTHER" }), "A2 OTHER")
    assert.strictEqual(await secretOf({ appid: "A3", appsecret: "S3" }), "A3 S3")
    platform.says()
    const calls = [
      () => q.auth.code2Session({ code: "C", appid: "A3" }),
      () => q.auth.getAccessToken({ appid: "A3" }),
      () => q.auth.getAccessTokenFn({ appid: "A3" }),
      () => q.security.msgSecCheck({ content: "x", appid: "A3" }),
      () => q.subscribeMessage.send({ ...message, appid: "A3" }),
      () => q.request({ url: "api/x", data: { access_token: true, appid: "A3" } })
    ]
    for (const call of calls) assert.strictEqual((await call().then(came, wasThrown)).throws, noProgram("A3"))
    assert.deepStrictEqual(platform.asked(), [])
  })

  it("an odd entry of the configuration hurts only the calls that need it, with vk's hint; no other is taken", async () => {
    const odd = [null, undefined, {}, { appid: "A1" }, { appid: "A1", appsecret: "" }, { appsecret: "S1" }, "A1", 5, []]
    const list = {
      vk: { oauth: { qq: { list: [...odd, { appid: 22, appsecret: "S22" }, { appid: "A2", appsecret: "S2" }] } } }
    }
    for (const qq of odd) {
      const q = instance({ configCenter: centerOf({ "mp-qq": { oauth: { qq } } }, list), store: "memory" })
      assert.strictEqual(thrownBy(q.auth.getAppidInfo), noProgram("undefined"))
      const rejected = await q.security.msgSecCheck({ content: "x" }).then(came, wasThrown)
      assert.strictEqual(rejected.throws, noProgram("undefined"))
      for (const appid of ["A2", 22, "22"] as Array<string>) {
        assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x", appid }), ok)
      }
      assert.strictEqual((await q.auth.code2Session({ code: "C", appid: "A1", appsecret: "S" })).code, 0)
    }
    for (const [config, vk] of [
      [undefined, 5],
      [{ "mp-qq": 5 }, { vk: { oauth: { qq: { list: "A2" } } } }],
      [[null, { dcloudAppid: "another" }], undefined],
      [[], { vk: null }]
    ]) {
      const q = instance({ configCenter: centerOf(config, vk) })
      assert.strictEqual(thrownBy(q.auth.getAppidInfo), noProgram("undefined"))
      assert.strictEqual(
        thrownBy(() => q.auth.getAppidInfo({ appid: "A2" })),
        noProgram("A2")
      )
    }
    const unreadable = instance({ configCenter: () => notThere("uni-config-center") })
    assert.strictEqual((await failure(unreadable.security.msgSecCheck({ content: "x" }))).reason._tag, "InvalidConfig")
  })

  it("'' and null are no appid and no secret", async () => {
    const q = instance()
    for (const nothing of ["", null, undefined] as Array<any>) {
      assert.deepStrictEqual(q.auth.getAppidInfo({ appid: nothing, appsecret: nothing }).appid, "A1")
      assert.deepStrictEqual(q.auth.getAppidInfo({ appid: "A2", appsecret: nothing }).appsecret, "S2")
      assert.strictEqual((await q.security.msgSecCheck({ content: "x", appid: nothing, appsecret: nothing })).code, 0)
    }
  })

  it("what is given needs no file", async () => {
    const broken: ConfigCenter = () => notThere("uni-config-center")
    const q = instance({ appid: "A9", appsecret: "S9", aesKey: "MINE", configCenter: broken })
    assert.deepStrictEqual(q.auth.getAppidInfo(), { appid: "A9", appsecret: "S9" })
    const { appid, encryptedKey } = await q.auth.code2Session({ code: "C" })
    assert.deepStrictEqual([appid, open(encryptedKey, "MINE").appid], ["A9", "A9"])
  })

  it("init brings vk's configuration and its key; what stands in the options goes before", async () => {
    vi.stubGlobal("uniCloud", uniCloud())
    const q = createVkOpenapiQQ({ baseUrl: platform.url })
    assert.strictEqual(thrownBy(q.auth.getAppidInfo), noProgram("undefined"))
    const config = { vk: { crypto: { aes: "OF-UTIL" }, oauth: { qq: { list: [{ appid: "A7", appsecret: "S7" }] } } } }
    const requireFn = () => undefined
    q.init({ vk: {}, config, db: {}, configCenter, requireFn } as never)
    assert.deepStrictEqual(q.auth.getAppidInfo(), { appid: "A1", appsecret: "S1" })
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x", appid: "A2" }), ok)
    assert.strictEqual(open((await q.auth.code2Session({ code: "C" }))["encryptedKey"], "OF-UTIL").openid, "OPENID")
    // without a configCenter there is what vk read already
    q.init({ config })
    assert.strictEqual(q.auth.getAppidInfo({ appid: "A7" }).appsecret, "S7")
    // a later createInstance calls it, with whatever it has
    q.init(undefined)
    q.init()
    assert.strictEqual(thrownBy(q.auth.getAppidInfo), noProgram("undefined"))
    const own = instance({ aesKey: "MINE" })
    own.init({ config, configCenter: centerOf({}) })
    assert.strictEqual(own.auth.getAppidInfo().appid, "A1")
    assert.strictEqual(open((await own.auth.code2Session({ code: "C" }))["encryptedKey"], "MINE").openid, "OPENID")
  })

  it("the default store is vk's also where the option is undefined", async () => {
    await instance({ store: undefined }).auth.getAccessToken()
    assert.property(database.dump(vkData), "mp-qq-access_token-A1")
  })
})

describe("auth", () => {
  it("getAccessTokenFn fetches a new token, which is everybody's, and gives what QQ answered", async () => {
    const given = (token: string) => json({ access_token: token, expires_in: 7200, errcode: 0, errmsg: "ok" })
    platform.says({ token: [given("T1"), given("T2"), refusedSecret] })
    const q = instance()
    assert.strictEqual(await q.auth.getAccessToken(), "T1")
    const fresh = { code: 0, msg: "ok", access_token: "T2", expires_in: 7200 }
    assert.deepStrictEqual(await q.auth.getAccessTokenFn(), fresh)
    await q.security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(tokensSent(), [undefined, undefined, "T2"])
    assert.strictEqual(await instance().auth.getAccessToken(), "T2")
    const refused = await q.auth.getAccessTokenFn({ access_token: "is none of its parameters" })
    const err = { errcode: 40001, errmsg: "invalid secret" }
    assert.deepStrictEqual(refused, { code: 40001, msg: "invalid secret", err })
    assert.deepStrictEqual(await q.auth.getAccessTokenFn({ appid: "A1" }), refused)
  })

  it("getAccessToken has its own type", async () => {
    const token: string | undefined = await instance().auth.getAccessToken()
    assert.strictEqual(token, "TK")
  })

  it("code2SessionMpQQ is the inner half of the login; all of QQ's fields stay, in camel case", async () => {
    const said = {
      openid: "OPENID",
      session_key: "SK==",
      unionid: "UNI",
      errcode: 0,
      errmsg: "",
      uin: "",
      expires_in: 9
    }
    platform.says({ session: [json({ ...said, request_id: { trace_id: 1 } })] })
    const q = instance()
    const session = {
      appid: "A1",
      openid: "OPENID",
      unionid: "UNI",
      errcode: 0,
      errmsg: "",
      uin: "",
      expiresIn: 9,
      requestId: { traceId: 1 },
      code: 0,
      msg: "ok"
    }
    const input = { code: "C", platform: "app-qq" }
    assert.deepStrictEqual(await q.auth.code2SessionMpQQ(input), { ...session, sessionKey: "SK==" })
    const { encryptedKey, ...rest } = await q.auth.code2Session(input)
    assert.deepStrictEqual(rest, { ...session, platform: "app-qq" })
    assert.isString(encryptedKey)
    for (const platform of ["", null, undefined]) {
      assert.strictEqual((await q.auth.code2Session({ code: "C", platform }))["platform"], "mp-qq")
    }
    platform.says({ session: [json({ errcode: -101600007, errmsg: "no", request_id: "R" })] })
    const refused = { errcode: -101600007, errmsg: "no", requestId: "R", code: -101600007, msg: "appid错误" }
    assert.deepStrictEqual(await q.auth.code2SessionMpQQ(input), refused)
  })

  it("one user's login too often says nothing about another's", async () => {
    platform.says({ session: [json({ errcode: 45011, errmsg: "often" }), ...usual.session] })
    const q = instance()
    const often = await q.auth.code2SessionMpQQ({ code: "C" })
    assert.deepStrictEqual(often, { errcode: 45011, errmsg: "often", code: 45011, msg: "often" })
    assert.strictEqual((await q.auth.code2Session({ code: "D" })).code, 0)
  })

  it("a getAccessTokenFn that QQ refuses takes the stored token from no call", async () => {
    await instance().auth.getAccessToken()
    platform.says({ token: [json({ errcode: 45009, errmsg: "too many" })] })
    const q = instance()
    assert.strictEqual((await q.auth.getAccessTokenFn()).code, 45009)
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), ok)
    assert.deepStrictEqual(tokensSent(), [undefined, "TK"])
  })

  it("cache counts by its truth", async () => {
    const q = instance()
    for (const [cache, fetches] of [
      [undefined, 1],
      [true, 0],
      [1, 0],
      ["no", 0],
      [false, 1],
      [0, 1],
      ["", 1],
      [null, 1]
    ] as const) {
      platform.says()
      assert.strictEqual(await q.auth.getAccessToken({ cache: cache as never }), "TK")
      assert.strictEqual(platform.asked().length, fetches, String(cache))
    }
  })

  it("code2Session without a unionid, and without a key to encrypt with", async () => {
    platform.says({ session: [json({ openid: "OPENID", session_key: "SK==", errcode: 0 })] })
    const q = instance({ configCenter: centerOf(uniId) })
    assert.deepStrictEqual(await q.auth.code2Session({ code: "C" }), {
      appid: "A1",
      openid: "OPENID",
      errcode: 0,
      code: 0,
      msg: "ok",
      platform: "mp-qq"
    })
    const result = await q.auth.code2Session({ encryptedKey: close({ openid: "OPENID" }) })
    assert.strictEqual(result.code, -1)
    const empty = instance({ configCenter: centerOf(uniId, { vk: { crypto: { aes: "" } } }) })
    assert.notProperty(await empty.auth.code2Session({ code: "C" }), "encryptedKey")
  })

  it("encryptedKey takes the code's place: nothing is sent", async () => {
    const q = instance()
    const login = await q.auth.code2Session({ code: "C", needKey: true })
    const { encryptedKey } = login
    platform.says()
    assert.deepStrictEqual(await q.auth.code2Session({ encryptedKey, needKey: true }), login)
    const { sessionKey, ...withoutKey } = login
    assert.strictEqual(sessionKey, "SK==")
    assert.deepStrictEqual(await q.auth.code2Session({ encryptedKey }), withoutKey)
    // made by somebody else by vk's recipe, with the secret in it
    const content = { appid: "A2", appsecret: "S2", openid: "O2", sessionKey: "K2" }
    const { appid, openid, ...others } = await q.auth.code2Session({ encryptedKey: close(content), needKey: true })
    assert.deepStrictEqual([appid, openid, others["sessionKey"], others.code], ["A2", "O2", "K2", 0])
    assert.notProperty(others, "appsecret")
    for (const wrong of [
      "x",
      encryptedKey.slice(4),
      close(content, "ANOTHER"),
      close({ appid: "A1" }),
      close([]),
      5,
      {}
    ]) {
      const result = await q.auth.code2Session({ encryptedKey: wrong })
      assert.deepStrictEqual(result, { code: -1, msg: "encryptedKey 无效，请重新登录", platform: "mp-qq" })
    }
    assert.deepStrictEqual(platform.asked(), [])
    // none was given
    for (const empty of ["", null, undefined]) {
      assert.strictEqual((await q.auth.code2Session({ code: "C", encryptedKey: empty })).code, 0)
    }
  })
})

describe("a mini code", () => {
  it("is a Buffer with code and msg, as vk's callers take it", async () => {
    const res: any = await instance().acode.getMiniCode({ path: "x" })
    assert.isTrue(Object.hasOwn(res, "code") && Object.hasOwn(res, "msg"))
    assert.deepStrictEqual([res.code, res.msg], [0, ""])
    const base64 = Buffer.from(res, "binary").toString("base64")
    assert.strictEqual(base64, Buffer.from(pngOf(1500)).toString("base64"))
  })

  it("is asked for once, whatever becomes of it", async () => {
    platform.says({ code: [dropped] })
    const error = await failure(instance().acode.getMiniCode({ path: "x" }))
    assert.strictEqual(error.reason._tag, "OutcomeUnknown")
    assert.deepStrictEqual(platform.asked(), ["token", "code"])
  })
})

describe("request", () => {
  const sole = () => {
    const [request] = platform.received()
    assert.strictEqual(platform.received().length, 1)
    return request!
  }

  it("GET: data and the url's own query, with a token where it is asked for", async () => {
    platform.says({ other: [json({ errcode: 0, errmsg: "ok", list: [1] })] })
    const q = instance()
    const result = await q.request({ url: "/api/x?y=1&z=%26", method: "GET", data: { x: "a b&c" } })
    assert.deepStrictEqual(result, { ...sent, list: [1] })
    assert.deepStrictEqual(query(sole()), { y: "1", z: "&", x: "a b&c" })
    await q.auth.getAccessToken()
    platform.says()
    await q.request({ url: "api/x", method: "get" as "GET", data: { access_token: true, x: 1, appid: "A1" } })
    const { body, method, url } = sole()
    assert.deepStrictEqual([method, url.split("?")[0], body.length], ["GET", "/api/x", 0])
    assert.deepStrictEqual(query(sole()), { access_token: "TK", x: "1", appid: "A1" })
    platform.says()
    await q.request({ url: "api/x?y=1", method: "GET", data: { appid: "A2" } })
    assert.deepStrictEqual(query(sole()), { y: "1", appid: "A2" })
    platform.says()
    await q.request({ url: "api/x", method: "GET", data: { appid: undefined } })
    assert.deepStrictEqual(query(sole()), {})
  })

  it("POST: a form, or JSON where that is asked for; the appid of data travels", async () => {
    const q = instance()
    await q.request({ url: "api/x", data: { appid: "A2", x: "a b&c", y: undefined } })
    assert.strictEqual(sole().contentType, "application/x-www-form-urlencoded")
    assert.deepStrictEqual(
      [...new URLSearchParams(sole().body.toString())],
      [
        ["appid", "A2"],
        ["x", "a b&c"]
      ]
    )
    platform.says()
    await q.request({ url: "api/x", contentType: "json", data: { x: { y: ["你好"] } } })
    assert.strictEqual(sole().contentType, "application/json")
    assert.deepStrictEqual(jsonOf(sole()), { x: { y: ["你好"] } })
    platform.says()
    await q.request({ url: "api/x" })
    assert.deepStrictEqual([sole().url, sole().body.toString()], ["/api/x", ""])
  })

  it("for another program: its token, and no secret on the wire", async () => {
    const q = instance()
    const app = { appid: "A3", appsecret: "S3" }
    const ways = [
      { url: "api/x", data: { access_token: true, x: 1, ...app } },
      { url: "api/x", data: { access_token: true, x: 1 }, ...app }
    ]
    for (const [i, options] of ways.entries()) {
      emptyStore()
      platform.says({ token: [json({ access_token: "T3", expires_in: 7200 })] })
      await (i === 0 ? q : instance()).request(options)
      const [token, request] = platform.received()
      assert.deepInclude(query(token!), { appid: "A3", secret: "S3" })
      assert.strictEqual(request!.url, "/api/x?access_token=T3")
      assert.strictEqual(request!.body.toString(), i === 0 ? "appid=A3&x=1" : "x=1")
    }
  })

  it("options of vk's HTTP client do not become parameters", async () => {
    await instance().request({ url: "api/x", data: { x: 1 }, timeout: 5_000, dataType: "json" } as never)
    assert.strictEqual(sole().body.toString(), "x=1")
  })

  it("goes to QQ and nowhere else: another host gets nothing, and the error says so", async () => {
    const q = instance()
    await q.auth.getAccessToken()
    for (const url of [
      "https://api.q.qq.com/api/x",
      "HTTP://API.Q.QQ.COM/api/x#part",
      `${platform.url}/api/x`,
      "//api/x",
      "///api/x",
      "api/x"
    ]) {
      platform.says()
      assert.deepStrictEqual(await q.request({ url, data: { access_token: true } }), sent)
      assert.strictEqual(sole().url, "/api/x?access_token=TK", url)
    }
    for (const url of ["//evil.example/x", "@evil.example/x", "evil.example:80/x", "\\\\evil.example/x"]) {
      platform.says()
      await q.request({ url, data: { access_token: true } })
      assert.strictEqual(platform.received().length, 1, url)
    }
    platform.says()
    for (const url of [
      "http://evil.example/api/x",
      "HTTPS://user@evil.example:8443/api/x",
      "https://api.q.qq.com@evil.example/x",
      "https://api.q.qq.com.evil.example/x",
      "https:\\\\evil.example/x",
      "ftp://evil.example"
    ]) {
      for (const data of [{ access_token: true }, {}]) {
        const { code, msg } = await q.request({ url, data })
        assert.deepStrictEqual([code, msg.slice(0, 4)], [-1, "url："])
      }
    }
    assert.deepStrictEqual(platform.received(), [])
  })

  it("passes on the method, the headers, the content, JSON and files as urllib does", async () => {
    const q = instance()
    const made: ReadonlyArray<readonly [Parameters<typeof q.request>[0], method: string, type: string, body: string]> =
      [
        [{ url: "api/x", content: "<xml/>", headers: { "Content-Type": "text/xml" } }, "POST", "text/xml", "<xml/>"],
        [{ url: "api/x", data: { x: [1] }, useContent: true }, "POST", "application/json", '{"x":[1]}'],
        [
          {
            url: "api/x",
            method: "put",
            data: { x: 1 },
            headers: { "content-type": "application/json; charset=utf-8" }
          },
          ...(["PUT", "application/json; charset=utf-8", '{"x":1}'] as const)
        ],
        [{ url: "api/x", data: "a=1", contentType: "form" }, "POST", "text/plain;charset=utf-8", "a=1"],
        [
          { url: "api/x", data: { a: [1, 2], b: null, c: {}, d: "\ud83d", e: true } },
          ...(["POST", "application/x-www-form-urlencoded", "a=1&a=2&b=&c=&d=%EF%BF%BD&e=true"] as const)
        ]
      ]
    for (const [options, method, type, body] of made) {
      platform.says()
      assert.deepStrictEqual(await q.request(options), sent)
      const request = sole()
      assert.deepStrictEqual([request.method, request.contentType, request.body.toString()], [method, type, body])
    }
    platform.says()
    const files = { one: Buffer.from(image), two: fileURLToPath(new URL("unicloud.cjs", import.meta.url)) }
    await q.request({ url: "api/x", method: "GET", data: { x: 1, access_token: true }, files })
    const { body, contentType, method, url } = platform.received().at(-1)!
    assert.deepStrictEqual([method, url], ["POST", "/api/x?access_token=TK"])
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType! } }).formData()
    assert.deepStrictEqual([...form.keys()], ["x", "one", "two"])
    assert.isTrue(Buffer.from(await (form.get("one") as File).arrayBuffer()).equals(image))
    assert.include(await (form.get("two") as File).text(), "makeUniCloud")
  })

  it("gives what is no JSON where that is asked for, and gives up after its timeout", async () => {
    platform.says({ other: [bytes("<xml/>")] })
    const q = instance()
    assert.deepStrictEqual(await q.request({ url: "api/x", dataType: "text" }), { code: 0, msg: "", data: "<xml/>" })
    const res: any = await q.request({ url: "api/x", method: "GET", dataType: "buffer" })
    assert.deepStrictEqual([res.toString(), res.code, res.msg], ["<xml/>", 0, ""])
    platform.says({ other: [json({ errcode: 4, errmsg: "no" })] })
    assert.strictEqual((await q.request({ url: "api/x", dataType: "buffer" })).code, 4)
    platform.says({ other: [silence] })
    const { reason } = await failure(q.request({ url: "api/x", method: "GET", timeout: 400 }))
    assert.include(["TimedOut", "ConnectionFailed"], reason._tag)
  })

  it("QQ's errors are returned, a refused token is renewed, and what can't be read is thrown", async () => {
    platform.says({ other: [badToken, json({ errCode: 87014, errMsg: "risky" })] })
    const q = instance()
    const risky = { errCode: 87014, errMsg: "risky", code: 87014, msg: "risky" }
    assert.deepStrictEqual(await q.request({ url: "api/x", data: { access_token: true } }), risky)
    assert.deepStrictEqual(platform.asked(), ["token", "/api/x?access_token=TK", "token", "/api/x?access_token=TK"])
    for (const reply of [bytes(""), bytes("<html>502</html>", 502), json([])]) {
      platform.says({ other: [reply] })
      // a POST may have done something
      assert.strictEqual((await failure(q.request({ url: "api/x" }))).reason._tag, "OutcomeUnknown")
      assert.deepStrictEqual(platform.asked(), ["/api/x"])
    }
    platform.says({ other: [bytes("<html>502</html>", 502)] })
    const error = await failure(q.request({ url: "api/x", method: "GET" }))
    assert.strictEqual(error.reason._tag, "UnreadableAnswer")
    emptyStore()
    platform.says({ token: [refusedSecret] })
    assert.deepStrictEqual(await instance().request({ url: "api/x", data: { access_token: true } }), noToken)
  })
})

describe("what the network does is thrown, and shows nothing", () => {
  const [appid, appsecret] = ["APP-OF-THE-TEST", "SECRET-9f8e7d6c"]
  const [token, code] = ["TOKEN-5b4a3f2e", "CODE-1d0c9b8a"]
  const closedPort = async () => {
    const server = await startPlatform()
    await server.close()
    return server.url
  }
  const network: Readonly<
    Record<string, { readonly reply?: Reply; readonly times?: object; readonly tags: ReadonlyArray<string> }>
  > = {
    "a port where nobody listens": { tags: ["ConnectionFailed"] },
    "a connection that breaks": { reply: dropped, tags: ["ConnectionFailed", "OutcomeUnknown"] },
    "an answer that never comes": {
      reply: silence,
      times: { attemptTimeout: 2_000, deadline: 9_000 },
      tags: ["TimedOut", "OutcomeUnknown"]
    }
  }
  for (const [what, { reply, tags, times }] of Object.entries(network)) {
    it(`by ${what}`, async () => {
      const baseUrl = reply === undefined ? await closedPort() : platform.url
      const replies = reply === undefined ? {} : { token: [reply], session: [reply], text: [reply], other: [reply] }
      platform.says({ ...replies, message: replies.text, code: replies.text, image: replies.text } as Script)
      // an instance each, so that none waits for another
      const q = () => instance({ appid, appsecret, baseUrl, store: "memory", attempts: 2, ...times })
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        getAccessToken: () => q().auth.getAccessToken(),
        getAccessTokenFn: () => q().auth.getAccessTokenFn(),
        code2Session: () => q().auth.code2Session({ code }),
        "a token's fetch": () => q().security.msgSecCheck({ content: "x" }),
        msgSecCheck: () => q().security.msgSecCheck({ content: "x", access_token: token }),
        imgSecCheck: () => q().security.imgSecCheck({ media: image, access_token: token }),
        getMiniCode: () => q().acode.getMiniCode({ path: "x", access_token: token }),
        send: () => q().subscribeMessage.send({ ...message, access_token: token }),
        GET: () => q().request({ url: "api/x", method: "GET", data: { access_token: token } }),
        POST: () => q().request({ url: "api/x", data: { access_token: token } })
      }
      const hidden = [appsecret, token, code, new URL(baseUrl).host, "/api/", "/sns/", "access_token=", "secret="]
      const errors = await Promise.all(
        Object.entries(calls).map(async ([name, call]) => [name, await failure(call())] as const)
      )
      for (const [name, error] of errors) {
        assert.include(tags, error.reason._tag, name)
        const shown = [
          error.message,
          error.stack ?? "",
          String(error),
          JSON.stringify(error),
          inspect(error, { depth: Infinity, showHidden: true, getters: true }),
          inspect(error.reason, { depth: Infinity, showHidden: true, customInspect: false }),
          inspect(Object.getOwnPropertyDescriptors(error), { depth: Infinity, showHidden: true, customInspect: false })
        ]
        for (const text of shown) for (const one of hidden) assert.notInclude(text, one, name)
      }
    })
  }

  it("what is hidden there is what urllib itself would show", async () => {
    const url = `${await closedPort()}${paths.token}?appid=${appid}&secret=${appsecret}`
    const { httpclient } = uniCloud()
    const error = await httpclient.request(url, { method: "GET", headers: {}, timeout: [20_000, 20_000] }).catch(String)
    assert.include(String(error), appsecret)
  })
})

describe("calls that qq-mini gains", () => {
  const endpoints = Object.entries(groups).flatMap(([group, calls]) =>
    Object.entries(calls).map(([name, endpoint]) => [group, name, endpoint] as const)
  )

  it("every endpoint is a function here, by its name", () => {
    assert.isAtLeast(endpoints.length, 6)
    const q: any = instance()
    for (const [group, name] of endpoints) assert.isFunction(q[group][name], `${group}.${name}`)
  })

  const picture = Endpoint.get("user.getPicture", "/api/json/user/GetPicture", () => ({
    authorization: "access_token",
    input: Schema.Struct({ openid: Schema.String, size: Schema.optional(Schema.Finite) }),
    wire: Schema.Struct({ openid: Schema.String, size: Schema.optional(Schema.Finite) }),
    output: getMiniCode.output,
    image: true,
    delivery: "repeatable"
  }))
  const risk = Endpoint.post("user.getRisk", "/api/json/user/GetRisk", () => ({
    authorization: "access_token",
    // no plain struct, so nobody knows its fields beforehand
    input: Schema.Record(Schema.String, Schema.String),
    wire: Schema.Record(Schema.String, Schema.String),
    body: Body.json,
    appid: true,
    output: Schema.Struct({ errcode: Schema.Literal(0), level: Schema.Finite }),
    delivery: "repeatable"
  }))
  const gained = () =>
    fromGroups(
      { ...groups, user: { getPicture: picture, getRisk: risk } },
      { uniCloud: uniCloud(), baseUrl: platform.url, configCenter }
    )

  it("a made-up one has all of vk's manner without a line for it", async () => {
    const q = gained()
    platform.says({ other: [badToken, json({ errcode: 0, errmsg: "fine", level: 3, more: "of QQ's" })] })
    const result = await q.user.getRisk({ openid: "O", access_token: true as never })
    assert.deepStrictEqual(result, { errcode: 0, errmsg: "fine", level: 3, more: "of QQ's", code: 0, msg: "fine" })
    const url = "/api/json/user/GetRisk?access_token=TK"
    assert.deepStrictEqual(platform.asked(), ["token", url, "token", url])
    assert.deepStrictEqual(jsonOf(platform.received().at(-1)!), { appid: "A1", openid: "O" })

    platform.says({ other: [json({ errCode: 4711, errMsg: "said by QQ" })] })
    const error = { errCode: 4711, errMsg: "said by QQ", code: 4711, msg: "said by QQ" }
    assert.deepStrictEqual(await q.user.getRisk({ openid: "O", appid: "A2" }), error)
    assert.deepStrictEqual(jsonOf(platform.received().at(-1)!), { appid: "A2", openid: "O" })
    await q.user.getRisk({ openid: "O", access_token: "MINE" })
    assert.strictEqual(tokensSent().at(-1), "MINE")

    platform.says({ other: [json({ errcode: 0, level: "high" })] })
    assert.strictEqual((await failure(q.user.getRisk({ openid: "O" }))).reason._tag, "UnreadableAnswer")
    platform.says()
    const wrong = await q.user.getRisk({ openid: 5 })
    assert.deepStrictEqual([wrong.code, wrong.msg.slice(0, 7)], [-1, "openid："])
    assert.deepStrictEqual(platform.asked(), [])
    assert.strictEqual(
      (await q.user.getRisk({ openid: "O", appid: "A3" }).then(came, wasThrown)).throws,
      noProgram("A3")
    )
    platform.says({ token: [refusedSecret] })
    emptyStore()
    assert.deepStrictEqual(await gained().user.getRisk({ openid: "O" }), noToken)
  })

  it("a made-up one that gives an image gives a Buffer", async () => {
    platform.says({ other: [bytes(image)] })
    const q = gained()
    const result: any = await q.user.getPicture({ openid: "O", of: "nobody knows what" })
    assert.isTrue(Buffer.isBuffer(result) && result.equals(image))
    assert.deepStrictEqual([result.code, result.msg], [0, ""])
    assert.deepStrictEqual(query(platform.received().at(-1)!), { access_token: "TK", openid: "O" })
    platform.says({ other: [json({ errcode: 4711, errmsg: "x".repeat(600) })] })
    assert.strictEqual((await q.user.getPicture({ openid: "O" })).code, 4711)
  })

  it("the calls that were there are the same", async () => {
    const q = gained()
    assert.deepStrictEqual(await q.security.msgSecCheck({ content: "x" }), ok)
    assert.strictEqual(await q.auth.getAccessToken(), "TK")
  })
})
