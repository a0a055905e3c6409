import { assert, describe, it } from "@effect/vitest"
import { QQError } from "@qq-mini/core/QQError"
import * as UserData from "@qq-mini/core/UserData"
import * as Edge from "@qq-mini/edge"
import * as Node from "@qq-mini/node"
import * as UniCloud from "@qq-mini/unicloud"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { spawnSync } from "node:child_process"
import { createCipheriv, createHash } from "node:crypto"
import { inspect } from "node:util"
import { pathOf } from "./support/systemPrograms.ts"
import { between, type Draw, draws, oneOf } from "./simulation/random.ts"

const appid = "1112345678"
const session_key = "VUNQZ0hRYURxNlZZbmNOZw=="
const iv = "+/+/AAECAwQFBgcICQoLDA=="
const watermark = { appid, timestamp: 1_600_000_000 }
const user = { openId: "55107C3B8501CD7CBD90AEE4626E6D17", nickName: "名字 😀", gender: 1, unionId: null, level: [7] }

/** What QQ does, with Node's modules. */
const seal = (data: unknown, key = session_key, nonce = iv): string => {
  const cipher = createCipheriv("aes-128-cbc", Buffer.from(key, "base64"), Buffer.from(nonce, "base64"))
  const json = typeof data === "string" ? data : JSON.stringify(data)
  return Buffer.concat([cipher.update(json), cipher.final()]).toString("base64")
}
const sign = (rawData: string, key = session_key) => createHash("sha1").update(`${rawData}${key}`).digest("hex")

const sealed = (data: object, others: object = {}): UserData.Encrypted => ({
  encryptedData: seal({ ...data, watermark }),
  iv,
  session_key,
  appid,
  ...others
})

const problemOf = (error: QQError) => {
  const { reason } = error
  if (reason._tag === "UserDataInvalid")
    return reason.field === undefined ? reason.problem : `${reason.problem}: ${reason.field}`
  return reason._tag === "InvalidInput" ? `InvalidInput: ${reason.field}` : reason._tag
}
const problem = (effect: Effect.Effect<unknown, QQError>) => Effect.map(Effect.flip(effect), problemOf)

