/** What is called in the cases: the calls, valid inputs, and what may stand in each parameter. */
import { image, png } from "../support/calls.ts"
import type { Path } from "./exchange.ts"
import { pngOf } from "./images.ts"
import { encrypt, multipart } from "./model.ts"
import { aes } from "./projects.ts"

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

/** Whether a call needs a token. */
export const takesToken = (name: CallName) =>
  pathOf[name] !== undefined && pathOf[name] !== "session" && pathOf[name] !== "token"

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

/** Without some of the odd values: what vk or QQ makes of these there is not known. */
const but = (...names: ReadonlyArray<string>): Values => odd.filter(([name]) => !names.includes(name))

/** What may be the value of a template field. */
const scalars = but("undefined", "{}")

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
      { name: "media", value: Buffer.from(picture), filename: "own.png", type: "image/png" }
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
    scalars,
    (value) => ({ k: value }),
    (name) => `a field ${name}`
  ),
  ["with a color", () => ({ k: { value: "v", color: "#f00" } })],
  ["a number with a color", () => ({ k: { value: 5, color: "#f00" } })]
]

export const programs: ReadonlyArray<readonly [string, object]> = [
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
export const programsOf = (name: CallName) =>
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
    code: but("0", "false", "a date"),
    // which of two codes is taken is not known
    js_code: odd.slice(0, 3),
    needKey: odd,
    // a default value in vk's signature, or a parameter that counts as not given
    platform: but("''", "null"),
    encryptedKey: values({
      undefined: () => undefined,
      "''": () => "",
      null: () => null,
      "a valid one": () => encrypt(aes, keyContent)
    }),
    more: values({ "a string": () => "x" })
  },
  inputs: values({
    ...Object.fromEntries(
      but("0", "false", "a date").map(([name, js_code]) => [`js_code ${name}`, () => ({ js_code: js_code() })])
    ),
    both: () => ({ code: "C", js_code: "C" }),
    "code, js_code ''": () => ({ code: "C", js_code: "" }),
    "code '', js_code": () => ({ code: "", js_code: "J" }),
    "code null, js_code": () => ({ code: null, js_code: "J" }),
    "js_code with the key": () => ({ js_code: "J", needKey: true }),
    nothing: () => ({})
  })
}

export const signatures: Readonly<Record<CallName, Signature>> = {
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
    parameters: { content: but("a date", "{}"), access_token: ownToken, more: values({ "a string": () => "x" }) }
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
      // which of several images is taken is not known
      dataBuffer: values({ undefined: () => undefined, null: () => null, "''": () => "" }),
      formData: values({ undefined: () => undefined, null: () => null }),
      access_token: ownToken
    },
    inputs: values({
      dataBuffer: () => ({ dataBuffer: Buffer.from(image) }),
      "dataBuffer of a jpeg": () => ({ dataBuffer: Buffer.from(jpeg) }),
      "dataBuffer of no image": () => ({ dataBuffer: Buffer.from("JPEGDATA") }),
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
      path: [...but("signs"), ["a slash", () => "/pages/index"], ["an URL", () => "https://q.qq.com/x"]],
      page: but("signs", "5", "-1.5", "true", "a date", "{}"),
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
    inputs: values({
      "files and content": () => ({ url: "api/x", data: { x: 1 }, files: Buffer.from(image), content: "CONTENT" })
    }),
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
          but("undefined"),
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
