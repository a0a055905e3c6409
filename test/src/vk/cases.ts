/**
 * The cases: each parameter of each call with each odd value, each answer of QQ's, each fault of the network, each
 * configuration, and combinations of these that a seed chooses.
 */
import { image, png } from "../support/calls.ts"
import { type Path, type Reply, type Script } from "./exchange.ts"
import { encrypt, multipart } from "./model.ts"
import { pngOf } from "./images.ts"

/** A configuration of the project. */
export interface Config {
  readonly title: string
  readonly uniId: unknown
  readonly vkUnicloud: unknown
  readonly dcloudAppid?: string
  /** Whether the facade gets it from `init(util)` instead of its options. */
  readonly init?: boolean
}

/** One call of a case. `input` makes a new value each time, because vk changes it. */
export interface Call {
  readonly name: CallName
  readonly input: () => any
}

/** What `vk-global-data` holds: a valid token, one that never expires, an expired one, none, or it can't be used. */
export type Stored = "valid" | "for ever" | "expired" | "none" | "no collection"

/** A case: what is called, in which project, and what QQ says. */
export interface Case {
  /** What varies, for the reader. */
  readonly title: string
  /** The calls, one after the other on one instance. */
  readonly calls: ReadonlyArray<Call>
  /** Whether they are made at the same time. */
  readonly together?: boolean
  /** Whether the stored token is removed before each further call. */
  readonly removed?: boolean
  readonly config: Config
  readonly stored: Stored
  readonly script: Required<Script>
}

export const callNames = [
  "getConfig",
  "request",
  "auth.getAppidInfo",
  "auth.getAccessToken",
  "auth.getAccessTokenFn",
  "auth.code2Session",
  "auth.code2SessionMpQQ",
  "security.msgSecCheck",
  "security.imgSecCheck",
  "acode.getMiniCode",
  "subscribeMessage.send"
] as const

export type CallName = (typeof callNames)[number]

/** Which path a call asks, apart from the token's. */
export const pathOf: Readonly<Record<CallName, Path | undefined>> = {
  getConfig: undefined,
  request: "other",
  "auth.getAppidInfo": undefined,
  "auth.getAccessToken": "token",
  "auth.getAccessTokenFn": "token",
  "auth.code2Session": "session",
  "auth.code2SessionMpQQ": "session",
  "security.msgSecCheck": "text",
  "security.imgSecCheck": "image",
  "acode.getMiniCode": "code",
  "subscribeMessage.send": "message"
}

const takesToken = (name: CallName) =>
  pathOf[name] !== undefined && pathOf[name] !== "session" && pathOf[name] !== "token"

// --- what QQ says ---

export const json = (body: unknown, status = 200): Reply => ({
  body: Buffer.from(JSON.stringify(body)),
  status,
  headers: { "content-type": "application/json" }
})
const bytes = (body: string | Uint8Array, status = 200): Reply => ({ body: Buffer.from(body as Uint8Array), status })

const passed = json({ errCode: 0, errMsg: "ok" })
const done = json({ errcode: 0, errmsg: "ok" })
const session = { openid: "OPENID", session_key: "SK==", unionid: "UNI", errcode: 0, errmsg: "" }

/** What QQ says unless a case says otherwise. The tokens differ. */
export const usual: Required<Script> = {
  token: ["TK1", "TK2", "TK3", "TK4"].map((access_token) => json({ access_token, expires_in: 7200 })),
  session: [json(session)],
  code: [bytes(pngOf(1500))],
  text: [passed],
  image: [passed],
  message: [done],
  other: [done]
}

/** All codes that QQ or a client of QQ's names. */
const codes = [
  -1, 1, 40001, 40002, 40003, 40006, 40013, 40014, 40015, 40029, 40035, 40036, 40037, 41028, 41029, 41030, 42001, 43101,
  45009, 45011, 45029, 46001, 46002, 46003, 46004, 46005, 46006, 47001, 47003, 48001, 87014, 90009, 90011, 12345, -1009,
  -2100, -3000, -13010, -101222100, -101600007
]

const errors: ReadonlyArray<readonly [string, Reply]> = codes.flatMap((code) => [
  [`errcode ${code}`, json({ errcode: code, errmsg: `text of ${code}` })] as const,
  [`errCode ${code}`, json({ errCode: code, errMsg: `text of ${code}`, request_id: "R" })] as const
])

