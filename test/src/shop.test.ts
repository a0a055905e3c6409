/** The shop of the sandbox: signatures, users' data, orders and coins, as QQ would keep them. */
import { assert, describe, it } from "@effect/vitest"
import * as Encryption from "@qq-mini/core/Encryption"
import * as GamePay from "@qq-mini/core/GamePay"
import * as MidasPay from "@qq-mini/core/MidasPay"
import * as OpenData from "@qq-mini/core/OpenData"
import type { QQError } from "@qq-mini/core/QQError"
import type { QQMini } from "@qq-mini/core/QQMini"
import * as Signature from "@qq-mini/core/Signature"
import * as TemplateMessage from "@qq-mini/core/TemplateMessage"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"
import { first, second, template_id } from "./support/calls.ts"
import { listening } from "./support/listening.ts"

/** 0, or QQ's code for the refusal. */
const codeOf = <A, R>(effect: Effect.Effect<A, QQError, R>) =>
  Effect.match(effect, {
    onSuccess: () => 0,
    onFailure: ({ reason }) => ("code" in reason ? reason.code : reason._tag)
  })

const login = (user?: string) =>
  Effect.map(
    Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.login({ user: user ?? "someone" })),
    ({ openid, session_key }) => ({ openid, session_key })
  )

const goods = { amt: 10, goodid: "43", good_num: 1 }
const forged = { session_key: "VUNQZ0hRYURxNlZZbmNOZw==" }

const refused = '{"code":1,"msg":"失败"}'
const accepted = '{"code":0,"msg":"成功"}'

// What came to a developer's server that is not there.
const posted: Array<string> = []

/** A developer's server that gives these answers, the last one for ever, and what came to it. */
const developer = Effect.fnUntraced(function* (answers: ReadonlyArray<string>) {
  const posts: Array<{ readonly type: string; readonly body: string }> = []
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => {
      posts.push({ type: incoming.headers["content-type"]!, body })
      response.end(answers[Math.min(posts.length, answers.length) - 1])
    })
  })
  return { posts, url: `${yield* listening(server)}/pay/notify` }
})

/** Posts to the sandbox past the client. */
const post = (path: string, body: object | string) =>
  Effect.flatMap(
    HttpClient.post(`http://sandbox${path}`, {
      body: typeof body === "string" ? HttpBody.text(body) : HttpBody.jsonUnsafe(body)
    }),
    (response) => Effect.orDie(response.json)
  ) as Effect.Effect<any, any, HttpClient.HttpClient>

