/** What QQ says in the cases: right answers, its errors, odd answers, and what the network does instead. */
import { image } from "../support/calls.ts"
import type { Path, Reply, Script } from "./exchange.ts"
import { pngOf } from "./images.ts"

export const json = (body: unknown, status = 200): Reply => ({
  body: Buffer.from(JSON.stringify(body)),
  status,
  headers: { "content-type": "application/json" }
})
const bytes = (body: string | Uint8Array, status = 200): Reply => ({ body: Buffer.from(body as Uint8Array), status })

const passed = json({ errCode: 0, errMsg: "ok" })
const done = json({ errcode: 0, errmsg: "ok" })
const session = { openid: "OPENID", session_key: "SK==", unionid: "UNI", errcode: 0, errmsg: "" }

/** A text, and its bytes in GBK. */
export const inGbk = { text: "参数错误", bytes: Buffer.from("b2cecafdb4edcef3", "hex") }

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

export const errors: ReadonlyArray<readonly [string, Reply]> = codes.flatMap((code) => [
  [`errcode ${code}`, json({ errcode: code, errmsg: `text of ${code}` })] as const,
  [`errCode ${code}`, json({ errCode: code, errMsg: `text of ${code}`, more: "R" })] as const
])

export const faults: ReadonlyArray<readonly [string, Reply]> = (
  ["refused", "unknownHost", "connecting", "reset", "silent"] as const
).map((fault) => [fault, fault])

/** Answers that are no errors of QQ's and yet not as documented. */
export const oddAnswers: ReadonlyArray<readonly [string, Reply]> = [
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
  [
    "an error in GBK",
    bytes(Buffer.concat([Buffer.from('{"errcode":40035,"errmsg":"'), inGbk.bytes, Buffer.from('"}')]))
  ],
  ["an error with 500", json({ errcode: 40035, errmsg: "text" }, 500)]
]

/** Answers that are right. */
export const goodAnswers: Readonly<Record<Exclude<Path, never>, ReadonlyArray<readonly [string, Reply]>>> = {
  token: [
    ["with errcode", json({ access_token: "TK9", expires_in: 7200, errcode: 0, errmsg: "" })],
    ["with more", json({ access_token: "TK9", expires_in: 300, request_id: "R" })],
    ["with 500", json({ access_token: "TK9", expires_in: 7200 }, 500)]
  ],
  session: [
    ["without unionid", json({ openid: "OPENID", session_key: "SK==", errcode: 0, errmsg: "" })],
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
    ["an empty text", json({ errcode: 0, errmsg: "" })],
    ["with 307", json({ errcode: 0, errmsg: "ok" }, 307)]
  ],
  other: [
    ["with more", json({ errcode: 0, errmsg: "ok", list: [1], user_name: "N" })],
    ["errCode", json({ errCode: 0, errMsg: "ok", more: {} })],
    ["with 500", json({ errcode: 0, errmsg: "ok" }, 500)]
  ]
}

export const slow: ReadonlyArray<readonly [string, number]> = [
  ["after 2 s", 2_000],
  ["after 4 s", 4_000],
  ["after 20 s", 20_000],
  ["after 50 s", 50_000]
]