const faults: ReadonlyArray<readonly [string, Reply]> = (
  ["refused", "unknownHost", "connecting", "reset", "silent"] as const
).map((fault) => [fault, fault])

/** Answers that are no errors of QQ's and yet not as documented. */
const oddAnswers: ReadonlyArray<readonly [string, Reply]> = [
  ["an empty body", bytes("")],
  ["an empty body with 500", bytes("", 500)],
  ["a gateway's page", bytes("<html>502</html>", 502)],
  ["a long gateway's page", bytes(`<html>${"x".repeat(600)}</html>`, 502)],
  ["a page with 200", bytes("<html>login</html>")],
  ["half an answer", bytes('{"errCode":0,"errMs')],
  ["a text", bytes("ok")],
  ["{}", json({})],
  ["[]", json([])],
  ["null", json(null)],
  ["a number", json(5)],
  ["a string", json("ok")],
  ["an image", bytes(image)],
  ["a small image", bytes(pngOf(300))],
  ["half an image", bytes(pngOf(1500).subarray(0, 900))],
  ["errcode null", json({ errcode: null, errmsg: "ok" })],
  ["an error of a gateway", json({ code: -1, message: "gateway" })],
  ["no text", json({ errcode: 40035 })],
  ["an empty text", json({ errcode: 40035, errmsg: "" })],
  ["a long text", json({ errcode: 40035, errmsg: "x".repeat(598) })],
  ["a code as a string", json({ errcode: "40035", errmsg: "text" })],
  ["a text with a token", json({ errcode: 40035, errmsg: "of STORED-A1" })],
  ["a text with a secret", json({ errcode: 40035, errmsg: "of SECRET-1" })],
  ["an error with 500", json({ errcode: 40035, errmsg: "text" }, 500)]
]

/** Answers that are right. */
const goodAnswers: Readonly<Record<Exclude<Path, never>, ReadonlyArray<readonly [string, Reply]>>> = {
  token: [
    ["with errcode", json({ access_token: "TK9", expires_in: 7200, errcode: 0, errmsg: "" })],
    ["with more", json({ access_token: "TK9", expires_in: 300, request_id: "R" })],
    ["with 500", json({ access_token: "TK9", expires_in: 7200 }, 500)]
  ],
  session: [
    ["without unionid", json({ openid: "OPENID", session_key: "SK==", errcode: 0, errmsg: "" })],
    ["without errcode", json({ openid: "OPENID", session_key: "SK==" })],
    ["with more", json({ ...session, uin: "", expires_in: 7200, request_id: "R" })],
    ["with 500", json(session, 500)]
  ],
  code: [
    ["a large image", bytes(pngOf(20_000))],
    [
      "a JPEG",
      bytes(
        Buffer.concat([
          Buffer.from("ffd8ffc00011080008000803012200021101031101", "hex"),
          Buffer.alloc(600, 1),
          Buffer.from("ffd9", "hex")
        ])
      )
    ],
    ["with 500", bytes(pngOf(1500), 500)]
  ],
  text: [
    ["with more", json({ errCode: 0, errMsg: "ok", request_id: "R" })],
    ["an empty text", json({ errCode: 0, errMsg: "" })],
    ["with 500", json({ errCode: 0, errMsg: "ok" }, 500)]
  ],
  image: [
    ["with more", json({ errCode: 0, errMsg: "ok", request_id: "R" })],
    ["an empty text", json({ errCode: 0, errMsg: "" })]
  ],
  message: [
    ["with more", json({ errcode: 0, errmsg: "ok", msgid: 5, request_id: "R" })],
    ["an empty text", json({ errcode: 0, errmsg: "" })]
  ],
  other: [
    ["with more", json({ errcode: 0, errmsg: "ok", list: [1], user_name: "N" })],
    ["errCode", json({ errCode: 0, errMsg: "ok", more: {} })]
  ]
}

const slow: ReadonlyArray<readonly [string, number]> = [
  ["after 2 s", 2_000],
  ["after 4 s", 4_000],
  ["after 20 s", 20_000],
  ["after 50 s", 50_000]
]

// --- what is called ---

