/** A broadcast from the command line: it asks, sends, and reports. */
import type * as Broadcast from "@qq-mini/core/Broadcast"
import { SendLedger } from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import { existsSync, realpathSync } from "node:fs"
import { confirm } from "../frame/ask.ts"
import { appidOf } from "../frame/client.ts"
import { endWith, wrongUsage } from "../frame/exit.ts"
import { both, say } from "../frame/invocation.ts"
import { note, print } from "../frame/output.ts"
import { plain } from "../frame/plain.ts"
import { count, duration, gracefully, withProgress } from "../frame/progress.ts"
import type { Settings } from "../frame/Settings.ts"
import { makeBroadcast, withStores } from "./broadcast.ts"
import type { Many } from "./input.ts"
import { hasKeys, onKey } from "./keys.ts"
import { namesOf, recipientsOf } from "./recipients.ts"
import { badRowsText, exitOf, openReport, refusedIn, stoppedBy, textOf, writeReport } from "./report.ts"

/** The texts of this file. */
export const texts = {
  nothingSent: both("Nothing was sent.", "未发送任何消息。"),
  stopping: both("Ending the messages on their way …", "正在结束发送中的消息……"),
  goesOn: both(
    "Interrupted. The same command goes on: nobody gets the message twice.",
    "已中断。重复同一命令即可继续，不会重复发送。"
  ),
  finishedBefore: both(
    "This broadcast is finished already: nobody gets the message twice. For another one, give it a name with --id.",
    "该群发此前已完成，不会重复发送。如需再次群发，请用 --id 另取名称。"
  ),
  cancelledBefore: both("This broadcast was cancelled, so nothing is sent.", "该群发已取消，不会发送。"),
  reportIsFile: both("--report and --csv name the same file.", "--report 与 --csv 是同一个文件。"),
  pause: both("p pauses", "按 p 暂停"),
  paused: both("paused, p resumes", "已暂停，按 p 继续")
}

// The pause between two looks at a broadcast that is paused, or whose last claims are not over (ms).
const pollMillis = 500

const isSame = (a: string, b: string): boolean => existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b)

type Made = Effect.Success<ReturnType<typeof makeBroadcast>>

const isOver = ({ sending, state }: Broadcast.Progress): boolean =>
  state === "finished" || (state === "cancelled" && sending === 0)

/**
 * Names the broadcast. A file that was changed would be another broadcast, and everybody in it would get the message again:
 * only a name that the user gives may do that.
 */
const nameOf = Effect.fnUntraced(function* (settings: Settings, { csv, id, ...shared }: Many) {
  if (id !== undefined) return id
  const names = yield* namesOf(csv!, yield* appidOf(settings), shared)
  const ledger = yield* SendLedger
  const known = yield* ledger.list
  const earlier = known.find((name) => name.startsWith(names.prefix) && !name.includes("~") && name !== names.id)
  if (earlier !== undefined && !known.includes(names.id)) {
    return yield* wrongUsage(
      both(
        `An earlier content of this file was sent as ${earlier}. Those who got the message would get it again. Put only the new rows into a file, or give this broadcast its own name with --id.`,
        `该文件此前的内容已作为 ${earlier} 群发，已收到的用户会再次收到。请仅将新增的行放入另一文件，或用 --id 为本次群发另取名称。`
      )
    )
  }
  yield* note(both(`Broadcast ${names.id}`, `群发 ${names.id}`))
  return names.id
})

/** What is asked before sending. */
const question = ({ csv, template }: Many, trial: Broadcast.Progress, before: Broadcast.Progress) => {
  const [file, left] = [plain(csv!), count(trial.recipients - before.done)]
  const what = plain(template ?? "template_id")
  const bad = trial.bad === 0 ? "" : count(trial.bad)
  return before.recipients > 0
    ? both(
        `Go on sending ${what}: ${count(before.done)} of ${count(trial.recipients)} recipients of ${file} are done?`,
        `继续发送 ${what}：${file} 中 ${count(trial.recipients)} 个接收者已完成 ${count(before.done)} 个？`
      )
    : both(
        `Send ${what} to ${left} recipients of ${file}${bad && ` (${bad} bad rows are left out)`}?`,
        `向 ${file} 中的 ${left} 个接收者发送 ${what}${bad && `（跳过 ${bad} 个错误行）`}？`
      )
}

/** Sends until the broadcast is over, or stopped itself. `p` on the terminal pauses it, in all processes. */
const sendAll = (broadcast: Made) =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* onKey((key) => {
        if (key !== "p" && key !== "P") return
        Effect.runFork(
          Effect.ignore(
            Effect.flatMap(broadcast.progress, ({ state }) => (state === "paused" ? broadcast.resume : broadcast.pause))
          )
        )
      })
      for (;;) {
        const progress = yield* broadcast.step({ budget: "Infinity" })
        if (isOver(progress) || (progress.state === "paused" && progress.why !== "")) return progress
        yield* Effect.sleep(pollMillis)
        while ((yield* broadcast.progress).state === "paused") yield* Effect.sleep(pollMillis)
      }
    })
  )