describe("user data: decrypts", () => {
  it.effect("user info, a phone number, share info and anything, with all fields", () =>
    Effect.gen(function* () {
      const { unionId: _, ...fields } = user
      assert.deepStrictEqual(yield* UserData.userInfo(sealed(user)), { ...fields, watermark })
      const phone = { phoneNumber: "+85212345678", purePhoneNumber: "12345678", countryCode: "852", more: {} }
      assert.deepStrictEqual(yield* UserData.phoneNumber(sealed(phone)), { ...phone, watermark })
      const share = { openGId: "G1" }
      const key = Redacted.make(session_key)
      assert.deepStrictEqual(yield* UserData.shareInfo(sealed(share, { session_key: key })), { ...share, watermark })
      const run = { stepInfoList: [{ timestamp: 1, step: 2 }] }
      assert.deepStrictEqual(yield* UserData.decrypt(sealed(run)), { ...run, watermark })
      const numbers = { encryptedData: seal({ watermark: { appid: 1112345678, timestamp: "12" } }) }
      assert.deepStrictEqual(yield* UserData.decrypt(sealed({}, numbers)), { watermark: { appid, timestamp: 12 } })
    })
  )

  it.effect("WeChat's public sample, whose algorithm is the same", () =>
    Effect.gen(function* () {
      const sample = {
        encryptedData: `CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS
9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142d
NCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6
/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn
/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4P
C7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns
/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYV
oKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuy
Db/XcxxmK01EpqOyuxINew==`,
        iv: "r7BXXKkLb8qrSNn05n0qiA==",
        session_key: "tiihtNczf5v6AKRyjwEUhQ==",
        appid: "wx4f4bc4dec97d474b"
      }
      const { nickName, watermark } = yield* UserData.userInfo(sample)
      assert.deepStrictEqual([nickName, watermark], ["Band", { appid: sample.appid, timestamp: 1477314187 }])
    })
  )

  const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex")
  const openssl = (input: string) =>
    spawnSync(pathOf("openssl"), ["enc", "-aes-128-cbc", "-base64", "-K", hex(session_key), "-iv", hex(iv)], { input })
  it.effect("what OpenSSL encrypts, at every length of the last block", () =>
    Effect.gen(function* () {
      for (let length = 0; length <= 16; length++) {
        const data = { openGId: "密".repeat(length), watermark }
        const encryptedData = openssl(JSON.stringify(data)).stdout.toString()
        assert.deepStrictEqual(yield* UserData.shareInfo({ encryptedData, iv, session_key, appid }), data)
      }
    })
  )

  it.effect("what forms make of base64", () =>
    Effect.gen(function* () {
      // Long enough that + and / occur.
      const data = { openGId: "x".repeat(999), watermark }
      const encryptedData = seal(data)
      assert.match(encryptedData, /\+.*\//)
      const once = encodeURIComponent
      const changes: ReadonlyArray<(text: string) => string> = [
        (text) => text.replaceAll("+", " "),
        once,
        (text) => once(once(text)),
        (text) => once(text.replaceAll("+", " ")),
        (text) => once(text).replaceAll("%2B", "%2b").replaceAll("%2F", "/"),
        (text) => text.replace(/.{64}/g, "$&\r\n")
      ]
      for (const change of changes) {
        const changed = { encryptedData: change(encryptedData), iv: change(iv), session_key, appid }
        assert.deepStrictEqual(yield* UserData.shareInfo(changed), data, change.toString())
      }
    })
  )
})

describe("user data: as promises", () => {
  const forms = [
    ["@qq-mini/node", Node.userData],
    ["@qq-mini/edge", Edge.userData],
    ["@qq-mini/unicloud", UniCloud.userData]
  ] as const
  it.each(forms)("of %s", async (_, userData) => {
    assert.strictEqual((await userData.userInfo(sealed(user))).openId, user.openId)
    const rawData = JSON.stringify({ nickName: "x" })
    const signed = { rawData, signature: sign(rawData), session_key }
    assert.deepStrictEqual(await userData.verify(signed), { nickName: "x" })
    const other = await userData.decrypt(sealed(user, { appid: "1198765432" })).catch((error: unknown) => error)
    assert.instanceOf(other, QQError)
    assert.strictEqual(problemOf(other as QQError), "appid")
  })
})

describe("user data: refuses", () => {
  const rawData = JSON.stringify({ nickName: user.nickName, gender: 1 })
  const signature = sign(rawData)
  const otherKey = "AAECAwQFBgcICQoLDA0ODw=="
  const whole = sealed(user)
  const turned = Buffer.from(whole.encryptedData, "base64")
  turned[20]! ^= 1
  const changed = { ...whole, encryptedData: turned.toString("base64") }

  it.effect("a signature that is not that of the text and the key", () =>
    Effect.gen(function* () {
      const profile = yield* UserData.verify({ rawData, signature, session_key: Redacted.make(session_key) })
      assert.deepStrictEqual(profile, { nickName: user.nickName, gender: 1 })
      const verify = (signed: object) =>
        problem(UserData.verify({ rawData, signature, session_key, ...signed } as UserData.Signed))
      assert.strictEqual(yield* verify({ rawData: `${rawData} ` }), "signature")
      assert.strictEqual(yield* verify({ session_key: otherKey }), "signature")
      assert.strictEqual(yield* verify({ signature: "" }), "signature")
      assert.strictEqual(yield* verify({ signature: undefined }), "format: signature")
      assert.strictEqual(yield* verify({ rawData: { nickName: "x" } }), "format: rawData")
      assert.strictEqual(yield* verify({ rawData: "[]", signature: sign("[]") }), "format: rawData")
      assert.strictEqual(yield* verify({ session_key: undefined }), "InvalidInput: session_key")
    })
  )

  it.effect("each fault with an error of its own", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [expected: string, encrypted: object]> = [
        ["key", { ...whole, session_key: otherKey }],
        ["key", changed],
        ["tampered", { ...changed, rawData, signature }],
        ["signature", { ...whole, rawData, signature: sign(rawData, otherKey) }],
        ["format: signature", { ...whole, rawData, signature: null }],
        ["format: rawData", { ...whole, signature }],
        ["appid", { ...whole, appid: "1109999999" }],
        ["appid", { ...whole, encryptedData: seal(user) }],
        ["appid", { ...whole, encryptedData: seal({ ...user, watermark: appid }) }],
        ["key", { ...whole, encryptedData: seal(`[${JSON.stringify({ watermark })}]`) }],
        ["key", { ...whole, encryptedData: seal("not JSON") }],
        ["kind", sealed({ phoneNumber: "1" })],
        ["kind", sealed({ ...user, gender: "male" })],
        ["format: encryptedData", { ...whole, encryptedData: undefined }],
        ["format: encryptedData", { ...whole, encryptedData: "" }],
        ["format: encryptedData", { ...whole, encryptedData: `${whole.encryptedData}!` }],
        ["format: encryptedData", { ...whole, encryptedData: whole.encryptedData.slice(4) }],
        ["format: iv", { ...whole, iv: whole.encryptedData }],
        ["format: iv", { ...whole, iv: 16 }],
        ["InvalidInput: appid", { ...whole, appid: undefined }],
        ["InvalidInput: session_key", { ...whole, session_key: "c2hvcnQ=" }],
        ["InvalidInput: session_key", { ...whole, session_key: "not base64" }],
        ["InvalidInput: maxAge", { ...whole, maxAge: -1 }]
      ]
      for (const [expected, encrypted] of cases) {
        const error = yield* Effect.flip(UserData.userInfo(encrypted as UserData.Encrypted))
        assert.strictEqual(problemOf(error), expected, inspect(encrypted))
        assert.match(error.help.zh, /[一-鿿]/)
        // S1
        const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
        for (const hidden of [session_key, otherKey, user.openId, whole.encryptedData.slice(0, 20), "not JSON"]) {
          assert.notInclude(shown, hidden)
        }
      }
      assert.strictEqual(yield* problem(UserData.phoneNumber(whole)), "kind")
      assert.strictEqual(yield* problem(UserData.shareInfo(whole)), "kind")
    })
  )

  it.effect("data that is older than maxAge", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(watermark.timestamp * 1_000 + 60_000)
      yield* UserData.userInfo({ ...whole, maxAge: "1 minute" })
      yield* UserData.userInfo({ ...whole, maxAge: 60_000 })
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* problem(UserData.userInfo({ ...whole, maxAge: "1 minute" })), "age")
      const timeless = { ...whole, encryptedData: seal({ ...user, watermark: { appid } }) }
      assert.deepStrictEqual((yield* UserData.userInfo(timeless)).watermark, { appid })
      assert.strictEqual(yield* problem(UserData.userInfo({ ...timeless, maxAge: "1 minute" })), "age")
    })
  )
})

