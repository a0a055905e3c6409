import { assert, describe, it } from "@effect/vitest"
import * as QQError from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"

describe("QQError", () => {
  it("every code of QQ's gives its reason, with what to do in English and Chinese", () => {
    for (const { at, code, reason } of QQError.codes) {
      for (const endpoint of at ?? ["anywhere"]) {
        const made = QQError.fromCode(endpoint, code, "some text")
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
    assert.strictEqual(QQError.fromCode("auth.getAccessToken", 40001, "")._tag, "WrongSecret")
    assert.strictEqual(QQError.fromCode("security.msgSecCheck", 40001, "")._tag, "InvalidToken")
    assert.strictEqual(QQError.fromCode("acode.getMiniCode", 41030, "")._tag, "PageMissing")
    assert.strictEqual(QQError.fromCode("subscribeMessage.send", 41030, "")._tag, "TooFrequent")
  })

  it("an unknown code keeps QQ's code and text", () => {
    const reason = QQError.fromCode("security.imgSecCheck", -13010, "what it said")
    assert.strictEqual(reason._tag, "Rejected")
    assert.deepInclude(JSON.parse(JSON.stringify(reason)), { _tag: "Rejected", code: -13010, text: "what it said" })
    assert.isFalse(reason.isRetryable)
  })

  it("says whether and when to repeat", () => {
    const of = (reason: QQError.Reason) => {
      const error = new QQError.QQError({ endpoint: "x", app: undefined, reason })
      return [error.isRetryable, error.retryAfter]
    }
    assert.deepStrictEqual(of(QQError.fromCode("x", -1, "")), [true, 1_000])
    assert.deepStrictEqual(of(QQError.fromCode("x", 45011, "")), [true, 60_000])
    assert.deepStrictEqual(of(new QQError.QuotaReached({ wait: 12_345 })), [true, 12_345])
    assert.deepStrictEqual(of(QQError.fromCode("x", 45029, "")), [false, undefined])
    assert.deepStrictEqual(of(QQError.fromCode("subscribeMessage.send", 46001, "")), [false, undefined])
  })

  it.effect("can be caught by its reason", () =>
    Effect.gen(function* () {
      const reason = QQError.fromCode("subscribeMessage.send", 46001, "")
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
