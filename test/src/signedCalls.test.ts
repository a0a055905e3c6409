/** What is signed arrives as QQ wants it: each signature is made again by Node from what came. */
import { assert, describe, it } from "@effect/vitest"
import * as Encryption from "@qq-mini/core/Encryption"
import * as OpenData from "@qq-mini/core/OpenData"
import { createQQMini } from "@qq-mini/node"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHmac, webcrypto } from "node:crypto"
import { app, recording, token } from "./support/recordingServer.ts"
import { assertNone, Seen } from "./support/seen.ts"

const openid = "55107C3B8501CD7CBD90AEE4626E6D17"
const session_key = "VUNQZ0hRYURxNlZZbmNOZw=="
const user = { openid, session_key }

const hmac = (hash: string, key: string, message: string, encoding: "hex" | "base64" = "hex") =>
  createHmac(hash, key).update(message).digest(encoding)

describe("openData", () => {
  it.live("sends one parameter as body, signed with the login state, with the signature in the query", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(() => ({ errcode: 0 }))
      const kv_list = [{ key: "分数", value: '{"wxgame":{"score":1}}' }]
      yield* Effect.gen(function* () {
        assert.isUndefined(yield* OpenData.setUserStorage({ ...user, kv_list }))
        yield* OpenData.removeUserStorage({ openid, session_key: Redacted.make(session_key), key: ["分数"] })
        yield* OpenData.setUserInteractiveData({ ...user, kv_list: [{ key: "1", value: 3 }] })
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        requests.map(({ body, path }) => [path, body]),
        [
          ["/api/openDataContext/set_user_storage", JSON.stringify({ kv_list })],
          ["/api/openDataContext/remove_user_storage", '{"key":["分数"]}'],
          ["/api/setuserinteractivedata", '{"kv_list":[{"key":"1","value":3}]}']
        ]
      )
      for (const { body, query } of requests) {
        assert.deepStrictEqual(Object.fromEntries(query), {
          access_token: token,
          signature: hmac("sha256", session_key, body),
          openid,
          sig_method: "hmac_sha256"
        })
      }
    }).pipe(Effect.scoped)
  )

  it.live(
    "I2: signs with the WebCrypto that the client was made with; without one the call fails, and sends nothing",
    () =>
      Effect.gen(function* () {
        const { layer, requests } = yield* recording(() => ({ errcode: 0 }))
        const kv_list = [{ key: "k", value: "v" }]
        const call = OpenData.setUserStorage({ ...user, kv_list })
        const none = Layer.provide(layer, WebCrypto.layer({} as Crypto))
        assert.strictEqual((yield* Effect.flip(Effect.provide(call, none))).reason._tag, "InvalidConfig")
        assert.deepStrictEqual(requests, [])
        const own = Layer.provide(layer, WebCrypto.layer(webcrypto as Crypto))
        yield* Effect.provideService(Effect.provide(call, own), WebCrypto.WebCrypto, {} as Crypto)
        assert.strictEqual(requests.length, 1)
      }).pipe(Effect.scoped)
  )

  it.live("D1, I1: keeps QQ's sizes, and repeats only what may be repeated", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(() => undefined)
      const problemOf = (kv_list: ReadonlyArray<{ readonly key: string; readonly value: string }>) =>
        Effect.map(Effect.flip(OpenData.setUserStorage({ ...user, kv_list })), ({ message }) => message)
      yield* Effect.gen(function* () {
        assert.match(yield* problemOf([]), /kv_list: needs at least one entry/)
        const many = Array.from({ length: 129 }, (_, i) => ({ key: `${i}`, value: "" }))
        assert.match(yield* problemOf(many), /kv_list: has 129 entries; QQ takes at most 128/)
        assert.match(yield* problemOf([{ key: "文".repeat(43), value: "" }]), /kv_list\.0\.key: is 129 bytes/)
        assert.match(yield* problemOf([{ key: "文", value: "x".repeat(1_022) }]), /kv_list\.0: has 1,025 bytes/)
        assert.strictEqual(requests.length, 0)
        yield* problemOf([{ key: "文", value: "x".repeat(1_021) }])
        assert.strictEqual(requests.splice(0).length, 3)
        const kv_list = [{ key: "1", value: 3 }]
        const unknown = yield* Effect.flip(OpenData.setUserInteractiveData({ ...user, kv_list }))
        assert.strictEqual(unknown.reason._tag, "OutcomeUnknown")
        assert.strictEqual(requests.length, 1)
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped)
  )
})

describe("encryption.getUserEncryptKey", () => {
  const encrypt_key = "VI6BpyrK9XH4i4AIGe86tg=="
  const info = { encrypt_key, iv: "6003f73ec441c386", version: 10, expire_in: "3597", create_time: 1616572301 }

  it.live("sends the session key in the query, signs {}, and gives the keys redacted", () =>
    Effect.gen(function* () {
      const { layer, requests, url } = yield* recording(() => ({
        errcode: 0,
        key_info_list: [info, { encrypt_key, version: 9 }]
      }))
      const { key_info_list } = yield* Effect.provide(Encryption.getUserEncryptKey(user), layer)
      assert.notInclude(JSON.stringify(key_info_list), encrypt_key)
      assert.strictEqual(Redacted.value(key_info_list[0]!.encrypt_key), encrypt_key)
      const [{ body, headers, method, path, query }] = requests as [(typeof requests)[0]]
      assert.deepStrictEqual(
        [method, path, headers["content-type"], body, Object.fromEntries(query)],
        [
          "POST",
          "/api/trpc/userEncryptionSvr/GetUserEncryptKey",
          "application/json",
          "{}",
          {
            access_token: token,
            appid: app.appid,
            openid,
            openkey: session_key,
            sig: hmac("sha256", session_key, "{}")
          }
        ]
      )
      yield* Effect.promise(async () => {
        await using qq = createQQMini({ ...app, baseUrl: url, store: "memory" })
        const plain = await qq.encryption.getUserEncryptKey(user)
        assert.deepStrictEqual(plain.key_info_list[0], { ...info, expire_in: 3_597 })
      })
    }).pipe(Effect.scoped)
  )
})

describe("S1: secrets of users and merchants", () => {
  it.live("S1: are in no error, log or span, also if QQ's text repeats them", () =>
    Effect.gen(function* () {
      const text = `no ${session_key} ${encodeURIComponent(session_key)} ${token}`
      const answers = [{ errcode: 1, errmsg: text }, undefined, { status: 502, body: text }]
      let at = 0
      const { layer } = yield* recording(() => answers[at])
      const seen = new Seen()
      const calls = [
        OpenData.setUserStorage({ ...user, kv_list: [{ key: "k", value: "v" }] }, { attempts: 1 }),
        OpenData.setUserStorage({ ...user, kv_list: [] }),
        OpenData.removeUserStorage({ openid: 1 as never, session_key, key: [] }),
        OpenData.setUserInteractiveData({ ...user, kv_list: [{ key: "k", value: 1 }] }),
        Encryption.getUserEncryptKey(user, { attempts: 1 })
      ]
      yield* Effect.gen(function* () {
        for (; at < answers.length; at++) for (const call of calls) yield* seen.run(call)
      }).pipe(Effect.provide(layer))
      assert.strictEqual(seen.errors.length, answers.length * calls.length)
      assertNone(seen.text(), [session_key, token, app.appsecret])
    }).pipe(Effect.scoped)
  )
})
