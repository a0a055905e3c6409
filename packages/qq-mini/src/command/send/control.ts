/** `qq-mini send status` and `qq-mini send cancel` */
import { SendLedger } from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { confirm } from "../frame/ask.ts"
import { both } from "../frame/invocation.ts"
import { note, print } from "../frame/output.ts"
import { plain } from "../frame/plain.ts"
import * as Settings from "../frame/Settings.ts"
import { knownBroadcast, withStores } from "./broadcast.ts"
import { textOf } from "./report.ts"

/** The texts of this file. */
export const texts = {
  none: both("There are no broadcasts in this store.", "该存储中没有群发。"),
  unchanged: both("Nothing was changed.", "未做任何更改。")
}

// A dry run has a name like this while it runs.
const isTrial = (id: string) => id.includes("~")

/** Shows one broadcast, or all. */
export const status = Effect.fnUntraced(function* (id: Option.Option<string>) {
  const settings = yield* Settings.read
  yield* Effect.gen(function* () {
    const ids = Option.isSome(id) ? [id.value] : yield* Effect.flatMap(SendLedger, ({ list }) => list)
    const known = ids.filter((id) => !isTrial(id))
    if (known.length === 0) return yield* note(texts.none)
    for (const id of known) {
      const progress = yield* Effect.flatMap(knownBroadcast(settings, id), ({ progress }) => progress)
      yield* print({ broadcast: progress }, textOf(progress))
    }
  }).pipe(withStores(settings))
})

/** Ends a broadcast for good. */
export const cancel = Effect.fnUntraced(function* ({ id, yes }: { readonly id: string; readonly yes: boolean }) {
  const settings = yield* Settings.read
  yield* Effect.gen(function* () {
    const broadcast = yield* knownBroadcast(settings, id)
    const { done, recipients } = yield* broadcast.progress
    const question = both(
      `End the broadcast ${plain(id)} for good? ${recipients - done} recipients of those that were read get no message.`,
      `永久终止群发 ${plain(id)}？已读取的接收者中有 ${recipients - done} 个不会收到消息。`
    )
    if (!(yield* confirm(question, yes))) return yield* note(texts.unchanged)
    yield* broadcast.cancel
    const progress = yield* broadcast.progress
    yield* print({ broadcast: progress }, textOf(progress))
  }).pipe(withStores(settings))
})
