import { assert, describe, it } from "@effect/vitest"
import type { QQError } from "@qq-mini/core/QQError"
import * as Signature from "@qq-mini/core/Signature"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import { spawnSync } from "node:child_process"
import { createHash, createHmac } from "node:crypto"
import { inspect } from "node:util"
import { pathOf } from "./support/systemPrograms.ts"

const session_key = "VUNQZ0hRYURxNlZZbmNOZw=="
const prepay = {
  path: "/api/json/openApiPay/GamePrePay",
  parameters: {
    openid: "55107C3B8501CD7CBD90AEE4626E6D17",
    appid: "1107981003",
    ts: 1507530737,
    zone_id: "1",
    pf: "qq_m_qq-2001-android-2011",
    amt: 10,
    bill_no: "69ae13a3a87f2551109a2ed26bc704201f56d664",
    goodid: "43",
    good_num: 1,
    app_remark: "xxxxx"
  }
}

describe("signatures: the samples", () => {
  it.effect("of QQ's documents", () =>
    Effect.gen(function* () {
      const key = "o0q0otL8aEzpcZL/FT9WsQ=="
      const expected = "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"
      const body = '{"foo":"bar"}'
      assert.strictEqual(yield* Signature.loginState(key, body), expected)
      assert.strictEqual(yield* Signature.loginState(Redacted.make(key), Buffer.from(body)), expected)
      assert.strictEqual(
        yield* Signature.gamePay({ ...prepay, session_key }),
        "38181bd0acf24eda203655a3be9f2e42b62d4fcf1c1de61a98b0573d13531449"
      )
      // The signature that QQ's document prints belongs to this text, with WeChat's host.
      const rawData =
        '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}'
      assert.strictEqual(
        yield* Signature.userData(rawData, "HyVFkGl5F5OQWJZZaNzBBg=="),
        "75e81ceda165f4ffa64f4068af58c64b8f54b88c"
      )
    })
  )

  const user = {
    openid: "383124F311F19D1DA9BA0CC51028CC88",
    openkey: Redacted.make("NVdzZndGOVgybGlKRk1kAA=="),
    appid: "1234567890",
    qq_appid: "1234567890",
    offer_id: "1111111111",
    ts: 1501234567,
    zone_id: "1",
    pf: "qqapp_qq-2001-android-2011-1234567890",
    access_token: Redacted.make("ACCESSTOKEN"),
    sandbox_env: 1
  }
  const order = { user_ip: "1.2.3.4", bill_no: "BillNo_123", amt: 123, pay_item: "abc", app_remark: "xyz" }
  it.effect.each([
    {
      path: "/v3/r/mpay/pay_m",
      parameters: { ...user, ...order },
      sig: "hbn6P01iskxQV35JY7oQOcvHE8k=",
      signed: "d6O4SioiyFRBvKMDj2SWDK1csmc=",
      qqSig: "6YXSiZppeWKFHP3VE0FikkW6Pdk="
    },
    {
      path: "/v3/r/mpay/get_balance_m",
      parameters: { ...user, pfkey: "pfKey" },
      sig: "rM8ubUZN8O9t7EAZJQfTKuMqKHE=",
      signed: "Yn2q8OUvzNGGewdbG+aHuWQmtdU=",
      qqSig: "APTlSBgonyziS1U3eWOyqG+KVYg="
    },
    {
      path: "/v3/r/mpay/present_m",
      parameters: { ...user, ...order, pfkey: "pfKey", present_counts: 123 },
      sig: "yAkiwBJlo+tVQ8DQZNj2aI+e+e8=",
      signed: "399+3jSrbYg2mmdgCKq9hAS02pk=",
      qqSig: "8P6J6yCsRoc/L5KXbhuJqyPr1/s="
    }
  ] as const)("of another client of Midas: $path", ({ parameters, path, qqSig, sig, signed }) =>
    Effect.gen(function* () {
      const app_key = "zNLgAGgqsEWJOg1nFVaO5r7fAlIQxr1u"
      assert.strictEqual(yield* Signature.midas({ path, parameters, app_key }), sig)
      const withSig = { ...parameters, sig: signed }
      assert.strictEqual(yield* Signature.midasQQ({ path, parameters: withSig, session_key: user.openkey }), qqSig)
    })
  )
})

