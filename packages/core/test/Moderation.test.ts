import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as Moderation from "@qq-mini/core/Moderation"
import * as QQError from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as Transport from "@qq-mini/core/Transport"
import * as VerdictStore from "@qq-mini/core/VerdictStore"
import * as Clock from "effect/Clock"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { createHash } from "node:crypto"

type Answer = (content: string, tries: number) => Effect.Effect<Security.Verdict, QQError.Reason>

const passed = Effect.succeed({ risky: false })

/** QQ, which answers as the test wants it and remembers every check. What contains `bad` is risky. */
const fakeQQ = (
  answer: Answer = (content) => Effect.delay(Effect.succeed({ risky: content.includes("bad") }), 100)
) => {
  const asked: Array<string> = []
  const ask = (content: string) =>
    Effect.suspend(() => {
      asked.push(content)
      return answer(content, asked.filter((one) => one === content).length)
    })
  const layer = QQMini.layerStub({
    "security.msgSecCheck": ({ content }) => ask(content),
    "security.imgSecCheck": ({ media }) => ask(`image of ${(media as Uint8Array).length} bytes`)
  })
  return { asked, layer }
}

/** Runs with the clock of the test, which goes on until the effect has ended. */
const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, step = 500) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) {
      yield* TestClock.adjust(step)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return yield* Fiber.join(fiber)
  })

/** A GIF of 1 × 1 pixels, with a comment that tells it from others. */
const gif = (comment: string) =>
  Uint8Array.from(
    `GIF89a\x01\0\x01\0\0\0\0\x21\xfe${String.fromCharCode(comment.length)}${comment}\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b`,
    (letter) => letter.charCodeAt(0)
  )

// The digests of the platform come from another thread, for which the clock of the test does not wait.
const digests = Layer.succeed(WebCrypto, {
  subtle: {
    digest: (_: string, bytes: Uint8Array) => Promise.resolve(createHash("sha256").update(bytes).digest())
  }
} as never)

