/** Layers swapped in tests: the program of `comments.ts`, unchanged, on the whole sandbox and on stubs of single calls. */
import { assert, describe, it, layer } from "@effect/vitest"
import { NotSubscribed } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import { postComment } from "./comments.ts"

const template_id = Sandbox.defaultTemplate

layer(Sandbox.layer)("comments on the sandbox", (it) => {
  it.effect("tells an author who subscribed, once", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid } = yield* sandbox.login({ user: "subscriber" })
      yield* sandbox.subscribe({ openid })
      const comment = { author: openid, text: "好看", template_id }
      assert.deepStrictEqual(yield* postComment(comment), { told: true })
      assert.deepStrictEqual(yield* postComment(comment), { told: false })
    })
  )

  it.effect("refuses a risky text, and a picture that could not be checked", () =>
    Effect.gen(function* () {
      const refused = (comment: { readonly text: string; readonly pictures?: ReadonlyArray<Uint8Array> }) =>
        Effect.flip(postComment({ author: "X", template_id, ...comment }))
      assert.deepInclude(yield* refused({ text: Sandbox.riskySamples[0]! }), { verdict: "risky" })
      const noPicture = new Uint8Array(9)
      assert.deepInclude(yield* refused({ text: "好看", pictures: [noPicture] }), { verdict: "unchecked" })
    })
  )
})

describe("comments on stubs", () => {
  it.effect("does without the message", () =>
    Effect.gen(function* () {
      const posted = yield* postComment({ author: "X", text: "好看", template_id })
      assert.deepStrictEqual(posted, { told: false })
    }).pipe(
      Effect.provide(
        QQMini.layerStub({
          "security.msgSecCheck": () => Effect.succeed({ risky: false }),
          "subscribeMessage.send": () => Effect.fail(new NotSubscribed({ code: 46001, text: "" }))
        })
      )
    )
  )
})