// Names and values with everything that encodings treat differently, and lone surrogates.
const text = fc.string({ unit: fc.constantFrom(..."aZ09-_.~!*'() +&=%#/密é", "\u{1f600}", "\ud800"), minLength: 1 })
const someParameters = fc.dictionary(fc.constantFrom("amt", "app_remark", "bill_no", "openid", "ts"), text, {
  minKeys: 1
})

/** The scheme of QQ's document with Node's modules. */
const signedByNode = (
  path: string,
  parameters: Readonly<Record<string, string>>,
  tail: string,
  key: string,
  encode: (value: string) => string
) => {
  const pairs = Object.keys(parameters).sort()
  const values = pairs.map((name) => `${name}=${encode(Buffer.from(parameters[name]!).toString())}`)
  const message = `POST&${encodeURIComponent(path)}&${values.join("&")}&${tail}=${key}`
  return createHmac("sha256", key).update(message).digest("hex")
}
const asForm = (value: string) => new URLSearchParams({ a: value }).toString().slice(2)

describe("signatures: as other implementations make them", () => {
  const check = (one: (parameters: Record<string, string>, key: string) => Effect.Effect<void, QQError>) =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(someParameters, text, (parameters, key) => Effect.runPromise(one(parameters, key))),
        { numRuns: 200 }
      )
    )

  it.effect("Node's", () =>
    check((parameters, key) =>
      Effect.gen(function* () {
        const body = JSON.stringify(parameters)
        const hmac = createHmac("sha256", key).update(body).digest("hex")
        assert.strictEqual(yield* Signature.loginState(key, body), hmac)
        assert.strictEqual(yield* Signature.encryptKey(key), createHmac("sha256", key).update("{}").digest("hex"))
        const hash = createHash("sha1").update(`${body}${key}`).digest("hex")
        assert.strictEqual(yield* Signature.userData(body, key), hash)
        const { path } = prepay
        const ours = { ...parameters, user_ip: "1.2.3.4", sig: "x", empty: "", missing: undefined }
        assert.strictEqual(
          yield* Signature.gamePay({ path, parameters: ours, session_key: key }),
          signedByNode(path, parameters, "session_key", key, encodeURIComponent)
        )
        for (const encoding of ["component", "form"] as const) {
          const encode = encoding === "form" ? asForm : encodeURIComponent
          assert.strictEqual(
            yield* Signature.payNotification({ path: "/pay/密", parameters, appsecret: key, encoding }),
            signedByNode("/pay/密", parameters, "AppSecret", key, encode)
          )
        }
      })
    )
  )

  it.effect("OpenSSL's", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("键&x")
      const dgst = (message: string, ...args: ReadonlyArray<string>) =>
        spawnSync(pathOf("openssl"), ["dgst", "-binary", ...args], { input: message }).stdout
      const mac = (key: string) => ["-mac", "HMAC", "-macopt", `hexkey:${Buffer.from(key).toString("hex")}`]
      const hmac = dgst("密 body", "-sha256", ...mac("键&x")).toString("hex")
      assert.strictEqual(yield* Signature.loginState(secret, "密 body"), hmac)
      assert.strictEqual(yield* Signature.userData("密", secret), dgst("密键&x", "-sha1").toString("hex"))
      const path = "/v3/r/mpay/get_balance_m"
      const message = `GET&${encodeURIComponent(path)}&${encodeURIComponent(
        "appid=1&offer_id=&openid=密 é&openkey=&pf=&pfkey=&ts=&zone_id="
      )}`
      assert.strictEqual(
        yield* Signature.midas({ path, parameters: { appid: 1n, openid: "密 é" }, app_key: secret }),
        dgst(message, "-sha1", ...mac("键&x&")).toString("base64")
      )
    })
  )
})