/** Values of the wrong kind, and values that count as none. */
const odd: ReadonlyArray<readonly [string, () => unknown]> = [
  ["undefined", () => undefined],
  ["''", () => ""],
  ["null", () => null],
  ["0", () => 0],
  ["false", () => false],
  ["NaN", () => Number.NaN],
  ["5", () => 5],
  ["-1.5", () => -1.5],
  ["true", () => true],
  ["a date", () => new Date(0)],
  ["{}", () => ({})],
  ["a string", () => "STRING"],
  ["a long string", () => "长".repeat(2_000)],
  ["signs", () => "a&b=c d+e/f?g#h%i"]
]

type Values = ReadonlyArray<readonly [string, () => unknown]>
const values = (record: Readonly<Record<string, () => unknown>>): Values => Object.entries(record)
const wrap = (of: Values, make: (value: unknown) => unknown, title: (name: string) => string): Values =>
  of.map(([name, value]) => [title(name), () => make(value())])

const scalars = odd.filter(([name]) => name !== "{}")

const aes = "AES-KEY"
const base64 = (picture: Uint8Array) => Buffer.from(picture).toString("base64")
const tooLarge = base64(pngOf(1024 * 1024 + 1))
const tooWide = base64(png(751, 1335))
const jpeg = Buffer.from("ffd8ffc00011080008000803012200021101031101ffd9", "hex")
const gif = Buffer.from("474946383961080008000000003b", "hex")

/** Body and head of a form, as vk's own `formData` gives them. */
const formData = (picture: Uint8Array) => ({
  getBuffer: () =>
    multipart([
      { name: "appid", value: "A1" },
      { name: "media", value: Buffer.from(picture), filename: "1.png", type: "image/png" }
    ]),
  getHeaders: () => ({ "content-type": "multipart/form-data; boundary=------FormDataBaseBoundaryX" })
})

const keyContent = { appid: "A1", appsecret: "SECRET-1", openid: "OPENID", sessionKey: "SK==", unionid: "UNI" }

const template: Values = [
  ["none", () => undefined],
  ["''", () => ""],
  ["null", () => null],
  ["{}", () => ({})],
  ["a text", () => "x"],
  ...wrap(
    scalars,
    (value) => ({ k: { value } }),
    (name) => `a value ${name}`
  ),
  ...wrap(
    scalars,
    (value) => ({ k: { value: "v" }, l: { value } }),
    (name) => `a second value ${name}`
  ),
  ...wrap(
    odd,
    (value) => ({ k: value }),
    (name) => `a field ${name}`
  ),
  ["with a color", () => ({ k: { value: "v", color: "#f00" } })],
  ["a number with a color", () => ({ k: { value: 5, color: "#f00" } })]
]

const programs: ReadonlyArray<readonly [string, object]> = [
  ["A1", { appid: "A1" }],
  ["A1 with another secret", { appid: "A1", appsecret: "OTHER" }],
  ["a secret alone", { appsecret: "OTHER" }],
  ["A2", { appid: "A2" }],
  ["A2 with a secret", { appid: "A2", appsecret: "OTHER" }],
  ["A2, secret ''", { appid: "A2", appsecret: "" }],
  ["A2, secret null", { appid: "A2", appsecret: null }],
  ["A3 with a secret", { appid: "A3", appsecret: "S3" }],
  ["NOPE", { appid: "NOPE" }],
  ["''", { appid: "" }],
  ["null", { appid: null }],
  ["null, null", { appid: null, appsecret: null }],
  ["'', ''", { appid: "", appsecret: "" }],
  ["0", { appid: 0 }],
  ["false", { appid: false }]
]

/** The programs that a call can be asked for. What vk makes of others is not known. */
const programsOf = (name: CallName) =>
  name === "request" || name === "auth.getAccessTokenFn" || name === "getConfig" ? [] : programs

/** A valid input of a call, and what may stand in its parameters. */
interface Signature {
  readonly valid: () => Readonly<Record<string, unknown>>
  readonly parameters: Readonly<Record<string, Values>>
  /** Whole inputs that are not a valid one with other parameters. */
  readonly inputs?: Values
}

const ownToken: Values = values({ true: () => true, "a string": () => "MINE", "''": () => "", null: () => null })

