import { assert, describe, it } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as Auth from "@qq-mini/core/Auth"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as QQError from "@qq-mini/core/QQError"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Effect from "effect/Effect"

describe("QQError", () => {
  it("every code of QQ's gives its reason, with what to do in English and Chinese", () => {
    const all: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))
    for (const { codes, endpoint } of [...all, { codes: QQError.codes, endpoint: "anywhere" }]) {
      for (const { code, reason } of codes ?? []) {
        const made = QQError.fromCode(codes, code, "some text")
        assert.strictEqual(made._tag, reason)
        assert.strictEqual((made as { code?: number }).code, code)
        assert.match(made.help.en, /[a-z]/)
        assert.match(made.help.zh, /[一-鿿]/)
        const { message } = new QQError.QQError({ endpoint, app: "1112345678", reason: made })
        assert.include(message, `(QQ: ${code} "some text")`)
        assert.include(message, endpoint)
        assert.include(message, "1112345678")
        assert.include(message, made.help.zh)
      }
    }
  })

  it("the same number means what it means at that call", () => {
    assert.strictEqual(QQError.fromCode(Auth.getAccessToken.codes, 40001, "")._tag, "WrongSecret")
    assert.strictEqual(QQError.fromCode(Security.msgSecCheck.codes, 40001, "")._tag, "InvalidToken")
    assert.strictEqual(QQError.fromCode(Acode.getMiniCode.codes, 41030, "")._tag, "PageMissing")
    assert.strictEqual(QQError.fromCode(SubscribeMessage.send.codes, 41030, "")._tag, "TooFrequent")
  })

  it("an unknown code keeps QQ's code and text", () => {
    const reason = QQError.fromCode(Security.imgSecCheck.codes, -13010, "what it said")
    assert.strictEqual(reason._tag, "Rejected")
    assert.deepInclude(JSON.parse(JSON.stringify(reason)), { _tag: "Rejected", code: -13010, text: "what it said" })
    assert.isFalse(reason.isRetryable)
  })

  it("I2: an endpoint's own code may say no more than its reason", () => {
    const reason = QQError.fromCode([{ code: 7, reason: "InvalidInput" }], 7, "")
    assert.strictEqual(reason._tag, "InvalidInput")
    assert.match(reason.help.zh, /[一-鿿]/)
  })

  it("says whether and when to repeat", () => {
    const of = (reason: QQError.Reason) => {
      const error = new QQError.QQError({ endpoint: "x", app: undefined, reason })
      return [error.isRetryable, error.retryAfter]
    }
    assert.deepStrictEqual(of(QQError.fromCode(undefined, -1, "")), [true, 1_000])
    assert.deepStrictEqual(of(QQError.fromCode(undefined, 45011, "")), [true, 60_000])
    assert.deepStrictEqual(of(new QQError.QuotaReached({ wait: 12_345 })), [true, 12_345])
    assert.deepStrictEqual(of(QQError.fromCode(Acode.getMiniCode.codes, 45029, "")), [false, undefined])
    assert.deepStrictEqual(of(QQError.fromCode(SubscribeMessage.send.codes, 46001, "")), [false, undefined])
  })

  it.effect("can be caught by its reason", () =>
    Effect.gen(function* () {
      const reason = QQError.fromCode(SubscribeMessage.send.codes, 46001, "")
      const failing: Effect.Effect<string, QQError.QQError> = Effect.fail(
        new QQError.QQError({ endpoint: "subscribeMessage.send", app: "1", reason })
      )
      const caught = yield* Effect.catchReason(failing, "QQError", "NotSubscribed", ({ code }) =>
        Effect.succeed(`caught ${code}`)
      )
      assert.strictEqual(caught, "caught 46001")
    })
  )
})
