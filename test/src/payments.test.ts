/** Payments: what is sent, with signatures made again by Node, and which answers count as paid. */
import { assert, describe, it } from "@effect/vitest"
import * as GamePay from "@qq-mini/core/GamePay"
import * as MidasPay from "@qq-mini/core/MidasPay"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import type { QQMini } from "@qq-mini/core/QQMini"
import * as WxPayProxy from "@qq-mini/core/WxPayProxy"
import { createVkOpenapiQQ } from "@qq-mini/unicloud"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"
import { app_key, session_key } from "./support/calls.ts"
import { app, recording, token } from "./support/recordingServer.ts"
import { assertNone, Seen } from "./support/seen.ts"
import { makeUniCloud } from "./unicloud/unicloud.ts"

const openid = "55107C3B8501CD7CBD90AEE4626E6D17"
const user = { openid, session_key }

const hmac = (hash: string, key: string, message: string, encoding: "hex" | "base64") =>
  createHmac(hash, key).update(message).digest(encoding)

const reasonOf = <R>(call: Effect.Effect<unknown, QQError, R>) => Effect.map(Effect.flip(call), ({ reason }) => reason)

/** `a=1&b=2` of a body, sorted, without these names. */
const sorted = (body: Readonly<Record<string, unknown>>, ...without: ReadonlyArray<string>) =>
  Object.keys(body)
    .filter((name) => !without.includes(name))
    .toSorted()
    .map((name) => `${name}=${encodeURIComponent(String(body[name]))}`)
    .join("&")

const order = {
  ...user,
  bill_no: "69ae13a3a87f2551109a2ed26bc704201f56d664",
  amt: 10,
  goodid: "43",
  good_num: 1,
  app_remark: "xxxxx"
}