describe("signatures of payment notifications", () => {
  const path = "/qq/paid"
  const appsecret = Redacted.make("1234567890abcdef")
  const paid = { openid: "E1", bill_no: "B 1", amt: 10, ts: 1507530737, app_remark: "大(1) ~" }
  const verify = (parameters: unknown, secret: Signature.Secret = appsecret, at = path) =>
    Signature.verifyPayNotification({ path: at, parameters: parameters as Signature.Parameters, appsecret: secret })
  const form = (parameters: Readonly<Record<string, string | number>>) =>
    new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]))

  it.effect("are right in both encodings, from JSON and from a form", () =>
    Effect.gen(function* () {
      const sigs = new Set<string>()
      for (const encoding of ["component", "form"] as const) {
        const sig = yield* Signature.payNotification({ path, parameters: paid, appsecret, encoding })
        sigs.add(sig)
        assert.isTrue(yield* verify({ ...paid, sig }))
        assert.isTrue(yield* verify({ ...paid, sig, other: "", user_ip: undefined }))
        assert.isTrue(yield* verify(form({ ...paid, sig })))
      }
      assert.strictEqual(sigs.size, 2)
    })
  )

  it.effect("are wrong if anything is another, twice or of another kind", () =>
    Effect.gen(function* () {
      const sig = yield* Signature.payNotification({ path, parameters: paid, appsecret })
      const twice = form({ ...paid, sig })
      twice.append("amt", "10")
      const sigTwice = form({ ...paid, sig })
      sigTwice.append("sig", sig)
      const { amt, app_remark, ...rest } = paid
      const forged: ReadonlyArray<unknown> = [
        paid,
        { ...paid, sig: "" },
        { ...paid, sig: [sig] },
        { ...paid, sig: sig.slice(1) },
        { ...paid, sig: `${sig}0` },
        { ...paid, sig, amt: 11 },
        { ...paid, sig, amt: [10] },
        { ...paid, sig, more: "1" },
        // The same text, if names were not encoded.
        { ...rest, sig, [`amt=${amt}&app_remark`]: app_remark },
        twice,
        sigTwice,
        "openid=E1",
        null
      ]
      for (const parameters of forged) assert.isFalse(yield* verify(parameters), inspect(parameters))
      assert.isFalse(yield* verify({ ...paid, sig }, "another"))
      assert.isFalse(yield* verify({ ...paid, sig }, appsecret, "/qq/other"))
    })
  )
})

describe("signatures: wrong arguments", () => {
  const secret = "aSecret0123456789"
  const object = { secret } as never
  const cases: ReadonlyArray<readonly [field: string, made: Effect.Effect<unknown, QQError>]> = [
    ["session_key", Signature.loginState("", "{}")],
    ["session_key", Signature.encryptKey(undefined as never)],
    ["body", Signature.loginState(secret, object)],
    ["rawData", Signature.userData(object, secret)],
    ["path", Signature.gamePay({ ...prepay, path: `https://api.q.qq.com/${secret}`, session_key: secret })],
    ["amt", Signature.gamePay({ ...prepay, parameters: { amt: object }, session_key: secret })],
    ["parameters", Signature.payNotification({ path: "/", parameters: secret as never, appsecret: secret })],
    ["appsecret", Signature.verifyPayNotification({ path: "/", parameters: {}, appsecret: Redacted.make("") })],
    ["path", Signature.verifyPayNotification({ path: object, parameters: {}, appsecret: secret })],
    ["app_key", Signature.midas({ path: "/v3/r/mpay/pay_m", parameters: {}, app_key: object })],
    ["path", Signature.midas({ path: `/${secret}` as never, parameters: {}, app_key: secret })],
    ["session_key", Signature.midasQQ({ path: "/v3/r/mpay/pay_m", parameters: {}, session_key: "" })]
  ]

  it.effect("are named, and never shown", () =>
    Effect.gen(function* () {
      for (const [field, made] of cases) {
        const error = yield* Effect.flip(made)
        if (error.reason._tag !== "InvalidInput") assert.fail(error.reason._tag)
        assert.strictEqual(error.reason.field, field)
        assert.notInclude(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error), secret)
      }
    })
  )

  it.effect("a runtime without WebCrypto is told", () =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(Signature.encryptKey(secret))
      if (reason._tag !== "InvalidConfig") assert.fail(reason._tag)
      assert.strictEqual(reason.setting, "WebCrypto")
    }).pipe(Effect.provide(WebCrypto.layer(undefined as never)))
  )
})