const login: Signature = {
  valid: () => ({ code: "C" }),
  parameters: {
    code: odd,
    // which of two codes is taken is not known
    js_code: odd.filter(([, value]) => !value()),
    needKey: odd,
    platform: odd,
    encryptedKey: values({
      undefined: () => undefined,
      "''": () => "",
      null: () => null,
      "a valid one": () => encrypt(aes, keyContent)
    }),
    more: values({ "a string": () => "x" })
  },
  inputs: values({
    ...Object.fromEntries(odd.map(([name, js_code]) => [`js_code ${name}`, () => ({ js_code: js_code() })])),
    both: () => ({ code: "C", js_code: "C" }),
    "code, js_code ''": () => ({ code: "C", js_code: "" }),
    "code '', js_code": () => ({ code: "", js_code: "J" }),
    "code null, js_code": () => ({ code: null, js_code: "J" }),
    "js_code with the key": () => ({ js_code: "J", needKey: true }),
    nothing: () => ({})
  })
}

const signatures: Readonly<Record<CallName, Signature>> = {
  getConfig: { valid: () => ({}), parameters: {} },
  "auth.getAppidInfo": { valid: () => ({}), parameters: {}, inputs: values({ "no input": () => undefined }) },
  "auth.getAccessToken": {
    valid: () => ({}),
    parameters: { cache: odd },
    inputs: values({ "no input": () => undefined })
  },
  "auth.getAccessTokenFn": {
    valid: () => ({ appid: "A1", appsecret: "SECRET-1" }),
    parameters: {},
    inputs: values({ "another program": () => ({ appid: "A3", appsecret: "S3" }) })
  },
  "auth.code2Session": login,
  "auth.code2SessionMpQQ": login,
  "security.msgSecCheck": {
    valid: () => ({ content: "你好 a&b" }),
    parameters: { content: odd, access_token: ownToken, more: values({ "a string": () => "x" }) }
  },
  "security.imgSecCheck": {
    valid: () => ({ base64: base64(image) }),
    parameters: {
      base64: [
        ...odd,
        ...values({
          png: () => base64(image),
          jpeg: () => base64(jpeg),
          gif: () => base64(gif),
          "a data URL": () => `data:image/png;base64,${base64(image)}`,
          "a data URL of a jpeg": () => `data:image/jpeg;base64,${base64(jpeg)}`,
          "a data URL with more": () => `data:image/png;charset=utf-8;base64,${base64(image)}`,
          "without padding": () => base64(image).replace(/=+$/, ""),
          "with line breaks": () => base64(image).replace(/.{76}/g, "$&\r\n"),
          "with spaces": () => base64(image).replace(/.{60}/g, "$& "),
          base64url: () => Buffer.from(image).toString("base64url"),
          "no image": () => base64(Buffer.from("JPEGDATA")),
          "too large": () => tooLarge,
          "too wide": () => tooWide
        })
      ],
      dataBuffer: values({
        undefined: () => undefined,
        null: () => null,
        "''": () => "",
        png: () => Buffer.from(image),
        "no image": () => Buffer.from("JPEGDATA")
      }),
      formData: values({ undefined: () => undefined, null: () => null, "a form": () => formData(image) }),
      access_token: ownToken
    },
    inputs: values({
      dataBuffer: () => ({ dataBuffer: Buffer.from(image) }),
      "dataBuffer of a jpeg": () => ({ dataBuffer: Buffer.from(jpeg) }),
      "dataBuffer, base64 ''": () => ({ base64: "", dataBuffer: Buffer.from(image) }),
      "dataBuffer, base64 null": () => ({ base64: null, dataBuffer: Buffer.from(image) }),
      formData: () => ({ formData: formData(image) }),
      "formData of a jpeg": () => ({ formData: formData(jpeg) }),
      nothing: () => ({})
    })
  },
  "acode.getMiniCode": {
    valid: () => ({ path: "pages/index/index?a=1" }),
    parameters: {
      path: [...odd, ["a slash", () => "/pages/index"], ["an URL", () => "https://q.qq.com/x"]],
      page: [...odd],
      access_token: ownToken
    },
    inputs: values({ nothing: () => ({}), page: () => ({ page: "pages/index/index" }) })
  },
  "subscribeMessage.send": {
    valid: () => ({ touser: "O", template_id: "T", page: "p", data: { k: { value: "v" } } }),
    parameters: {
      touser: odd,
      template_id: odd,
      page: odd,
      data: template,
      emphasis_keyword: [...odd, ["a keyword", () => "keyword1.DATA"]],
      oac_appid: odd,
      // what QQ makes of other values is not known
      use_robot: [
        ...odd.filter(([name]) => ["undefined", "''", "null", "0", "false", "true"].includes(name)),
        ["1", () => 1]
      ],
      access_token: ownToken,
      more: values({ "a string": () => "x" })
    },
    inputs: values({ nothing: () => ({}), "no data": () => ({ touser: "O", template_id: "T" }) })
  },
  request: {
    valid: () => ({ url: "api/json/foo/Bar", data: { access_token: true, x: 1 } }),
    parameters: {
      url: values({
        "with a slash": () => "/api/x",
        "with a query": () => "api/x?y=1&z=%26",
        "a full URL": () => "https://api.q.qq.com/api/x",
        "a full URL with a query": () => "https://api.q.qq.com/api/x?y=1",
        "another host": () => "https://other.example/api/x"
      }),
      method: values({
        undefined: () => undefined,
        POST: () => "POST",
        GET: () => "GET",
        get: () => "get",
        PUT: () => "PUT",
        DELETE: () => "DELETE"
      }),
      data: [
        ...values({
          none: () => undefined,
          "{}": () => ({}),
          "the token alone": () => ({ access_token: true }),
          "without a token": () => ({ x: 1 }),
          "a token of one's own": () => ({ access_token: "MINE", x: 1 }),
          "with an appid": () => ({ access_token: true, x: 1, appid: "A2" }),
          "with an appid, no token": () => ({ x: 1, appid: "A2" })
        }),
        ...wrap(
          odd,
          (x) => ({ access_token: true, x, y: "y" }),
          (name) => `x ${name}`
        )
      ],
      content: values({
        undefined: () => undefined,
        "a text": () => "CONTENT",
        json: () => '{"a":1}',
        bytes: () => Buffer.from([0, 255, 1])
      }),
      headers: values({
        undefined: () => undefined,
        "one's own": () => ({ "x-mine": "1" }),
        json: () => ({ "content-type": "application/json" })
      }),
      files: values({
        undefined: () => undefined,
        "a Buffer": () => Buffer.from(image),
        "by name": () => ({ media: Buffer.from(image) })
      }),
      dataType: values({ undefined: () => undefined, json: () => "json" }),
      timeout: values({ undefined: () => undefined, "10 s": () => 10_000, "[1 s, 10 s]": () => [1_000, 10_000] })
    }
  }
}

