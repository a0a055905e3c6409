/** Whole posts: what each part of one is found to be, in which time, and with which places of QQ's quota. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as Content from "@qq-mini/core/Content"
import { InvalidInput } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createQQMini } from "@qq-mini/node"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { Readable } from "node:stream"
import { answering } from "./support/answering.ts"
import { first, image, png, risky, second } from "./support/calls.ts"
import { withLimits } from "./support/limits.ts"

const passed = { verdict: "passed" } as const
const skipped = { verdict: "skipped", because: "risky" } as const
/** The verdicts by name; of one that failed, why. */
const short = ({ images, texts }: Content.Report) =>
  [...texts, ...images].map((one) => (one.verdict === "failed" ? one.error.reason._tag : one.verdict))

/** A client whose text check is this function, and whose image check passes. */
const stub = (text: (content: string) => Effect.Effect<Security.Verdict>) =>
  QQMini.layerStub({
    "security.msgSecCheck": ({ content }) => text(content),
    "security.imgSecCheck": () => Effect.succeed({ risky: false })
  })
const good = stub(() => Effect.succeed({ risky: false }))

const post = { texts: ["a title", "a text"], images: [image] }

describe("C1: each part fails closed", () => {
  const unreadable = "UnreadableAnswer"
  const rows: ReadonlyArray<readonly [answer: string, each: string, whole: Content.Report["verdict"]]> = [
    ['{"errCode":0,"errMsg":"ok"}', "passed", "passed"],
    ['{"errCode":87014,"errMsg":"risky content"}', "risky", "risky"],
    ["", unreadable, "unchecked"],
    ["{}", unreadable, "unchecked"],
    ['{"errcode":0}', unreadable, "unchecked"],
    ["<html></html>", unreadable, "unchecked"],
    ['{"errCode":-987654}', "Rejected", "unchecked"],
    ['{"errCode":45009}', "QuotaReached", "unchecked"]
  ]
  it.live.each(rows)("C1: %s", ([body, each, whole]) =>
    Effect.gen(function* () {
      const report = yield* Content.check(post, { attempts: 1 })
      assert.deepStrictEqual(short(report), [each, each, each])
      assert.deepInclude(report, { passed: whole === "passed", verdict: whole })
    }).pipe(Effect.provide(answering(body)))
  )

  it.effect("C1: an outage of one call leaves the others' verdicts, and the post does not pass", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "resetBefore", endpoint: "security.imgSecCheck", times: 9 })
      const report = yield* Content.check(post, { attempts: 1 })
      assert.deepStrictEqual(short(report), ["passed", "passed", "ConnectionFailed"])
      assert.deepInclude(report, { passed: false, verdict: "unchecked" })
      const [failed] = JSON.parse(JSON.stringify(report)).images
      assert.match(failed.error.message, /security\.imgSecCheck.*The connection to QQ failed/)
      assert.strictEqual(failed.error.reason._tag, "ConnectionFailed")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("C1: an empty verdict of a stub is no pass", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* Content.check({ texts: ["x"] })).passed)
    }).pipe(Effect.provide(stub(() => Effect.succeed({} as Security.Verdict))))
  )
})

layer(Sandbox.layer)("the parts of a post", (it) => {
  it.effect("equal ones are checked once, and keep their places", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const bad = png(9, 9)
      yield* sandbox.markRisky(bad)
      const blob = new Blob([bad.slice()])
      const images = [image, bad, Buffer.from(image).toString("base64"), blob, Readable.from([Buffer.from(image)])]
      const report = yield* Content.check({ texts: [risky, "x", risky], images })
      const riskyText = { verdict: "risky", start: 0, end: risky.length } as const
      assert.deepStrictEqual(report, {
        passed: false,
        verdict: "risky",
        texts: [riskyText, passed, riskyText],
        images: [passed, { verdict: "risky" }, passed, { verdict: "risky" }, passed]
      })
      assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 2)
      assert.strictEqual(yield* sandbox.count("security.imgSecCheck"), 2)
      yield* sandbox.clearLog
    })
  )

  it.effect("a phrase on the cut of a long text is found", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const half = risky.length / 2
      // The first piece ends within the phrase.
      const text = "x".repeat(2_500 - half) + risky + "x".repeat(4_000)
      const { texts } = yield* Content.check({ texts: [text, "y".repeat(2_500)] }, { pieceLength: 2_500 })
      assert.deepStrictEqual(texts, [{ verdict: "risky", start: 2_200, end: 4_700 }, passed])
      const whole = yield* Content.check({ texts: ["中".repeat(400_000) + risky] })
      assert.include(whole.texts[0], { verdict: "risky", end: 400_000 + risky.length })
      yield* sandbox.clearLog
    })
  )

  it.effect("of another program, and with a token of one's own", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* App.use(Content.check({ texts: ["x"] }), second.appid)
      const access_token = yield* sandbox.stealToken(second.appid)
      yield* Content.check({ texts: ["y"], access_token, appid: second.appid })
      const log = (yield* sandbox.log).filter(({ endpoint }) => endpoint === "security.msgSecCheck")
      assert.deepStrictEqual(
        log.map(({ appid }) => appid),
        [second.appid, second.appid]
      )
      yield* sandbox.clearLog
    })
  )
})