describe("gamePay", () => {
  it.live("signs over its path and its body, without the user's address", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(({ path }) =>
        path.endsWith("GamePrePay")
          ? { errcode: 0, prepayId: "P", extra: 1 }
          : { errcode: 0, pay_state: "1", remainder: "7" }
      )
      yield* Effect.gen(function* () {
        const before = Math.floor(Date.now() / 1_000)
        assert.deepStrictEqual(yield* GamePay.prePay({ ...order, user_ip: "1.2.3.4" }), { prepayId: "P" })
        const { ts } = JSON.parse(requests[0]!.body) as { readonly ts: number }
        assert.isTrue(Number.isInteger(ts) && ts >= before && ts <= Date.now() / 1_000)
        // QQ's own sample
        const sample = { ...order, appid: "1107981003", access_token: "OWN", ts: 1507530737 }
        yield* GamePay.prePay(sample)
        assert.strictEqual(
          JSON.parse(requests[1]!.body).sig,
          "38181bd0acf24eda203655a3be9f2e42b62d4fcf1c1de61a98b0573d13531449"
        )
        yield* GamePay.checkPay({ ...user, bill_no: order.bill_no, prepay_id: "P" })
        yield* GamePay.getBalance({ openid, session_key: Redacted.make(session_key) })
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        requests.map(({ body, path, query }) => [path, [...query], Object.keys(JSON.parse(body)).toSorted()]),
        [
          [
            "GamePrePay",
            token,
            [
              "amt",
              "app_remark",
              "appid",
              "bill_no",
              "good_num",
              "goodid",
              "openid",
              "pf",
              "sig",
              "ts",
              "user_ip",
              "zone_id"
            ]
          ],
          [
            "GamePrePay",
            "OWN",
            ["amt", "app_remark", "appid", "bill_no", "good_num", "goodid", "openid", "pf", "sig", "ts", "zone_id"]
          ],
          ["CheckGamePay", token, ["appid", "bill_no", "openid", "prepay_id", "sig"]],
          ["GetBalance", token, ["appid", "openid", "sig"]]
        ].map(([name, token, names]) => [`/api/json/openApiPay/${String(name)}`, [["access_token", token]], names])
      )
      for (const { body, path } of requests) {
        const sent = JSON.parse(body) as Readonly<Record<string, unknown>>
        const message = `POST&${encodeURIComponent(path)}&${sorted(sent, "sig", "user_ip")}&session_key=${session_key}`
        assert.strictEqual(sent["sig"], hmac("sha256", session_key, message, "hex"))
      }
    }).pipe(Effect.scoped)
  )

  it.live("D2: asks again with the same bill_no, and 90012 then means that the first one was made", () =>
    Effect.gen(function* () {
      const exists = { errcode: 90012, errmsg: "order exists" }
      const { layer, requests } = yield* recording((_, nth) =>
        nth === 2 ? undefined : nth === 1 || nth === 3 ? exists : { prepayId: "P" }
      )
      yield* Effect.gen(function* () {
        assert.deepInclude(yield* reasonOf(GamePay.prePay(order)), { _tag: "Rejected", code: 90012 })
        assert.strictEqual(requests.length, 1)
        const lost = yield* reasonOf(GamePay.prePay(order))
        assert.strictEqual(lost._tag, "OutcomeUnknown")
        assert.deepInclude(lost._tag === "OutcomeUnknown" && lost.because, { _tag: "Rejected", code: 90012 })
        assert.match(lost.help.zh, /换用新的 bill_no/)
        assert.strictEqual(requests.length, 3)
        assert.strictEqual(JSON.parse(requests[1]!.body).bill_no, JSON.parse(requests[2]!.body).bill_no)
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped)
  )

  it.live("C1: counts as paid only on QQ's own word; a missing 0 is one only with errcode 0", () =>
    Effect.gen(function* () {
      let said: object = {}
      const { layer } = yield* recording(() => said)
      const once = { attempts: 1 }
      const check = GamePay.checkPay({ ...user, bill_no: "b", prepay_id: "p" }, once)
      const balance = MidasPay.getBalance({ ...user, app_key, offer_id: "1" }, once)
      const pay = MidasPay.pay({ ...user, app_key, offer_id: "1", bill_no: "b", amt: 1 }, once)
      const rows: ReadonlyArray<
        readonly [said: object, call: Effect.Effect<unknown, QQError, QQMini>, expected: unknown]
      > = [
        [{ errcode: 0, pay_state: 1, pay_time: 5 }, check, { pay_state: 1, pay_time: 5 }],
        [{ pay_state: "1" }, check, { pay_state: 1 }],
        [{ errcode: 0 }, check, { pay_state: 0 }],
        [{ errmsg: "ok" }, check, "UnreadableAnswer"],
        [{ errcode: 0, pay_state: "paid" }, check, "UnreadableAnswer"],
        [{ errcode: 0, pay_state: "" }, check, "UnreadableAnswer"],
        [{ errcode: 0, remainder: "9007199254740993" }, balance, "UnreadableAnswer"],
        [{ errcode: 0, remainder: "900719925474099" }, balance, { remainder: 900719925474099 }],
        [{ errcode: 0 }, balance, { remainder: 0 }],
        [
          { errcode: "0", balance: "5", trade_id: "t", bill_no: "b" },
          pay,
          { balance: 5, used_gen_amt: 0, trade_id: "t", bill_no: "b" }
        ],
        [{ balance: 5, used_gen_amt: 1 }, pay, "OutcomeUnknown"],
        [{ errcode: 90013 }, pay, "Rejected"],
        [{ errcode: 90018 }, pay, "InvalidInput"]
      ]
      for (const [answer, call, expected] of rows) {
        said = answer
        const result = yield* Effect.match(Effect.provide(call, layer), {
          onSuccess: (value): unknown => value,
          onFailure: (error) => (isQQError(error) ? error.reason._tag : error)
        })
        assert.deepStrictEqual(result, expected, JSON.stringify(answer))
      }
    }).pipe(Effect.scoped)
  )
})

describe("midasPay", () => {
  const account = { ...user, app_key, offer_id: "1111111111" }
  const names = {
    pay_m: "amt app_remark appid bill_no offer_id openid openkey pay_item pf ts user_ip zone_id",
    get_balance_m: "appid offer_id openid openkey pf pfkey ts zone_id",
    present_m: "bill_no offer_id openid openkey pf pfkey present_counts qq_appid ts user_ip zone_id"
  }

  it.live("T4: signs twice, again for each token, and has the token in the query and the body", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording((_, nth) =>
        nth === 1 ? { errcode: -3000 } : { errcode: 0, balance: 1, used_gen_amt: 0, remainder: 1 }
      )
      yield* Effect.gen(function* () {
        yield* MidasPay.pay({ ...account, bill_no: "B_1", amt: 123, app_remark: "a&b 文", ts: 1501234567 })
        yield* MidasPay.getBalance({ ...account, app_key: Redacted.make(app_key), sandbox_env: 1 })
        yield* MidasPay.present({ ...account, bill_no: "B_2", present_counts: 2, user_ip: "1.2.3.4" })
      }).pipe(Effect.provide(layer))
      assert.strictEqual(requests.length, 4)
      const paths = ["pay_m", "pay_m", "get_balance_m", "present_m"] as const
      for (const [i, { body, query }] of requests.entries()) {
        const sent = JSON.parse(body) as Readonly<Record<string, unknown>>
        const appid = paths[i] === "present_m" ? "qq_appid" : "appid"
        const enc = encodeURIComponent
        const of = (all: string) =>
          enc(
            all
              .split(" ")
              .map((name) => `${name}=${String(sent[name] ?? "")}`)
              .join("&")
          )
        const path = enc(`/v3/r/mpay/${paths[i]!}`)
        assert.strictEqual(sent["sig"], hmac("sha1", `${app_key}&`, `GET&${path}&${of(names[paths[i]!])}`, "base64"))
        const all = `access_token ${appid} offer_id openid pf sig ts zone_id`.split(" ").toSorted().join(" ")
        assert.strictEqual(sent["qq_sig"], hmac("sha1", `${session_key}&`, `POST&${path}&${of(all)}`, "base64"))
        assert.deepStrictEqual([...query], [["access_token", sent["access_token"]]])
        assert.deepInclude(sent, {
          [appid]: app.appid,
          openkey: session_key,
          pf: `qqapp_qq-2001-android-2011-${app.appid}`,
          pfkey: "pfKey",
          zone_id: "1",
          sandbox_env: i === 2 ? 1 : 0
        })
        assert.notInclude(body, app_key)
      }
      const [first, second] = requests.map(({ query }) => query.get("access_token"))
      assert.notStrictEqual(first, second)
    }).pipe(Effect.scoped)
  )
})