// --- projects ---

const own = { appid: "A1", appsecret: "SECRET-1" }
const uniIdOf = (qq: unknown) => ({ "mp-qq": { oauth: { qq } } })
const vkOf = (list: unknown, crypto: unknown = { aes }) => ({ vk: { crypto, oauth: { qq: { list } } } })
const second = { appid: "A2", appsecret: "S2" }

export const usualConfig: Config = { title: "usual", uniId: uniIdOf(own), vkUnicloud: vkOf([second]) }

const configs: ReadonlyArray<Config> = [
  usualConfig,
  { ...usualConfig, title: "by init", init: true },
  { title: "no key", uniId: uniIdOf(own), vkUnicloud: vkOf([second], {}) },
  { title: "no vk-unicloud", uniId: uniIdOf(own), vkUnicloud: undefined },
  { title: "no list", uniId: uniIdOf(own), vkUnicloud: { vk: { crypto: { aes } } } },
  { title: "an empty list", uniId: uniIdOf(own), vkUnicloud: vkOf([]) },
  { title: "an empty program, and a list", uniId: uniIdOf({}), vkUnicloud: vkOf([second]) },
  { title: "empty texts, and a list", uniId: uniIdOf({ appid: "", appsecret: "" }), vkUnicloud: vkOf([second]) },
  { title: "no mp-qq, and a list", uniId: {}, vkUnicloud: vkOf([second]) },
  { title: "no mp-qq, and a list, by init", uniId: {}, vkUnicloud: vkOf([second]), init: true },
  { title: "no uni-id, and a list", uniId: undefined, vkUnicloud: vkOf([second]) },
  { title: "nothing", uniId: {}, vkUnicloud: { vk: {} } },
  { title: "an empty secret", uniId: uniIdOf({ appid: "A1", appsecret: "" }), vkUnicloud: vkOf([second]) },
  {
    title: "an entry with an empty secret",
    uniId: uniIdOf(own),
    vkUnicloud: vkOf([{ appid: "A4", appsecret: "" }, second])
  },
  {
    title: "an entry with a numeric appid",
    uniId: uniIdOf(own),
    vkUnicloud: vkOf([{ appid: 1112, appsecret: "S4" }, second])
  },
  { title: "an entry null", uniId: uniIdOf(own), vkUnicloud: vkOf([{}, second]) },
  { title: "an entry without an appid", uniId: uniIdOf(own), vkUnicloud: vkOf([{ appsecret: "S4" }, second]) },
  {
    title: "the first program in the list, too",
    uniId: uniIdOf(own),
    vkUnicloud: vkOf([{ ...own, appsecret: "OTHER" }, second])
  },
  {
    title: "several apps, the current one",
    uniId: [
      { dcloudAppid: "OTHER", ...uniIdOf({ appid: "A8", appsecret: "S8" }) },
      { dcloudAppid: "APP", ...uniIdOf(own) }
    ],
    vkUnicloud: vkOf([second]),
    dcloudAppid: "APP"
  },
  {
    title: "several apps, the default one",
    uniId: [
      { dcloudAppid: "OTHER", ...uniIdOf({ appid: "A8", appsecret: "S8" }) },
      { dcloudAppid: "APP", isDefaultConfig: true, ...uniIdOf(own) }
    ],
    vkUnicloud: vkOf([second]),
    dcloudAppid: "THIRD"
  },
  {
    title: "several apps, by a timer",
    uniId: [
      { dcloudAppid: "OTHER", ...uniIdOf({ appid: "A8", appsecret: "S8" }) },
      { dcloudAppid: "APP", isDefaultConfig: true, ...uniIdOf(own) }
    ],
    vkUnicloud: vkOf([second])
  }
]