describe("in time and in turn", () => {
  it.effect("stopAtFirst: a risky part interrupts those on their way, and skips the rest", () =>
    Effect.gen(function* () {
      const began: Array<string> = []
      let interrupted = 0
      const client = stub((content) => {
        began.push(content)
        if (content === "bad") return Effect.succeed({ risky: true })
        if (content === "good") return Effect.succeed({ risky: false })
        return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      })
      const texts = ["good", "endless", "bad", "later", "endless"]
      const report = yield* Effect.provide(
        Content.check({ texts, images: [image] }, { stopAtFirst: true, concurrency: 2 }),
        client
      )
      assert.deepStrictEqual(report, {
        passed: false,
        verdict: "risky",
        texts: [passed, skipped, { verdict: "risky", start: 0, end: 3 }, skipped, skipped],
        images: [skipped]
      })
      assert.deepStrictEqual([began, interrupted], [["good", "endless", "bad"], 1])
    })
  )

  it.effect("D3: one deadline for all: what is on its way fails, what is not begun is skipped", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", delay: "4 seconds", endpoint: "security.msgSecCheck", times: 99 })
      const began = yield* Clock.currentTimeMillis
      const texts = Array.from({ length: 8 }, (_, i) => `text ${i}`)
      const check = Effect.map(Content.check({ texts }, { concurrency: 2, deadline: "10 seconds" }), short)
      const running = yield* Effect.forkChild(
        Effect.flatMap(check, (report) => Effect.map(Clock.currentTimeMillis, (now) => [now - began, report]))
      )
      yield* TestClock.adjust("1 minute")
      const late = ["TimedOut", "TimedOut", "skipped", "skipped"]
      assert.deepStrictEqual(yield* Fiber.join(running), [10_000, [...Array(4).fill("passed"), ...late]])
      assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 6)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("D3: a picture that is never read, and a preparer that does not end", () =>
    Effect.gen(function* () {
      const endless = { texts: ["x"], images: [new ReadableStream<Uint8Array>()] }
      const reading = yield* Effect.forkChild(Effect.flip(Content.check(endless)))
      yield* TestClock.adjust("15 seconds")
      const error = yield* Fiber.join(reading)
      assert.strictEqual(error.endpoint, "content.check")
      assert.deepInclude(error.reason, { _tag: "TimedOut", during: "media", limit: 15_000 })
      const preparing = yield* Effect.forkChild(Content.check(post, { prepare: () => new Promise(() => {}) }))
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(short(yield* Fiber.join(preparing)), ["passed", "passed", "TimedOut"])
    }).pipe(Effect.provide(good))
  )

  it.effect("a call that is made during a large post waits for a few of its places, not for all", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const sent = sandbox.count("security.msgSecCheck")
      const patient = { deadline: "1 day" } as const
      const texts = Array.from({ length: 50 }, (_, i) => `text ${i}`)
      const whole = yield* Effect.forkChild(Content.check({ texts }, patient))
      // It has used the minute, and waits.
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* sent, 5)
      const single = yield* Effect.forkChild(Effect.andThen(Security.msgSecCheck({ content: "single" }, patient), sent))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* Fiber.join(single), 5 + 4 + 1)
      assert.isTrue((yield* Fiber.join(whole)).passed)
      assert.strictEqual(yield* sent, 51)
    }).pipe(
      Effect.provide(
        QQMini.layerStores.pipe(
          Layer.provide(TokenCache.layerMemory),
          Layer.provide(
            Layer.effect(
              Quota.Quota,
              Effect.map(Quota.makeMemory, (quota) => withLimits(quota, () => [Quota.perMinute(5)]))
            )
          ),
          Layer.provideMerge(Layer.mergeAll(Sandbox.layerTransport, Sandbox.layerApps)),
          Layer.provideMerge(Sandbox.layerPlatform())
        )
      )
    )
  )

  it.live("at most `concurrency` requests at once, with the pieces of texts and the parts of pictures", () =>
    Effect.gen(function* () {
      let [now, most, all] = [0, 0, 0]
      const busy = Effect.gen(function* () {
        most = Math.max(most, ++now)
        all++
        for (let i = 0; i < 9; i++) yield* Effect.yieldNow
        now--
        return { risky: false }
      })
      const client = QQMini.layerStub({ "security.msgSecCheck": () => busy, "security.imgSecCheck": () => busy })
      const parts = Array.from({ length: 12 }, (_, i) => png(i + 1, 1))
      const report = yield* Content.check(
        { texts: ["x".repeat(1_000), "y"], images: [image, png(2, 2)] },
        { concurrency: 3, pieceLength: 100, overlap: 0, prepare: () => parts }
      ).pipe(Effect.provide(client))
      assert.isTrue(report.passed)
      assert.deepStrictEqual([most, all], [3, 10 + 1 + 2 * 12])
    })
  )
})