describe("wxPayProxy", () => {
  const body = "<xml>\n  <appid>wx1</appid><sign>ABC</sign>\n</xml>"
  const real_notify_url = "https://shop.example/notify?a=1&b=2"
  const authorization = 'WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="x",signature="aB3/dE5+gH7=="'
  const json = '{ "amount" : {"total":1} }'
  const xml = (fields: object, more = "") =>
    `<xml>${Object.entries(fields)
      .map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`)
      .join("\n")}${more}</xml>`
  const good = { return_code: "SUCCESS", result_code: "SUCCESS", mweb_url: "https://wx.tenpay.com/a?b=1&c=2" }

  it.live("passes the merchant's bytes and signature on, to QQ's paths", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(({ path }) =>
        path.endsWith("h5")
          ? { h5_url: "https://wx.tenpay.com/x" }
          : { status: 200, body: xml(good, "<total_fee>1&lt;2</total_fee>") }
      )
      yield* Effect.gen(function* () {
        const fields = yield* WxPayProxy.unifiedOrder({ body, real_notify_url })
        assert.deepStrictEqual(fields, { ...good, total_fee: "1<2" })
        for (const call of [WxPayProxy.h5, WxPayProxy.partnerH5, WxPayProxy.combineH5]) {
          const order = { body: json, authorization: Redacted.make(authorization), real_notify_url }
          assert.deepStrictEqual(yield* call(order), { h5_url: "https://wx.tenpay.com/x" })
        }
      }).pipe(Effect.provide(layer))
      const v3 = ["application/json", "application/json", authorization, json]
      assert.deepStrictEqual(
        requests.map(({ body, headers, path }) => [
          path,
          headers["content-type"],
          headers.accept,
          headers.authorization,
          body
        ]),
        [
          ["/wxpay/unifiedorder", "text/xml; charset=utf-8", undefined, undefined, body],
          ["/wxpay/v3/pay/transactions/h5", ...v3],
          ["/wxpay/v3/pay/partner/transactions/h5", ...v3],
          ["/wxpay/v3/combine-transactions/h5", ...v3]
        ]
      )
      for (const { query } of requests) {
        assert.deepStrictEqual(Object.fromEntries(query), { access_token: token, appid: app.appid, real_notify_url })
      }
    }).pipe(Effect.scoped)
  )

  it.live(
    "C1: knows a refusal of QQ, of WeChat Pay in XML, and by the HTTP status; all else is unknown, and sent once",
    () =>
      Effect.gen(function* () {
        let said: object | undefined
        const { layer, requests, url } = yield* recording(() => said)
        const order = WxPayProxy.unifiedOrder({ body, real_notify_url })
        const h5 = WxPayProxy.h5({ body: json, authorization, real_notify_url })
        const unknown = ["OutcomeUnknown", undefined, undefined]
        const refused = (code: number, tag: string, text: string) => [tag, code, text]
        const at = (status: number, body: string) => ({ status, body })
        const rows: ReadonlyArray<
          readonly [said: object | undefined, call: typeof order | typeof h5, expected: unknown]
        > = [
          [{ errcode: 9031, errmsg: "no" }, order, refused(9031, "Rejected", "no")],
          [{ errcode: 9031, errmsg: "no" }, h5, refused(9031, "Rejected", "no")],
          [
            at(200, xml({ return_code: "FAIL", return_msg: "签名错误" })),
            order,
            refused(200, "Rejected", "FAIL: 签名错误")
          ],
          [
            at(200, xml({ return_code: "SUCCESS", result_code: "FAIL", err_code: "ORDERPAID", err_code_des: "paid" })),
            order,
            refused(200, "Rejected", "ORDERPAID: paid")
          ],
          [at(200, xml({ return_code: "SUCCESS", result_code: "SUCCESS" })), order, unknown],
          [at(500, xml(good)), order, unknown],
          [at(200, xml(good).slice(0, -3)), order, unknown],
          [at(200, xml(good, "<return_code>SUCCESS</return_code>")), order, unknown],
          [at(200, xml(good, "<!-- -->")), order, unknown],
          [at(200, xml({ ...good, long: "x".repeat(20_000) })), order, unknown],
          [at(200, `<xml>${"<a><![CDATA[".repeat(80_000)}</xml>`), order, unknown],
          [at(200, "<html></html>"), order, unknown],
          [at(200, "{}"), order, unknown],
          [
            at(400, `{"code":"PARAM_ERROR","message":"no ${authorization.replaceAll('"', '\\"')}"}`),
            h5,
            refused(400, "Rejected", "PARAM_ERROR: no <redacted>")
          ],
          [at(429, '{"code":"RATE_LIMITED","message":"slow"}'), h5, refused(429, "TooFrequent", "RATE_LIMITED: slow")],
          [at(500, '{"code":"SYSTEM_ERROR","message":"x"}'), h5, refused(500, "SystemBusy", "SYSTEM_ERROR: x")],
          [at(400, '{"h5_url":"x"}'), h5, unknown],
          [at(200, '{"code":"PARAM_ERROR"}'), h5, unknown],
          [at(502, "<html></html>"), h5, unknown],
          [undefined, h5, unknown]
        ]
        for (const [answer, call, expected] of rows) {
          said = answer
          requests.length = 0
          const reason = yield* Effect.provide(reasonOf<any>(call), layer)
          const { code, text } = reason as { readonly code?: number; readonly text?: string }
          assert.deepStrictEqual([reason._tag, code, text], expected, JSON.stringify(answer))
          assert.strictEqual(requests.length, 1)
        }
        // vk's facade gives the fields of XML, and the status and the text of a refusal
        yield* Effect.promise(async () => {
          const vk = createVkOpenapiQQ({ ...app, baseUrl: url, store: "memory", uniCloud: makeUniCloud() })
          said = at(200, xml(good))
          assert.deepStrictEqual(await vk.wxPayProxy.unifiedOrder({ body, real_notify_url }), {
            ...good,
            code: 0,
            msg: ""
          })
          said = at(400, '{"code":"PARAM_ERROR","message":"x"}')
          const { code, msg } = await vk.wxPayProxy.h5({ body: json, authorization, real_notify_url })
          assert.strictEqual(code, 400)
          assert.include(msg, "PARAM_ERROR")
        })
      }).pipe(Effect.scoped)
  )

  it.live("S1: no key and no signature of a payment is in an error, a log or a span", () =>
    Effect.gen(function* () {
      const secrets = [session_key, app_key, authorization, token]
      let at = 0
      const { layer } = yield* recording(({ path }) => {
        const known = path.endsWith("h5") ? [authorization, token] : [session_key, app_key, token]
        const own = path.endsWith("GamePrePay") ? [session_key, token] : known
        const text = own.map((secret) => `${secret} ${encodeURIComponent(secret)}`).join(" ")
        return [{ errcode: 1, errmsg: text }, undefined, { status: 502, body: text }][at]
      })
      const seen = new Seen()
      const midas = { ...user, app_key, offer_id: "1", bill_no: "b" }
      const calls = [
        GamePay.prePay(order, { attempts: 1 }),
        GamePay.prePay({ ...order, bill_no: "" }),
        MidasPay.pay({ ...midas, amt: 1 }),
        MidasPay.pay({ ...midas, amt: 0 }),
        WxPayProxy.h5({ body: json, authorization, real_notify_url }),
        WxPayProxy.h5({ body, authorization, real_notify_url })
      ]
      yield* Effect.gen(function* () {
        for (; at < 3; at++) for (const call of calls) yield* seen.run<unknown, any>(call)
      }).pipe(Effect.provide(layer))
      assert.strictEqual(seen.errors.length, 3 * calls.length)
      assertNone(seen.text(), secrets)
    }).pipe(Effect.scoped)
  )
})
