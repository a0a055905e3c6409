import { assert, describe, it } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as Auth from "@qq-mini/core/Auth"
import { codes as common, fromCode } from "@qq-mini/core/Code"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as QQError from "@qq-mini/core/QQError"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"

describe("QQError", () => {
  it("every code of QQ's gives its reason, with what to do in English and Chinese", () => {
    const all: ReadonlyArray<Any> = Object.values(groups).flatMap((group) => Object.values(group))
    for (const { codes, name } of [...all, { codes: common, name: "anywhere" }]) {
      for (const { code, reason } of codes ?? []) {
        const made = fromCode(codes, code, "some text")
        assert.strictEqual(made.constructor, reason)
        assert.strictEqual((made as { code?: number }).code, code)
        assert.match(made.help.en, /[a-z]/)
        assert.match(made.help.zh, /[一-鿿]/)
        const { message } = new QQError.QQError({ endpoint: name, app: "1112345678", reason: made })
        assert.include(message, `(QQ: ${code} "some text")`)
        assert.include(message, name)
        assert.include(message, "1112345678")
        assert.include(message, made.help.zh)
      }
    }
  })

  it("the same number means what it means at that call", () => {
    assert.strictEqual(fromCode(Auth.getAccessToken.codes, 40001, "")._tag, "WrongSecret")
    assert.strictEqual(fromCode(Security.msgSecCheck.codes, 40001, "")._tag, "InvalidToken")
    assert.strictEqual(fromCode(Acode.getMiniCode.codes, 41030, "")._tag, "PageMissing")
    assert.strictEqual(fromCode(SubscribeMessage.send.codes, 41030, "")._tag, "TooFrequent")
  })

  it("an unknown code keeps QQ's code and text", () => {
    const reason = fromCode(Security.imgSecCheck.codes, -13010, "what it said")
    assert.strictEqual(reason._tag, "Rejected")
    assert.deepInclude(JSON.parse(JSON.stringify(reason)), { _tag: "Rejected", code: -13010, text: "what it said" })
    assert.isFalse(reason.isRetryable)
  })

  it("I2: an endpoint's own code may say no more than its reason", () => {
    const reason = fromCode([{ code: 7, reason: QQError.InvalidInput }], 7, "")
    assert.strictEqual(reason._tag, "InvalidInput")
    assert.match(reason.help.zh, /[一-鿿]/)
  })

  it("says whether and when to repeat", () => {
    const of = (reason: QQError.Reason) => {
      const error = new QQError.QQError({ endpoint: "x", app: undefined, reason })
      return [error.isRetryable, error.retryAfter]
    }
    assert.deepStrictEqual(of(fromCode(undefined, -1, "")), [true, 1_000])
    assert.deepStrictEqual(of(fromCode(undefined, 45011, "")), [true, 60_000])
    assert.deepStrictEqual(of(new QQError.QuotaReached({ wait: 12_345 })), [true, 12_345])
    assert.deepStrictEqual(of(fromCode(Acode.getMiniCode.codes, 45029, "")), [false, undefined])
    assert.deepStrictEqual(of(fromCode(SubscribeMessage.send.codes, 46001, "")), [false, undefined])
  })

  it.effect("can be caught by its reason", () =>
    Effect.gen(function* () {
      const reason = fromCode(SubscribeMessage.send.codes, 46001, "")
      const failing: Effect.Effect<string, QQError.QQError> = Effect.fail(
        new QQError.QQError({ endpoint: "subscribeMessage.send", app: "1", reason })
      )
      const caught = yield* Effect.catchReason(failing, "QQError", "NotSubscribed", ({ code }) =>
        Effect.succeed(`caught ${code}`)
      )
      assert.strictEqual(caught, "caught 46001")
    })
  )

  const classes = [
    QQError.WrongSecret,
    QQError.InvalidAppId,
    QQError.UnknownApp,
    QQError.LookupFailed,
    QQError.InvalidToken,
    QQError.InvalidCode,
    QQError.PageMissing,
    QQError.MiniCodesUsedUp,
    QQError.NotSubscribed,
    QQError.UserRefused,
    QQError.TooFrequent,
    QQError.QuotaReached,
    QQError.SystemBusy,
    QQError.InvalidInput,
    QQError.InvalidConfig,
    QQError.UserDataInvalid,
    QQError.UnreadableAnswer,
    QQError.ConnectionFailed,
    QQError.TimedOut,
    QQError.OutcomeUnknown,
    QQError.TokenContested,
    QQError.StoreFailed,
    QQError.ClientClosed,
    QQError.Rejected
  ]
  const json = <A, E>(schema: Schema.Codec<A, E>, value: A): A =>
    Schema.decodeUnknownSync(schema)(JSON.parse(JSON.stringify(Schema.encodeSync(schema)(value))))

  for (const Class of classes) {
    const schema = Class as unknown as Schema.Codec<QQError.Reason>
    it.prop(`${Class.prototype.name} comes back from JSON`, [schema], ([reason]) => {
      const back = json(schema, reason)
      assert.strictEqual(back.constructor, Class)
      assert.isTrue(Equal.equals(back, reason))
      for (const name of ["message", "help", "isRetryable", "retryAfter", "stack"] as const) {
        assert.isTrue(Equal.equals(back[name], reason[name]), name)
      }
    })
  }

  it("has every reason", () => {
    assert.sameMembers(
      classes.map(({ prototype }) => prototype.name),
      Object.values(QQError)
        .filter((value) => typeof value === "function" && value.prototype instanceof Error)
        .map(({ prototype }) => prototype.name)
        .filter((name) => name !== "QQError")
    )
  })

  it.prop("an error comes back from JSON, also from its text for logs", [QQError.QQError], ([error]) => {
    for (const back of [
      json(QQError.QQError, error),
      Schema.decodeUnknownSync(QQError.QQError)(JSON.parse(JSON.stringify(error)))
    ]) {
      assert.instanceOf(back, QQError.QQError)
      assert.isTrue(QQError.isQQError(back))
      assert.isTrue(Equal.equals(back, error))
      assert.strictEqual(back.stack, error.stack)
      assert.strictEqual(back.code, error.code)
    }
  })

  it("two errors that differ in anything are not equal", () => {
    const fields = { endpoint: "x", app: "1", reason: new QQError.SystemBusy({ code: -1, text: "busy" }) }
    const error = new QQError.QQError({ ...fields, attempts: 2, elapsed: 3 })
    assert.isTrue(Equal.equals(error, new QQError.QQError({ ...fields, attempts: 2, elapsed: 3 })))
    for (const other of [
      { app: undefined },
      { reason: new QQError.SystemBusy({ code: -1, text: "" }) },
      { reason: new QQError.Rejected({ code: -1, text: "busy" }) },
      { attempts: 1 },
      { elapsed: 4 }
    ]) {
      assert.isFalse(Equal.equals(error, new QQError.QQError({ ...fields, attempts: 2, elapsed: 3, ...other })))
    }
  })

  it("is a schema like any other", () => {
    const Answer = Schema.Union([Schema.String, QQError.QQError])
    const error = new QQError.QQError({ endpoint: "x", app: undefined, reason: new QQError.ClientClosed({}) })
    assert.isTrue(Schema.is(Answer)(error))
    assert.isTrue(Schema.is(QQError.QQError)(error))
    assert.isFalse(Schema.is(QQError.QQError)({ ...error }))
    assert.isTrue(Schema.is(QQError.ClientClosed.annotate({ title: "closed" }))(error.reason))
    assert.isTrue(Equal.equals(json(Answer as Schema.Codec<string | QQError.QQError>, error), error))
    assert.throws(() => Schema.decodeUnknownSync(QQError.QQError)({ _tag: "QQError", endpoint: "x" }))
    const text = Schema.fromJsonString(Schema.toCodecJson(QQError.QQError))
    assert.isTrue(Equal.equals(Schema.decodeSync(text)(Schema.encodeSync(text)(error)), error))
  })

  it("gives QQ's number, where its answer had one", () => {
    const of = (reason: QQError.Reason) => new QQError.QQError({ endpoint: "x", app: undefined, reason }).code
    assert.strictEqual(of(fromCode(undefined, 40014, "")), 40014)
    assert.strictEqual(of(new QQError.QuotaReached({ wait: 1 })), undefined)
    assert.strictEqual(of(new QQError.TimedOut({ during: "answer", limit: 1 })), undefined)
  })
})