const texts = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}${i % 10 === 0 ? " bad" : ""}`)
const content = (text: string) => ({ text })
const answered = (code: number) => ({ code, text: "" })
const counts = ({ checked, failed, passed, reused, risky }: Moderation.Counts) => ({
  checked,
  failed,
  passed,
  reused,
  risky
})

describe("Moderation.backfill", () => {
  it.effect("checks each content once, and tells the verdict on every item", () => {
    const qq = fakeQQ()
    const items: ReadonlyArray<Moderation.Content> = [
      ...texts(250).map(content),
      ...texts(30).map(content),
      { image: gif("a") },
      { image: new Blob([gif("a")]) },
      { image: gif("other") },
      // The same bytes as a text are another content.
      { text: new TextDecoder().decode(gif("a")) }
    ]
    return Effect.gen(function* () {
      const told: Array<readonly [item: Moderation.Content, verdict: Moderation.Verdict]> = []
      const options = {
        items,
        content: (item: Moderation.Content) => Promise.resolve(item),
        onVerdict: (item: Moderation.Content, verdict: Moderation.Verdict) =>
          Effect.sync(() => told.push([item, verdict]))
      }
      const backfill = yield* Moderation.backfill({ ...options, id: "a" })
      const result = yield* inTime(backfill.run)
      assert.deepInclude(result, { state: "finished", read: 284, done: 284, total: 284, failures: [] })
      assert.deepStrictEqual(counts(result), { checked: 253, reused: 31, passed: 256, risky: 28, failed: 0 })
      assert.strictEqual(qq.asked.length, 253)
      assert.strictEqual(told.length, 284)
      for (const [item, { key, line, verdict }] of told) {
        assert.strictEqual(items[line - 1], item)
        assert.strictEqual(key, String(line))
        assert.strictEqual(verdict, item.text?.includes("bad") ? "risky" : "passed")
      }
      // Run again, nothing is left to do; under another name, the verdicts are kept.
      assert.deepStrictEqual(counts(yield* inTime(backfill.run)), counts(result))
      assert.strictEqual(told.length, 284)
      const again = yield* inTime((yield* Moderation.backfill({ ...options, id: "b" })).run)
      assert.deepStrictEqual(counts(again), { checked: 0, reused: 284, passed: 256, risky: 28, failed: 0 })
      assert.strictEqual(told.length, 568)
      assert.strictEqual(qq.asked.length, 253)
      yield* TestClock.adjust("31 days")
      assert.strictEqual((yield* inTime(backfill.run)).checked, 253)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, qq.layer]))
  })

  it.effect("C1: is not finished because an iterator has no more items", () =>
    Effect.gen(function* () {
      const items = texts(300).values()
      const backfill = yield* Moderation.backfill({ id: "once", items, content })
      yield* inTime(backfill.step({ budget: 1_000 }))
      const error = yield* Effect.flip(inTime(backfill.run))
      assert.include(error.message, "read only once")
      assert.deepInclude(yield* backfill.progress, { state: "stopped", total: undefined })
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, fakeQQ().layer]))
  )

  it.effect("C1: what can't be read or checked is failed, with its name and its reason", () => {
    const qq = fakeQQ((content, tries) => {
      if (content === "once" && tries === 1) return Effect.fail(new QQError.SystemBusy(answered(-1)))
      if (content === "never") return Effect.fail(new QQError.ConnectionFailed({ problem: "ECONNRESET" }))
      if (content === "refused") return Effect.fail(new QQError.Rejected(answered(-13010)))
      return content === "odd"
        ? Effect.fail(new QQError.UnreadableAnswer({ found: "empty", status: 200, size: 0 }))
        : passed
    })
    let reads = 0
    const contents: Record<string, () => unknown> = {
      once: () => ({ text: "once" }),
      "read at the second time": () =>
        reads++ === 0 ? Promise.reject(new Error("secret")) : Promise.resolve({ text: "read" }),
      long: () => ({ text: "中".repeat(200_000) }),
      never: () => ({ text: "never" }),
      refused: () => ({ text: "refused" }),
      odd: () => ({ text: "odd" }),
      throws: () => {
        throw new TypeError("secret")
      },
      dies: () => Effect.die("secret"),
      hangs: () => Effect.never,
      nothing: () => undefined,
      empty: () => ({ text: "" }),
      both: () => ({ text: "secret", image: gif("secret") }),
      "not an image": () => ({ image: "https://secret" })
    }
    return Effect.gen(function* () {
      const verdicts = new Map<string, string>()
      const broken = new Moderation.Row<string>({ line: 99, problem: { en: "is broken", zh: "已损坏" } })
      const backfill = yield* Moderation.backfill({
        id: "a",
        items: [...Object.keys(contents), broken],
        content: (name) => contents[name]!() as Moderation.Content,
        key: (name) => name,
        onVerdict: (name, { verdict }) => verdicts.set(name, verdict)
      })
      const result = yield* inTime(backfill.run, 5_000)
      assert.strictEqual(result.state, "finished")
      for (const [name, verdict] of verdicts) {
        assert.strictEqual(verdict, /^(once|read|long)/.test(name) ? "passed" : "failed", name)
      }
      assert.strictEqual(verdicts.size, 13)
      assert.strictEqual(qq.asked.filter((text) => text.startsWith("中")).length, 2)
      assert.deepStrictEqual(counts(result), { checked: 3, reused: 0, passed: 3, risky: 0, failed: 11 })
      const problems = new Map(result.failures.map(({ key, problem }) => [key, problem]))
      const reasons: Record<string, RegExp> = {
        never: /ConnectionFailed.*ECONNRESET/,
        refused: /Rejected/,
        throws: /content failed \(TypeError\).*执行失败/,
        dies: /content failed/,
        hangs: /TimedOut/,
        nothing: /must return .*必须返回/s,
        "not an image": /content\.image/,
        99: /is broken.*已损坏/s
      }
      for (const [key, reason] of Object.entries(reasons)) assert.match(problems.get(key)!, reason)
      assert.notInclude(JSON.stringify(result), "secret")
      // A failure is not kept.
      const again = yield* Moderation.backfill({ id: "b", items: ["refused"], content })
      assert.deepInclude(yield* inTime(again.run), { failed: 1, reused: 0 })
      assert.strictEqual(qq.asked.filter((text) => text === "refused").length, 2)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, qq.layer]))
  })

  it.effect("C1: a kept value that is no verdict is none, and is replaced", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      const store = yield* VerdictStore.VerdictStore
      const key = `text:${createHash("sha256").update("bad").digest("hex")}`
      yield* store.put(key, { value: "pass", ttl: 60_000 })
      const backfill = yield* Moderation.backfill({ id: "a", items: ["bad"], content })
      assert.deepInclude(yield* inTime(backfill.run), { checked: 1, risky: 1 })
      assert.strictEqual(yield* store.get(key), "risky")
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, qq.layer]))
  })

  it.effect("ends at once when no check would succeed, and when a report fails", () => {
    const qq = fakeQQ((text) =>
      text === "text 30 bad" ? Effect.fail(new QQError.WrongSecret(answered(40001))) : Effect.delay(passed, 100)
    )
    return Effect.gen(function* () {
      const told = new Set<string>()
      const options = { id: "a", content, concurrency: 4 }
      const backfill = yield* Moderation.backfill({ ...options, items: texts(300) })
      const failed = yield* Effect.flip(inTime(backfill.run))
      assert.strictEqual(failed._tag === "QQError" ? failed.reason._tag : failed._tag, "WrongSecret")
      assert.isBelow(qq.asked.length, 40)
      const mute = yield* Moderation.backfill({
        ...options,
        items: texts(30),
        onVerdict: () => Promise.reject(new RangeError("secret"))
      })
      const unheard = yield* Effect.flip(inTime(mute.run))
      assert.match(unheard.message, /onVerdict failed \(RangeError\)/)
      // Nothing that was not told counts as done.
      const next = yield* Moderation.backfill({ ...options, items: texts(30), onVerdict: (item) => told.add(item) })
      assert.strictEqual((yield* inTime(next.run)).done, 30)
      assert.strictEqual(told.size, 30)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, qq.layer]))
  })

  it.effect("is shared by several processes, and goes on where one of them ended", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      const store = yield* VerdictStore.VerdictStore
      // A process that died in the middle of the second part.
      yield* store.claim("backfill:a:1:claim", { owner: "dead", ttl: 30_000 })
      const told: Array<string> = []
      const half = texts(400)
      const make = Moderation.backfill({
        id: "a",
        items: [...half, ...half.toReversed()],
        content,
        onVerdict: (item) => told.push(item)
      })
      const processes = [yield* make, yield* make, yield* make]
      const results = yield* inTime(
        Effect.all(
          processes.map(({ run }) => run),
          { concurrency: "unbounded" }
        )
      )
      for (const result of results) {
        assert.deepInclude(result, { state: "finished", done: 800, checked: 400, reused: 400 })
      }
      assert.strictEqual(qq.asked.length, 400)
      assert.strictEqual(told.length, 800)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, qq.layer]))
  })

  it.effect("works in steps, waits while it is paused, and goes on with new items", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      const make = (count: number) =>
        Moderation.backfill({
          id: "a",
          items: (skip: number) => Stream.fromIterable(texts(count).slice(skip)),
          content,
          concurrency: 10
        })
      const first = yield* make(2_000)
      const step = yield* inTime(first.step({ budget: "10 seconds" }), 100)
      assert.strictEqual(step.state, "stopped")
      assert.isAtLeast(step.done, 500)
      assert.isBelow(step.done, 1_000)
      // Another process reads on, and each content is checked once.
      const second = yield* make(2_000)
      const running = yield* Effect.forkChild(second.run)
      yield* inTime(Effect.sleep("2 seconds"), 100)
      yield* second.pause
      yield* inTime(Effect.sleep("1 second"), 100)
      const paused = yield* second.progress
      assert.strictEqual(paused.state, "paused")
      yield* inTime(Effect.sleep("1 minute"))
      assert.strictEqual((yield* second.progress).done, paused.done)
      yield* second.resume
      const seen = yield* inTime(Stream.runCollect(second.changes()), 100)
      assert.strictEqual((yield* Fiber.join(running)).state, "finished")
      assert.isTrue(seen.some(({ rate, state }) => state === "running" && rate! > 50 && rate! < 150))
      assert.strictEqual(qq.asked.length, 2_000)
      assert.deepInclude(yield* inTime((yield* make(2_050)).run), { done: 2_050, total: 2_050 })
      assert.strictEqual(qq.asked.length, 2_050)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, qq.layer]))
  })

  it.effect("live checks come first: they never wait, and the backfill uses what is left", () => {
    const latency = 100
    const begun: Array<{ readonly at: number; readonly isLive: boolean }> = []
    const encode = (answer: object) => ({
      status: 200,
      retryAfter: null,
      bytes: new TextEncoder().encode(JSON.stringify(answer))
    })
    const transport = Layer.succeed(
      Transport.Transport,
      Transport.Transport.of({
        send: ({ body, path }) =>
          path.includes("getToken")
            ? Effect.succeed(encode({ access_token: "TOKEN", expires_in: 7_200 }))
            : Effect.flatMap(Clock.currentTimeMillis, (at) => {
                begun.push({ at, isLive: String(body).includes("live") })
                return Effect.delay(Effect.succeed(encode({ errCode: 0, errMsg: "ok" })), latency)
              })
      })
    )
    const client = QQMini.layer.pipe(
      Layer.provide(Layer.merge(transport, App.layer({ appid: "1112345678", appsecret: "SECRET" })))
    )
    return Effect.gen(function* () {
      const waits: Array<number> = []
      const live = Effect.gen(function* () {
        const before = yield* Clock.currentTimeMillis
        yield* Security.msgSecCheck({ content: "live" })
        waits.push((yield* Clock.currentTimeMillis) - before - latency)
      })
      yield* inTime(Security.msgSecCheck({ content: "live, with the first token" }), latency)
      // 600 a minute, and 200 more in bursts of 40.
      const steady = Effect.forever(Effect.andThen(Effect.forkChild(live), Effect.sleep(100)))
      const bursts = Effect.forever(
        Effect.andThen(
          Effect.sleep("12 seconds"),
          Effect.forEach(Array.from({ length: 40 }), () => Effect.forkChild(live))
        )
      )
      const background = yield* Effect.forkChild(Effect.all([steady, bursts], { concurrency: 2 }))
      const backfill = yield* Moderation.backfill({ id: "a", items: texts(7_200), content, concurrency: 20 })
      const result = yield* inTime(backfill.run, latency)
      yield* Fiber.interrupt(background)
      assert.deepInclude(result, { state: "finished", checked: 7_200 })
      assert.isAbove(waits.length, 1_500)
      assert.strictEqual(Math.max(...waits), 0)

      const times = begun.map(({ at }) => at)
      let most = 0
      for (let from = 0, to = 0; from < times.length; from++) {
        while (to < times.length && times[to]! < times[from]! + 60_000) to++
        most = Math.max(most, to - from)
      }
      assert.isAtMost(most, 4_000)
      // Of 4,000 a minute, 800 are left alone, and 800 are used by live checks. The first minute is not full.
      const own = begun.filter(({ isLive }) => !isLive).map(({ at }) => at)
      const minutes = Math.floor((own.at(-1)! - own[0]!) / 60_000) - 1
      const rate = own.filter((at) => at > own[0]! + 60_000 && at <= own[0]! + (minutes + 1) * 60_000).length / minutes
      assert.isAtLeast(minutes, 1)
      assert.isAtLeast(rate, 0.95 * 2_400)
      assert.isAtMost(rate, 1.05 * 2_400)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, client]))
  })

  it.effect("leaves a part of the day's limit too", () => {
    const qq = fakeQQ()
    let left = 400_000
    const nearItsEnd = Layer.effect(
      QQMini.QQMini,
      Effect.map(QQMini.QQMini, (client) => ({
        ...client,
        remaining: ({ quota = [] }) => Effect.succeed(quota.some(({ window }) => window === "day") ? left : 4_000)
      }))
    ).pipe(Layer.provide(qq.layer))
    return Effect.gen(function* () {
      const backfill = yield* Moderation.backfill({ id: "a", items: texts(10), content })
      const running = yield* Effect.forkChild(backfill.run)
      yield* inTime(Effect.sleep("1 hour"), 10_000)
      assert.strictEqual(qq.asked.length, 0)
      left = 400_001
      yield* inTime(Fiber.join(running))
      assert.strictEqual(qq.asked.length, 10)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, nearItsEnd]))
  })

  it.effect("I1: names every wrong option", () =>
    Effect.gen(function* () {
      const wrong = { id: "a b", items: 1, content: {}, leaveForLive: 1, keepFor: -1, contentOf: true }
      const made = yield* Effect.result(Moderation.backfill(wrong as never))
      assert.isTrue(Result.isFailure(made))
      const message = Result.isFailure(made) ? made.failure.message : ""
      for (const name of Object.keys(wrong)) assert.include(message, name)
    }).pipe(Effect.provide([digests, VerdictStore.layerMemory, fakeQQ().layer]))
  )
})
