/** Work in bulk with promises, on a client of createQQMini. */
import { createQQMini, isQQError } from "@qq-mini/node"
import { createBackfill } from "@qq-mini/node/NodeBackfill"
import { createBroadcast } from "@qq-mini/node/NodeBroadcast"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { first, risky, template_id } from "../support/calls.ts"

/** A sandbox, a client of it, and a store in a folder of its own. */
const setUp = async (all: AsyncDisposableStack) => {
  const sandbox = all.use(await SandboxServer.start())
  const folder = await mkdtemp(join(tmpdir(), "qq-mini-promise-"))
  all.defer(() => rm(folder, { recursive: true, force: true }))
  const qq = all.use(createQQMini({ ...first, baseUrl: sandbox.url, store: "memory" }))
  const count = (call: string) => sandbox.run(({ count }) => count(call))
  return { count, qq, sandbox, store: `sqlite:${join(folder, "bulk.sqlite")}` }
}

const usersOf = ({ run }: SandboxServer.Running, count: number) =>
  run(({ login, subscribe }) =>
    Effect.forEach(Array.from({ length: count }), (_, i) =>
      Effect.tap(
        Effect.map(login({ user: `user ${i}` }), ({ openid }) => ({ openid, keyword1: "hello" })),
        ({ openid }) => subscribe({ openid })
      )
    )
  )

const send = "subscribeMessage.send"

describe("work in bulk with promises", () => {
  it("a broadcast tells its progress, is ended by a signal and goes on", { timeout: 60_000 }, async () => {
    await using all = new AsyncDisposableStack()
    const { count, qq, sandbox, store } = await setUp(all)
    const recipients = await usersOf(sandbox, 300)
    const options = { id: "a", template_id, recipients, store, concurrency: 4, chunkSize: 50 }
    const broadcast = all.use(createBroadcast(qq, options))
    assert.deepInclude(await broadcast.dryRun(), { recipients: 300, bad: 0 })
    assert.strictEqual(await count(send), 0)

    const stop = new AbortController()
    const seen: Array<string> = []
    const stopped = broadcast.run({
      signal: stop.signal,
      onProgress: ({ sent, state }) => {
        seen.push(state)
        if (sent > 0) stop.abort(new Error("enough"))
      }
    })
    const error = await stopped.then(
      () => undefined,
      (error: unknown) => error
    )
    const { new: left, sending, sent, unknown } = await broadcast.progress()
    assert.deepStrictEqual([left + sent, sending, unknown], [300, 0, 0])
    // On a fast machine everything may be sent before the first second has passed.
    if (left > 0) assert.strictEqual((error as Error).message, "enough")
    assert.isNotEmpty(seen)

    const again = all.use(createBroadcast(qq, options))
    const states: Array<string> = []
    const watching = (async () => {
      for await (const { state } of again.changes(50)) states.push(state)
    })()
    assert.deepInclude(await again.run(), { state: "finished", sent: 300 })
    await watching
    assert.strictEqual(states.at(-1), "finished")
    assert.strictEqual(await count(send), 300)
  })

  it("wrong options, another client and a closed broadcast reject with QQError", async () => {
    await using all = new AsyncDisposableStack()
    const { qq, store } = await setUp(all)
    const rejected = async (promise: Promise<unknown>, ...words: ReadonlyArray<string>) => {
      const error = await promise.then(
        () => assert.fail("it was not rejected"),
        (error: unknown) => error
      )
      assert.isTrue(isQQError(error), String(error))
      for (const word of words) assert.include(String(error), word)
    }
    await rejected(createBroadcast(qq, { id: "a", recipient: [], store } as never).run(), "recipient", "recipients")
    await rejected(createBroadcast({} as never, { id: "a", store }).run(), "createQQMini")
    await rejected(createBroadcast(qq, { id: "a", store: "mysql://x" }).run(), "store", "sqlite:/path/to/file")
    await rejected(
      createBroadcast(qq, { id: "a", store: "sqlite:/proc/none/bulk.sqlite" }).progress(),
      "store",
      "/proc"
    )
    await rejected(createBroadcast(qq, { id: "a", store }).run(), "id", "not known")
    await rejected(createBackfill(qq, { id: "a", store } as never).run(), "items")
    const [broadcastOf, backfillOf] = [createBroadcast, createBackfill] as unknown as ReadonlyArray<
      (client: unknown) => { readonly run: (options?: object) => Promise<unknown> }
    >
    await rejected(broadcastOf!(qq).run(), "id")
    await rejected(backfillOf!(qq).run(), "id")
    const step = createBroadcast(qq, { id: "a", store }).step as unknown as () => Promise<unknown>
    await rejected(step(), "budget")
    await rejected(createBroadcast(qq, { id: "a", store }).run({ signal: {} as never }), "AbortSignal")
  })

  it("a backfill checks what was not checked before", { timeout: 60_000 }, async () => {
    await using all = new AsyncDisposableStack()
    const { count, qq, store } = await setUp(all)
    const items = Array.from({ length: 200 }, (_, i) => (i % 50 === 7 ? risky : `text ${i % 100}`))
    const hidden: Array<string> = []
    const backfill = (id: string) =>
      all.use(
        createBackfill(qq, {
          id,
          items,
          content: (text: string) => ({ text }),
          onVerdict: (text, { verdict }) => {
            if (verdict === "risky") hidden.push(text)
          },
          store
        })
      )
    assert.deepInclude(await backfill("first").run(), { passed: 196, risky: 4, failed: 0 })
    // Equal texts are checked once.
    assert.strictEqual(await count("security.msgSecCheck"), 99)
    assert.deepInclude(await backfill("second").run(), { passed: 196, risky: 4, failed: 0 })
    assert.strictEqual(await count("security.msgSecCheck"), 99)
    assert.deepStrictEqual(
      hidden,
      Array.from({ length: 8 }, () => risky)
    )
  })
})