const withBar = (broadcast: Made, total: number | undefined) =>
  withProgress(broadcast.changes("500 millis"), (now: Broadcast.Progress) => ({
    done: now.done,
    total: total ?? now.recipients,
    rate: now.state === "paused" ? undefined : now.rate,
    details: [
      ...(hasKeys ? [say(now.state === "paused" ? texts.paused : texts.pause)] : []),
      say(both(`${count(now.sent)} sent`, `已发送 ${count(now.sent)}`)),
      ...(refusedIn(now) === 0
        ? []
        : [say(both(`${count(refusedIn(now))} refused`, `被拒绝 ${count(refusedIn(now))}`))]),
      ...(now.unknown === 0 ? [] : [say(both(`${count(now.unknown)} unknown`, `结果未知 ${count(now.unknown)}`))])
    ]
  }))

const dryRun = Effect.fnUntraced(function* (many: Many, trial: Broadcast.Progress) {
  const { bad, recipients } = trial
  const { max, window } = many.rate ?? { max: 0, window: 0 }
  const windows = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 }
  const millis = max === 0 || typeof window === "number" ? undefined : (recipients / max) * windows[window]
  const time = millis === undefined ? undefined : duration(millis)
  const text = both(
    `${count(recipients)} recipients, ${count(bad)} bad rows${time === undefined ? "" : `, at least ${time.en}`}. Nothing was sent.`,
    `${count(recipients)} 个接收者，${count(bad)} 个错误行${time === undefined ? "" : `，至少需要 ${time.zh}`}。未发送任何消息。`
  )
  const rows = bad === 0 ? [] : [badRowsText(trial)]
  yield* print({ dryRun: { recipients, bad, badRows: trial.badRows, millis } }, [say(text), ...rows].join("\n"))
  yield* endWith(bad === 0 ? 0 : 1)
})

/** The question before messages whose outcome is unknown are sent again. */
const resendQuestion = ({ unknown }: Broadcast.Progress) =>
  both(
    `Send again to ${count(unknown)} recipients whose outcome is unknown? Some of them may get the message twice.`,
    `向 ${count(unknown)} 个结果未知的接收者重新发送？其中部分用户可能收到两次。`
  )

/** Sends to many. */
export const sendMany = Effect.fnUntraced(function* (settings: Settings, many: Many) {
  const { csv, report } = many
  if (csv !== undefined && report !== undefined && isSame(csv, report)) return yield* wrongUsage(texts.reportIsFile)
  yield* Effect.gen(function* () {
    const id = yield* nameOf(settings, many)
    const broadcast = yield* makeBroadcast(settings, { ...many, id })
    const before = yield* broadcast.progress
    const trial = csv === undefined || many.resendUnknown ? undefined : yield* broadcast.dryRun
    if (many.dryRun) return yield* dryRun(many, trial!)
    const file = report === undefined ? undefined : yield* openReport(report)

    const finish = Effect.fnUntraced(function* (progress: Broadcast.Progress) {
      if (file !== undefined && csv !== undefined) {
        yield* writeReport(file, progress, recipientsOf(csv, {}))
      }
      yield* print({ broadcast: progress }, textOf(progress, trial?.recipients))
      const stopped = progress.state === "paused" ? stoppedBy(progress.why) : undefined
      if (stopped !== undefined) return yield* stopped
      yield* endWith(exitOf(progress))
    })

    const isDone = isOver(before)
    if (many.resendUnknown ? before.unknown === 0 : isDone) {
      yield* note(before.state === "cancelled" ? texts.cancelledBefore : texts.finishedBefore)
      return yield* finish(before)
    }
    const asked = many.resendUnknown ? resendQuestion(before) : question(many, trial!, before)
    if (!(yield* confirm(asked, many.yes))) return yield* note(texts.nothingSent)
    if (before.state === "paused") yield* broadcast.resume
    const work = many.resendUnknown ? broadcast.resendUnknown : sendAll(broadcast)
    const progress = yield* work.pipe(
      withBar(broadcast, trial?.recipients),
      gracefully(
        note(texts.stopping),
        Effect.gen(function* () {
          const now = yield* Effect.orElseSucceed(broadcast.progress, () => before)
          yield* print({ broadcast: now, isInterrupted: true }, textOf(now, trial?.recipients))
          yield* note(texts.goesOn)
        })
      )
    )
    yield* finish(progress)
  }).pipe(withStores(settings))
})