// --- all of it ---

const usually = { config: usualConfig, stored: "valid", script: usual } as const

/** Makes numbers from 0 to 1 from a seed (mulberry32). */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const callOf = (name: CallName, input: () => any = signatures[name].valid): Call => ({ name, input })

/** Each parameter with each value, the others as in a valid input. */
const byParameter = callNames.flatMap((name): ReadonlyArray<Case> => {
  const { inputs = [], parameters, valid } = signatures[name]
  const one = (title: string, input: () => unknown): Case => ({
    ...usually,
    title: `${name} ${title}`,
    calls: [callOf(name, input)]
  })
  return [
    one("as usual", valid),
    ...inputs.map(([title, input]) => one(title, input)),
    ...Object.entries(parameters).flatMap(([parameter, values]) =>
      values.map(([title, value]) => one(`${parameter} ${title}`, () => ({ ...valid(), [parameter]: value() })))
    ),
    ...programsOf(name).map(([title, program]) => one(`appid ${title}`, () => ({ ...valid(), ...program })))
  ]
})

/** The calls that ask QQ. */
const networkCalls = callNames.filter((name) => pathOf[name] !== undefined)

const answersOf = (path: Path) => [...goodAnswers[path], ...errors, ...oddAnswers, ...faults]

/** Each answer of each call, for ever and once. */
const byAnswer = networkCalls.flatMap((name): ReadonlyArray<Case> => {
  const path = pathOf[name]!
  const stored = path === "token" ? "none" : "valid"
  const one = (title: string, replies: ReadonlyArray<Reply>): Case => ({
    ...usually,
    stored,
    title: `${name}: ${title}`,
    calls: [callOf(name)],
    script: { ...usual, [path]: replies }
  })
  return [
    ...answersOf(path).map(([title, reply]) => one(title, [reply])),
    ...[...errors.slice(0, 12), ...oddAnswers, ...faults].map(([title, reply]) =>
      one(`${title}, once`, [reply, ...usual[path]])
    ),
    ...slow.map(([title, after]) => one(title, [{ ...(usual[path][0] as object), after } as Reply]))
  ]
})

/** Answers to the fetch of a token that a call needs. */
const byToken = networkCalls.filter(takesToken).flatMap((name): ReadonlyArray<Case> =>
  [...goodAnswers.token, ...errors.slice(0, 12), ...oddAnswers, ...faults].map(([title, reply]) => ({
    ...usually,
    stored: "none",
    title: `${name}, token: ${title}`,
    calls: [callOf(name)],
    script: { ...usual, token: [reply] }
  }))
)

