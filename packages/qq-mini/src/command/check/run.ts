/** What `qq-mini check` does. */
import * as Moderation from "@qq-mini/core/Moderation"
import * as VerdictStore from "@qq-mini/core/VerdictStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { withClient } from "../frame/client.ts"
import { endWith, wrongUsage } from "../frame/exit.ts"
import { both, isJson, say } from "../frame/invocation.ts"
import { note, print, style } from "../frame/output.ts"
import { count, gracefully, withProgress } from "../frame/progress.ts"
import * as Settings from "../frame/Settings.ts"
import { isInMemory, layerStores, withCountingClient } from "../frame/stores.ts"
import { isEncoding } from "./decode.ts"
import { findFiles, type Kind } from "./files.ts"
import { eachLine, type Item, wholeFiles } from "./items.ts"
import { jsonOf, lineOf, Tally } from "./report.ts"

/** The texts of this file. */
export const texts = {
  stopping: both("Ending the checks on their way …", "正在结束进行中的检测……"),
  goesOn: both(
    "Interrupted. The same command goes on: what was checked is not checked again.",
    "已中断。重复同一命令即可继续，已检测的内容不会重复检测。"
  ),
  beginsAgain: both(
    "Interrupted. With --store memory the same command begins again.",
    "已中断。由于使用了 --store memory，重复该命令会从头开始。"
  ),
  nothing: both("There is nothing to check: no line has a text.", "没有可检测的内容：所有行均为空。"),
  encoding: both("--encoding names no known encoding.", "--encoding 不是已知的编码。")
}

// A table of so many is read at once. Of more, the passed ones are only counted.
const fewItems = 20

interface Row {
  readonly order: number
  readonly text: string
}

/** Runs the command. */
export const run = Effect.fnUntraced(function* (input: {
  readonly kind: Kind
  readonly files: ReadonlyArray<string>
  readonly all: boolean
  readonly lines?: boolean
  readonly encoding?: Option.Option<string>
}) {
  const { kind, lines = false } = input
  const encoding = Option.getOrUndefined(input.encoding ?? Option.none())
  if (encoding !== undefined && !isEncoding(encoding)) return yield* wrongUsage(texts.encoding)
  const settings = yield* Settings.read
  const { files, leftOut } = yield* findFiles(kind, input.files)
  const items = lines ? eachLine(files, encoding) : wholeFiles(kind, files, encoding)
  const tally = new Tally()
  const passed: Array<Row> = []
  const notPassed: Array<Row> = []
  const onVerdict = (item: Item, verdict: Moderation.Verdict): Effect.Effect<void> =>
    Effect.suspend(() => {
      tally.add(verdict)
      if (isJson) return print(jsonOf(item, verdict), "")
      const isPassed = verdict.verdict === "passed"
      if (isPassed && !input.all && passed.length > fewItems) return Effect.void
      ;(isPassed ? passed : notPassed).push({ order: verdict.line, text: lineOf(item, verdict) })
      return Effect.void
    })
  const summary = (isInterrupted: boolean) => {
    const ofFolders = both(
      leftOut === 0 ? "" : ` (left out, because they are of other kinds: ${count(leftOut)})`,
      leftOut === 0 ? "" : `（另有 ${count(leftOut)} 个其他类型的文件未检测）`
    )
    const text = both(`${tally.text.en}${ofFolders.en}.`, `${tally.text.zh}${ofFolders.zh}。`)
    return print(tally.json({ leftOut, isInterrupted }), style("bold", say(text)))
  }

  const check = Effect.gen(function* () {
    const backfill = yield* Moderation.backfill<Item>({
      // Verdicts are found by their contents. A finished part would be passed over, and its risky files with it, so each
      // run has its own name.
      id: `check-${(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)}`,
      items,
      content: ({ content }) => content,
      onVerdict
    })
    return yield* backfill.run.pipe(
      withProgress(backfill.changes("250 millis"), ({ done, rate, total }) => ({
        done,
        total,
        rate,
        details: [
          ...(tally.risky === 0 ? [] : [say(both(`${tally.risky} risky`, `违规 ${tally.risky}`))]),
          ...(tally.failed === 0 ? [] : [say(both(`${tally.failed} failed`, `失败 ${tally.failed}`))])
        ]
      }))
    )
  }).pipe(
    gracefully(
      note(texts.stopping),
      Effect.andThen(
        Effect.suspend(() => summary(true)),
        note(isInMemory(settings) ? texts.beginsAgain : texts.goesOn)
      )
    )
  )
  yield* isInMemory(settings)
    ? check.pipe(withClient(settings), Effect.provide(VerdictStore.layerMemory))
    : check.pipe(withCountingClient(settings), Effect.provide(layerStores(settings)))
  if (tally.done === 0) return yield* wrongUsage(texts.nothing)
  const shown = input.all || passed.length <= fewItems ? [...passed, ...notPassed] : notPassed
  if (!isJson && shown.length > 0) {
    yield* print(
      undefined,
      shown
        .sort((a, b) => a.order - b.order)
        .map(({ text }) => text)
        .join("\n")
    )
  }
  if (isJson || tally.done > 1 || leftOut > 0) yield* summary(false)
  yield* endWith(tally.exit)
})
