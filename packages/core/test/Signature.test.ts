import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Signature from "../src/Signature.ts"

const purchase = {
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

const midas = {
  openid: "383124F311F19D1DA9BA0CC51028CC88",
  appid: "1234567890",
  offer_id: "1111111111",
  ts: 1501234567,
  zone_id: "1",
  pf: "qqapp_qq-2001-android-2011-1234567890"
}

describe("the samples of QQ's documents and of other clients", () => {
  it.effect("the login state", () =>
    Effect.gen(function* () {
      const sessionKey = "o0q0otL8aEzpcZL/FT9WsQ=="
      const expected = "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"
      const body = '{"foo":"bar"}'
      assert.strictEqual(yield* Signature.loginState(sessionKey, body), expected)
      const bytes = new TextEncoder().encode(body)
      assert.strictEqual(yield* Signature.loginState(Redacted.make(sessionKey), bytes), expected)
    })
  )

  it.effect("the game purchase", () =>
    Effect.gen(function* () {
      const sig = yield* Signature.gamePay({
        path: "/api/json/openApiPay/GamePrePay",
        parameters: { ...purchase, user_ip: "1.2.3.4", sig: "old", remark: "", none: undefined },
        sessionKey: "VUNQZ0hRYURxNlZZbmNOZw=="
      })
      assert.strictEqual(sig, "38181bd0acf24eda203655a3be9f2e42b62d4fcf1c1de61a98b0573d13531449")
    })
  )

  it.effect("Midas", () =>
    Effect.gen(function* () {
      const sessionKey = Redacted.make("NVdzZndGOVgybGlKRk1kAA==")
      const order = { user_ip: "1.2.3.4", amt: 123, bill_no: "BillNo_123", pay_item: "abc", app_remark: "xyz" }
      const path = "/v3/r/mpay/pay_m"
      const parameters = { ...midas, ...order, openkey: sessionKey, sandbox_env: 1 }
      const sig = yield* Signature.midas({ path, parameters, appKey: "zNLgAGgqsEWJOg1nFVaO5r7fAlIQxr1u" })
      assert.strictEqual(sig, "hbn6P01iskxQV35JY7oQOcvHE8k=")
      const signed = { ...parameters, access_token: "ACCESSTOKEN", sig: "d6O4SioiyFRBvKMDj2SWDK1csmc=" }
      const qqSig = yield* Signature.midasQQ({ path, parameters: signed, sessionKey })
      assert.strictEqual(qqSig, "6YXSiZppeWKFHP3VE0FikkW6Pdk=")
    })
  )
})