/** Programs that are asked for in each project. */
const asked: ReadonlyArray<readonly [string, object]> = [
  ["", {}],
  ...programs.filter(([title]) =>
    ["A1", "A2", "A2 with a secret", "A3 with a secret", "NOPE", "'', ''"].includes(title)
  )
]

/** Each project, and programs that are asked for there. */
const byConfig = configs.flatMap((config) =>
  callNames.flatMap((name): ReadonlyArray<Case> =>
    asked.slice(0, programsOf(name).length + 1).map(([title, program]) => ({
      ...usually,
      stored: "none",
      config,
      title: `${config.title}: ${name} ${title}`,
      calls: [callOf(name, () => ({ ...signatures[name].valid(), ...program }))]
    }))
  )
)

/** A call after another one that QQ refused or that got lost: what one call met must not hurt the next. */
const bySequence = networkCalls.flatMap((name): ReadonlyArray<Case> => {
  const path = pathOf[name]!
  return [...errors.filter(([title]) => title.startsWith("errcode")), ...faults].map(([title, reply]) => ({
    ...usually,
    stored: path === "token" ? "none" : "valid",
    title: `${name} after ${title}`,
    calls: [callOf(name), callOf(name)],
    script: { ...usual, [path]: [reply, ...usual[path]] }
  }))
})

const storedKinds: ReadonlyArray<Stored> = ["valid", "for ever", "expired", "none", "no collection"]

const byStore = networkCalls
  .filter((name) => takesToken(name) || pathOf[name] === "token")
  .flatMap((name) =>
    storedKinds.map((stored): Case => ({
      ...usually,
      stored,
      title: `${name}, stored: ${stored}`,
      calls: [callOf(name)]
    }))
  )

/** Calls at the same time without a token, and calls whose token was removed in between. */
const byOthers = networkCalls.filter(takesToken).flatMap((name): ReadonlyArray<Case> => {
  const calls = [callOf(name), callOf(name), callOf(name)]
  return [
    { ...usually, title: `${name}, three at the same time`, calls, stored: "none", together: true },
    { ...usually, title: `${name}, the token is removed`, calls, removed: true }
  ]
})

/** Combinations that a seed chooses. */
const combined = (count: number, seed: number): ReadonlyArray<Case> => {
  const next = random(seed)
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(next() * from.length)]!
  const chance = (share: number) => next() < share
  return Array.from({ length: count }, (): Case => {
    const name = pick(networkCalls)
    const path = pathOf[name]!
    const { parameters, valid } = signatures[name]
    const names = Object.keys(parameters)
    const changed = Array.from({ length: names.length === 0 ? 0 : Math.floor(next() * 3) }, () => {
      const parameter = pick(names)
      const [title, value] = pick(parameters[parameter]!)
      return { parameter, title, value }
    })
    const [appid, program] = chance(0.4) && programsOf(name).length > 0 ? pick(programsOf(name)) : ["", {}]
    const config = chance(0.3) ? pick(configs) : usualConfig
    const stored = chance(0.5) ? "valid" : pick(storedKinds)
    const [answer, reply] = chance(0.5) ? pick(answersOf(path)) : ["", undefined]
    const input = () => ({
      ...valid(),
      ...Object.fromEntries(changed.map(({ parameter, value }) => [parameter, value()])),
      ...program
    })
    const replies = reply === undefined ? usual[path] : chance(0.5) ? [reply] : [reply, ...usual[path]]
    return {
      config,
      stored,
      title: [
        name,
        ...changed.map(({ parameter, title }) => `${parameter} ${title}`),
        `appid ${appid}`,
        config.title,
        stored,
        answer
      ].join("; "),
      calls: [callOf(name, input)],
      script: { ...usual, [path]: replies }
    }
  })
}

/** All cases. The seed is fixed, so that every run has the same. */
export const makeCases = (seed = 20260731): ReadonlyArray<Case> => {
  const systematic = [...byParameter, ...byAnswer, ...byToken, ...byConfig, ...bySequence, ...byStore, ...byOthers]
  return [...systematic, ...combined(5_200 - systematic.length, seed)]
}