describe("pictures", () => {
  const photo = png(2_000, 1_500)
  const check = (images: ReadonlyArray<Uint8Array>, prepare?: Content.Options["prepare"]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.markRisky(png(3, 3))
      const report = yield* Content.check({ images }, { prepare })
      const verdicts = report.images.map((one) => (one.verdict === "failed" ? one.error.help.en : one))
      return [verdicts, yield* sandbox.count("security.imgSecCheck")] as const
    }).pipe(Effect.provide(Sandbox.layer))
  const sharpIsMissing = () => {
    throw new InvalidInput({ field: "prepare", problem: { en: "needs sharp", zh: "需要 sharp" } })
  }

  it.effect("without a preparer: as they are, if QQ takes them", () =>
    Effect.gen(function* () {
      const missing = "prepare: needs a preparer: on Node npm install sharp"
      const [[one, other], sent] = yield* check([image, photo])
      assert.deepStrictEqual([one, String(other).slice(0, missing.length), sent], [passed, missing, 1])
      assert.deepStrictEqual(yield* check([image, photo], sharpIsMissing), [
        [passed, "prepare: needs sharp. Nothing was sent."],
        1
      ])
      const [[, unprepared]] = yield* check([image, photo], false)
      assert.match(String(unprepared), /^media: is 2000 × 1500 pixels/)
    })
  )

  it.effect("with one: by their parts, and what it can't prepare is not sent", () =>
    Effect.gen(function* () {
      const prepare: Content.Options["prepare"] = (picture) => {
        if (picture.length === image.length) {
          throw new InvalidInput({ field: "media", problem: { en: "is cut off", zh: "不完整" } })
        }
        return [
          { bytes: png(2, 2), frame: 0 },
          { bytes: png(3, 3), frame: 7 }
        ]
      }
      assert.deepStrictEqual(yield* check([image, photo], prepare), [
        ["media: is cut off. Nothing was sent.", { verdict: "risky", frame: 7 }],
        2
      ])
      const broken = () => {
        throw new TypeError("secret")
      }
      assert.deepStrictEqual(yield* check([image], broken), [
        ["prepare: the function failed (TypeError). Nothing was sent."],
        0
      ])
    })
  )
})