describe("user data: 10,000 changes", () => {
  /** Changes some bytes or the length. */
  const spoil = (draw: Draw, bytes: Buffer): Buffer => {
    switch (between(draw, 0, 4)) {
      case 0:
        for (let times = between(draw, 1, 3); times > 0; times--)
          bytes[between(draw, 0, bytes.length - 1)]! ^= 1 << between(draw, 0, 7)
        return bytes
      case 1:
        return bytes.subarray(16 * between(draw, 0, 3), bytes.length - between(draw, 0, 2) * 16)
      case 2:
        return Buffer.from(bytes.subarray(between(draw, 0, 3)))
      case 3:
        return Buffer.concat([bytes, bytes.subarray(-16 * between(draw, 1, 2))])
      default:
        return Buffer.from(bytes.map(() => between(draw, 0, 255)))
    }
  }
  const spoilText = (draw: Draw, text: string): string => {
    const at = between(draw, 0, text.length)
    return text.slice(0, at) + oneOf(draw, ["", " ", "=", "%2B", "%", "\n", "A", "é", "\ud800"]) + text.slice(at + 1)
  }

  /** One change of data of the own program or of another one. */
  const change = (draw: Draw) => {
    const isOurs = draw() < 0.5
    const data = oneOf(draw, [user, { phoneNumber: "13800138000" }, { openGId: "G", text: "密".repeat(40) }])
    const mark = { watermark: { appid: isOurs ? appid : "1119999999", timestamp: 1 } }
    const right = {
      encryptedData: seal(
        oneOf(draw, [
          { ...mark, ...data },
          { ...data, ...mark }
        ])
      ),
      iv,
      session_key
    }
    const part = oneOf(draw, ["encryptedData", "iv", "session_key"] as const)
    const bytes = Buffer.from(right[part], "base64")
    const spoilt = draw() < 0.3 ? spoilText(draw, right[part]) : spoil(draw, bytes).toString("base64")
    const signed = draw() < 0.3 ? { rawData: "{}", signature: sign("{}") } : {}
    return { isOurs, encrypted: { ...right, [part]: spoilt, ...signed, appid } }
  }

  it.effect("give a typed error, or data of the own program", () =>
    Effect.gen(function* () {
      const draw = draws(20260101)
      const found = yield* Effect.forEach(
        Array.from({ length: 10_000 }, () => change(draw)),
        ({ encrypted, isOurs }) =>
          Effect.match(UserData.decrypt(encrypted), {
            onFailure: problemOf,
            onSuccess: ({ watermark }) => {
              assert.deepStrictEqual([watermark.appid, isOurs], [appid, true], inspect(encrypted))
              return "data"
            }
          }),
        { concurrency: 100 }
      )
      // What AES-CBC can't notice, such as some changes of iv, gives data.
      const possible = ["InvalidInput: session_key", "appid", "data", "format: encryptedData", "format: iv"]
      assert.sameMembers([...new Set(found)], [...possible, "key", "signature", "tampered"])
    })
  )
})