describe("the sandbox's shop", () => {
  it.effect("stores a user's data, up to QQ's limits", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const user = yield* login()
      const kv_list = Array.from({ length: 127 }, (_, i) => ({ key: `k${i}`, value: "v" }))
      yield* OpenData.setUserStorage({ ...user, kv_list })
      yield* OpenData.setUserStorage({ ...user, kv_list: [{ key: "k0", value: "你好" }] })
      const more = (...keys: Array<string>) =>
        codeOf(OpenData.setUserStorage({ ...user, kv_list: keys.map((key) => ({ key, value: "v" })) }))
      assert.deepStrictEqual([yield* more("a", "b"), yield* more("a"), yield* more("b")], [40035, 0, 40035])
      yield* OpenData.removeUserStorage({ ...user, key: ["k1", "none"] })
      assert.strictEqual(yield* more("b"), 0)
      yield* OpenData.setUserInteractiveData({ ...user, kv_list: [{ key: "1", value: 3 }] })
      const { interactive, storage } = yield* sandbox.stored(user)
      assert.deepInclude(storage, { k0: "你好", b: "v" })
      assert.deepStrictEqual([Object.keys(storage).length, storage["k1"], interactive], [128, undefined, { "1": 3 }])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("refuses every forged signature with QQ's code, and changes nothing", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid, session_key } = yield* login()
      const user = { openid, ...forged }
      const midas = { ...Sandbox.defaultOffer, openid, session_key }
      yield* sandbox.buyCoins({ openid, amt: 5 })
      const kv_list = [{ key: "k", value: "v" }]
      const bill = { bill_no: "b" }
      const calls: ReadonlyArray<readonly [number, Effect.Effect<unknown, QQError, QQMini>]> = [
        [87009, OpenData.setUserStorage({ ...user, kv_list })],
        [87009, OpenData.removeUserStorage({ ...user, key: ["k"] })],
        [87009, OpenData.setUserInteractiveData({ ...user, kv_list: [{ key: "1", value: 3 }] })],
        [87009, Encryption.getUserEncryptKey(user)],
        [90011, GamePay.prePay({ ...user, ...goods, ...bill })],
        [90011, GamePay.checkPay({ ...user, ...bill, prepay_id: "p" })],
        [90011, GamePay.getBalance(user)],
        [90010, MidasPay.pay({ ...midas, ...forged, ...bill, amt: 1 })],
        [90011, MidasPay.pay({ ...midas, ...bill, app_key: "another", amt: 1 })],
        [90011, MidasPay.present({ ...midas, ...bill, app_key: "another", present_counts: 1 })],
        [90018, MidasPay.getBalance({ ...midas, offer_id: "another" })],
        [90018, GamePay.getBalance({ openid: "nobody", session_key })],
        [90018, GamePay.getBalance({ openid, session_key, appid: second.appid })]
      ]
      for (const [code, call] of calls) assert.strictEqual(yield* codeOf(call), code)
      assert.deepStrictEqual(yield* sandbox.stored({ openid }), { storage: {}, interactive: {} })
      assert.deepStrictEqual(yield* MidasPay.getBalance(midas), { remainder: 5 })
      assert.strictEqual(yield* codeOf(GamePay.prePay({ openid, session_key, ...goods, ...bill })), 0)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("checks each signature of a body that another client made", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid, session_key } = yield* login()
      const token = yield* sandbox.stealToken()
      const hmac = (algorithm: string, key: string, message: string) => createHmac(algorithm, key).update(message)
      // The signature is of the bytes, so blanks count.
      const body = '{ "kv_list": [ {"key":"k", "value":"v"} ] }'
      const signature = hmac("sha256", session_key, body).digest("hex")
      const path = `/api/openDataContext/set_user_storage?access_token=${token}&openid=${openid}&sig_method=hmac_sha256`
      assert.strictEqual((yield* post(`${path}&signature=${signature}`, body)).errcode, 0)
      assert.strictEqual((yield* post(`${path}&signature=${signature}`, body.replaceAll(" ", ""))).errcode, 87009)
      assert.strictEqual((yield* post(path, body)).errcode, 87009)

      const own = { openid, openkey: session_key, offer_id: Sandbox.defaultOffer.offer_id }
      const rest = { ...own, appid: first.appid, ts: 1, zone_id: "1", pf: "p", pfkey: "k" }
      const pairs = (names: string, from: Record<string, unknown>) =>
        encodeURIComponent(
          names
            .split(" ")
            .map((name) => `${name}=${String(from[name])}`)
            .join("&")
        )
      const at = encodeURIComponent("/v3/r/mpay/get_balance_m")
      const signed = `GET&${at}&${pairs("appid offer_id openid openkey pf pfkey ts zone_id", rest)}`
      const sig = hmac("sha1", `${Sandbox.defaultOffer.app_key}&`, signed).digest("base64")
      const all = { ...rest, sig, access_token: token }
      const message = `POST&${at}&${pairs("access_token appid offer_id openid pf sig ts zone_id", all)}`
      const qq_sig = hmac("sha1", `${session_key}&`, message).digest("base64")
      const balance = (body: object, access_token = token) =>
        Effect.map(post(`/api/json/openApiPay/MiniGetBalance?access_token=${access_token}`, body), (a) => a.errcode)
      assert.strictEqual(yield* balance({ ...all, qq_sig }), 0)
      assert.strictEqual(yield* balance({ ...all, qq_sig: sig }), 90009)
      assert.strictEqual(yield* balance({ ...all, ts: 2, qq_sig }), 90011)
      assert.strictEqual(yield* balance({ ...all, ts: {}, qq_sig }), 90018)
      assert.strictEqual(yield* balance({ ...all, qq_sig }, "wrong"), -3000)
      assert.strictEqual((yield* post(`/api/json/openApiPay/MiniPay?access_token=${token}`, "{")).errcode, 90018)
      // The log has the calls, without the secrets in them.
      assert.notInclude(JSON.stringify(yield* sandbox.log), session_key)
      assert.notInclude(JSON.stringify(yield* sandbox.log), token)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  for (const repeatedPrepay of ["answered", "refused"] as const) {
    it.live(`prePay: a lost answer is repeated with the same bill_no, and ${repeatedPrepay}`, () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const user = yield* login()
        const order = { ...user, ...goods, bill_no: "b" }
        yield* sandbox.fault({ kind: "resetAfter", endpoint: "gamePay.prePay" })
        const result = yield* Effect.result(GamePay.prePay(order))
        assert.strictEqual(yield* sandbox.count("gamePay.prePay"), 2)
        assert.strictEqual(result._tag, repeatedPrepay === "answered" ? "Success" : "Failure")
        if (result._tag === "Failure") {
          assert.deepInclude(result.failure.reason, { _tag: "OutcomeUnknown" })
        } else {
          assert.deepStrictEqual(yield* GamePay.prePay(order), result.success)
        }
        // Another order with this number is refused, also of another user.
        assert.strictEqual(yield* codeOf(GamePay.prePay({ ...order, amt: 11 })), 90012)
        assert.strictEqual(yield* codeOf(GamePay.prePay({ ...order, ...(yield* login("another")) })), 90012)
      }).pipe(Effect.provide(Sandbox.layerWith({ switches: { repeatedPrepay } })))
    )
  }

  for (const { body, encoding } of [
    { body: "json", encoding: "component" },
    { body: "form", encoding: "form" }
  ] as const) {
    it.live(`a game purchase: prepay, pay, notification, delivery (${body}, ${encoding})`, () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const { posts, url } = yield* developer(["oops", refused, accepted])
        const user = yield* login()
        const order = { ...user, ...goods, bill_no: "b", app_remark: "sword 1" }
        const { prepayId } = yield* GamePay.prePay(order)
        const question = { ...user, bill_no: "b", prepay_id: prepayId }
        const remark = { app_remark: "sword 1" }
        assert.deepStrictEqual(yield* GamePay.checkPay(question), { pay_state: 0, ...remark })

        // It comes again until the answer is the one that QQ wants.
        const paid = yield* sandbox.pay({ bill_no: "b", url, body, encoding, pause: 0 })
        assert.deepInclude(paid, { state: "paid", accepted: true })
        assert.deepStrictEqual(
          paid.answers.map((answer) => answer.body),
          ["oops", refused, accepted]
        )
        assert.strictEqual(posts.length, 3)
        assert.deepStrictEqual(posts[0], posts[2])
        const isJson = body === "json"
        assert.isTrue(posts[0]!.type.startsWith(isJson ? "application/json" : "application/x-www-form-urlencoded"))
        const parameters = isJson
          ? (JSON.parse(posts[0]!.body) as Record<string, string | number>)
          : Object.fromEntries(new URLSearchParams(posts[0]!.body))
        assert.deepInclude(parameters, { openid: user.openid, bill_no: "b", ...remark })
        assert.strictEqual(Number(parameters["amt"]), 10)
        const verify = { path: "/pay/notify", parameters, appsecret: first.appsecret }
        assert.isTrue(yield* Signature.verifyPayNotification(verify))
        assert.strictEqual(parameters["sig"], yield* Signature.payNotification({ ...verify, encoding }))
        const state = yield* GamePay.checkPay(question)
        assert.deepStrictEqual(state, { pay_state: 1, pay_time: Number(parameters["ts"]), ...remark })
        assert.deepInclude(yield* sandbox.pay({ bill_no: "b", url }), { state: "paid before", answers: [] })
        assert.strictEqual(posts.length, 3)
      }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
    )
  }

  it.live("notifies never, twice at once, again, and as a forger; and not before the payment", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { posts, url } = yield* developer([accepted])
      const user = yield* login()
      const bill = { bill_no: "b", url }
      yield* GamePay.prePay({ ...user, ...goods, bill_no: "b" })
      assert.deepStrictEqual(yield* sandbox.notifyPaid(bill), { accepted: false, answers: [] })
      assert.strictEqual((yield* sandbox.pay({ ...bill, bill_no: "none" })).state, "unknown")
      assert.deepInclude(yield* sandbox.pay({ ...bill, attempts: 0 }), { state: "paid", accepted: false })
      assert.strictEqual(posts.length, 0)
      assert.strictEqual((yield* sandbox.notifyPaid({ ...bill, copies: 2 })).answers.length, 2)
      assert.strictEqual(posts.length, 2)
      yield* sandbox.notifyPaid(bill)
      assert.deepStrictEqual(posts[1], posts[2])
      yield* sandbox.notifyPaid({ ...bill, appsecret: "forged" })
      const verified = yield* Effect.forEach([posts[2]!, posts[3]!], ({ body }) =>
        Signature.verifyPayNotification({
          path: "/pay/notify",
          parameters: JSON.parse(body) as Record<string, string | number>,
          appsecret: first.appsecret
        })
      )
      assert.deepStrictEqual(verified, [true, false])
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.effect("a prepayId ends after 48 hours, and a notification may come late", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const user = yield* login()
      for (const bill_no of ["early", "late"]) yield* GamePay.prePay({ ...user, ...goods, bill_no })
      yield* TestClock.adjust("47 hours")
      const fiber = yield* Effect.forkChild(sandbox.pay({ bill_no: "early", delay: "1 hour" }), {
        startImmediately: true
      })
      yield* GamePay.getBalance(user)
      assert.strictEqual(posted.length, 0)
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* Fiber.join(fiber), { state: "paid", accepted: true })
      assert.strictEqual(posted.length, 1)
      assert.strictEqual((yield* sandbox.pay({ bill_no: "late" })).state, "expired")
    }).pipe(
      Effect.provide(
        Sandbox.layerWith({
          programs: [{ ...first, notify: { url: "http://shop/notify" } }],
          httpClient: HttpClient.make((request) => {
            posted.push(request.url)
            return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(accepted)))
          })
        })
      )
    )
  )

  it.live("pushes form_ids, each of which allows one message", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { posts, url } = yield* developer(["ok"])
      const { openid } = yield* login()
      const { MsgId, form_id } = yield* sandbox.pushForm({ openid, url })
      yield* sandbox.pushForm({ openid, url, MsgId })
      const [push, again] = posts.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
      assert.deepInclude(push, { OpenId: openid, MsgType: "game_formid", MsgId, Content: form_id })
      assert.strictEqual(again!["MsgId"], MsgId)
      const message = { touser: openid, template_id, form_id, data: { keyword1: { value: "x" } } }
      assert.deepStrictEqual(
        [yield* codeOf(TemplateMessage.send(message)), yield* codeOf(TemplateMessage.send(message))],
        [0, 41029]
      )
      assert.deepInclude(yield* sandbox.pushForm({ openid: "nobody", url }), { form_id: "", accepted: false })
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layer))
  )

  it.effect("a Midas purchase: presents and coins, pay, and no number of a bill twice", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const user = { ...(yield* login()), ...Sandbox.defaultOffer }
      assert.deepStrictEqual(yield* MidasPay.getBalance(user), { remainder: 0 })
      yield* sandbox.buyCoins({ openid: user.openid, amt: 10 })
      const present = { ...user, bill_no: "gift", present_counts: 3 }
      assert.deepStrictEqual(yield* MidasPay.present(present), { balance: 13, bill_no: "gift" })
      assert.strictEqual(yield* codeOf(MidasPay.present(present)), 90012)
      const payment = yield* MidasPay.pay({ ...user, bill_no: "1", amt: 5 })
      assert.deepInclude(payment, { balance: 8, used_gen_amt: 3, bill_no: "1" })
      assert.strictEqual(yield* codeOf(MidasPay.pay({ ...user, bill_no: "1", amt: 5 })), 90012)
      assert.strictEqual(yield* codeOf(MidasPay.pay({ ...user, bill_no: "2", amt: 9 })), 90013)
      assert.strictEqual(yield* codeOf(MidasPay.pay({ ...user, bill_no: "2", amt: 8 })), 0)
      assert.deepStrictEqual(yield* MidasPay.getBalance(user), { remainder: 0 })
    }).pipe(Effect.provide(Sandbox.layer))
  )

  for (const switches of [
    { integers: "strings", zeros: "sent", errorStatus: 400 },
    { integers: "strings", zeros: "leftOut", errorStatus: 500 },
    { integers: "numbers", zeros: "leftOut", errorStatus: 200 }
  ] as const) {
    it.live(`the client reads every form of an answer: ${Object.values(switches).join(", ")}`, () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const user = yield* login()
        const { posts, url } = yield* developer([accepted])
        const account = { ...user, ...Sandbox.defaultOffer }
        const { prepayId } = yield* GamePay.prePay({ ...user, ...goods, bill_no: "b" })
        const question = { ...user, bill_no: "b", prepay_id: prepayId }
        assert.deepStrictEqual(yield* GamePay.checkPay(question), { pay_state: 0 })
        yield* sandbox.pay({ bill_no: "b", url })
        assert.strictEqual(JSON.parse(posts[0]!.body).amt, switches.integers === "strings" ? "10" : 10)
        assert.strictEqual((yield* GamePay.checkPay(question)).pay_state, 1)
        assert.deepStrictEqual(yield* GamePay.getBalance(user), { remainder: 0 })
        yield* sandbox.buyCoins({ openid: user.openid, amt: 5 })
        assert.deepStrictEqual(yield* GamePay.getBalance(user), { remainder: 5 })
        assert.deepInclude(yield* MidasPay.pay({ ...account, bill_no: "1", amt: 5 }), { balance: 0, used_gen_amt: 0 })
        assert.strictEqual(yield* codeOf(MidasPay.pay({ ...account, bill_no: "2", amt: 1 })), 90013)
        assert.strictEqual((yield* Encryption.getUserEncryptKey(user)).key_info_list[0]!.version, 1)

        // On the wire they differ.
        const signed = { openid: user.openid, appid: first.appid }
        const sig = yield* Signature.gamePay({
          path: "/api/json/openApiPay/GetBalance",
          parameters: signed,
          session_key: user.session_key
        })
        const path = `/api/json/openApiPay/GetBalance?access_token=${yield* sandbox.stealToken()}`
        const zero = switches.integers === "strings" ? "0" : 0
        assert.deepStrictEqual(yield* post(path, { ...signed, sig }), {
          errcode: 0,
          errmsg: "ok",
          ...(switches.zeros === "sent" ? { remainder: zero } : {})
        })
        const response = yield* HttpClient.post(`http://sandbox${path}`, { body: HttpBody.jsonUnsafe(signed) })
        assert.strictEqual(response.status, switches.errorStatus)
      }).pipe(Effect.scoped, Effect.provide(Sandbox.layerWith({ switches })))
    )
  }

  it.effect("takes no coin that is not there, with 20 payments at once", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const user = { ...(yield* login()), ...Sandbox.defaultOffer }
      yield* sandbox.buyCoins({ openid: user.openid, amt: 7 })
      const pays = Array.from({ length: 20 }, (_, i) =>
        Effect.result(MidasPay.pay({ ...user, bill_no: `b${i}`, amt: 1 }))
      )
      const results = yield* Effect.all(pays, { concurrency: "unbounded" })
      const balances = results.flatMap((result) => (result._tag === "Success" ? [result.success.balance] : []))
      assert.deepStrictEqual(balances.toSorted(), [0, 1, 2, 3, 4, 5, 6])
      assert.deepStrictEqual(yield* MidasPay.getBalance(user), { remainder: 0 })
    }).pipe(Effect.provide(Sandbox.layer))
  )
})