describe("I1: posts that can't be checked", () => {
  const refused = (post: unknown, options?: unknown) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Content.check(post as Content.Post, options as Content.Options))
      assert.strictEqual(error.endpoint, "content.check")
      assert.match(error.help.zh, /[一-鿿]/)
      return error.reason._tag === "InvalidInput" ? error.reason.problems.map(({ field }) => field) : [error.message]
    }).pipe(Effect.provide(QQMini.layerStub({})))

  it.effect("all problems come at once, and nothing is sent", () =>
    Effect.gen(function* () {
      const images = [image, { path: "x" }, undefined, new Uint8Array(0)]
      const options = { concurrency: 0, stopAtFirst: 1, prepare: "yes", pieceLength: 99, deadline: -1, retries: 2 }
      const fields = yield* refused({ texts: ["x", 5, ""], images, appid: 5 }, options)
      assert.deepStrictEqual(fields, [
        "texts[1]",
        "texts[2]",
        "images[1]",
        "images[2]",
        "images[3]",
        "appid",
        "options.retries",
        "options.deadline",
        "options.concurrency",
        "options.stopAtFirst",
        "options.prepare",
        "options.pieceLength"
      ])
      assert.deepStrictEqual(yield* refused({ texts: ["x"] }, { pieceLength: 100, overlap: 51 }), ["options.overlap"])
      const broken = [new Blob([]), Readable.from(["text"])]
      assert.deepStrictEqual(yield* refused({ images: broken }), ["images[0]", "images[1]"])
    })
  )

  it.effect("an empty one, one of another kind, and one with other names", () =>
    Effect.gen(function* () {
      for (const empty of [{}, { texts: [] }, { images: [], texts: undefined }]) {
        assert.deepStrictEqual(yield* refused(empty), ["texts"])
      }
      for (const odd of [null, "x", 5, [], Symbol("s"), () => 1]) yield* refused(odd)
      for (const odd of [null, "x", 5, Symbol("s"), 10n]) {
        assert.deepStrictEqual(yield* refused({ texts: odd, images: odd }), ["texts", "images"])
        yield* refused({ texts: ["x"] }, { pieceLength: odd, overlap: odd, concurrency: odd, prepare: odd })
      }
      for (const [name, right] of Object.entries({
        text: "texts",
        content: "texts",
        image: "images",
        media: "images"
      })) {
        const { help } = yield* Effect.flip(Effect.provide(Content.check({ [name]: ["x"] } as {}), good))
        assert.include(help.en, `write ${right}`)
      }
      const { help } = yield* Effect.flip(Effect.provide(Content.check(post, { stopatfirst: true } as {}), good))
      assert.include(help.en, "options.stopatfirst: is not an option of a call: write stopAtFirst")
    })
  )
})

describe("for promises", () => {
  const riskyPicture = png(3, 3)
  it("qq.content.check: a report, another program, a signal, and errors", async () => {
    await using sandbox = await SandboxServer.start()
    await using qq = createQQMini({ ...first, apps: [second], baseUrl: sandbox.url, store: "memory" })
    const report: Content.Report = await qq.content.check({ texts: [risky, "x"], images: [image] }, { concurrency: 2 })
    assert.deepStrictEqual(short(report), ["risky", "passed", "passed"])
    assert.isTrue((await qq.app(second.appid).content.check(post)).passed)
    const log = await sandbox.run(({ log }) => log)
    assert.strictEqual(log.at(-1)?.appid, second.appid)

    await sandbox.run(({ fault }) => fault({ kind: "empty", endpoint: "security.imgSecCheck", times: 9 }))
    const outage = await qq.content.check(post, { attempts: 1 })
    assert.strictEqual(JSON.parse(JSON.stringify(outage)).images[0].error.reason._tag, "UnreadableAnswer")

    await sandbox.run(({ heal }) => heal)
    await using wrapped = createQQMini({
      ...first,
      baseUrl: sandbox.url,
      store: "memory",
      imagePreparer: () => ({ bytes: riskyPicture, frame: 3 }),
      transformClient: ({ call, remaining }) => ({ call, remaining })
    })
    await sandbox.run(({ markRisky }) => markRisky(riskyPicture))
    assert.deepStrictEqual((await wrapped.content.check(post)).images, [{ verdict: "risky", frame: 3 }])

    await sandbox.run(({ fault }) => fault({ kind: "slowHeaders", delay: "1 hour", times: 9 }))
    const why = new Error("gone")
    const aborted = qq.content.check(post, { signal: AbortSignal.abort(why) })
    assert.strictEqual(await aborted.catch((error) => error), why)
    const controller = new AbortController()
    const later = qq.content.check(post, { signal: controller.signal }).catch((error) => error)
    controller.abort(why)
    assert.strictEqual(await later, why)
    const wrong = await qq.content.check({ texts: "x" } as never, { signal: 5 } as never).catch((error) => error)
    assert.match(wrong.message, /^content\.check: InvalidInput: options\.signal: must be an AbortSignal/)
  })
})
