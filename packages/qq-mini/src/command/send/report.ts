/** What became of a broadcast, as a text, as JSON, and as a file with each row. */
import type * as Broadcast from "@qq-mini/core/Broadcast"
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import { entryOf } from "@qq-mini/core/Code"
import type { QQError } from "@qq-mini/core/QQError"
import { SendLedger } from "@qq-mini/core/SendLedger"
import { send } from "@qq-mini/core/SubscribeMessage"
import type * as CsvRecipients from "@qq-mini/node/CsvRecipients"
import * as Effect from "effect/Effect"
import { displayWidth } from "effect/cli/CliOutput"
import { isObject } from "effect/Predicate"
import { open, type FileHandle } from "node:fs/promises"
import { type ExitCode, exitCodes, Failure, wrongUsage } from "../frame/exit.ts"
import { both, say } from "../frame/invocation.ts"
import { style } from "../frame/output.ts"
import { plain } from "../frame/plain.ts"
import { count } from "../frame/progress.ts"

/** The texts of this file. */
export const texts = {
  sent: both("sent", "已发送"),
  refused: both("refused", "被拒绝"),
  unknown: both("unknown", "结果未知"),
  left: both("not sent yet", "未发送"),
  bad: both("bad rows", "错误行"),
  unknownHelp: both(
    "It can't be known whether QQ sent the unknown ones. --resend-unknown sends them again: some may get the message twice.",
    "无法确定结果未知的消息是否已发出。可用 --resend-unknown 重新发送，其中部分用户可能收到两次。"
  ),
  leftOut: both("is left out", "已跳过"),
  duplicate: both("is a recipient of an earlier line", "接收者在前面的行中已出现")
}

/** The states in words. */
export const states: Readonly<Record<Broadcast.Progress["state"], ReturnType<typeof both>>> = {
  loading: both("not finished", "未完成"),
  sending: both("not finished", "未完成"),
  paused: both("paused", "已暂停"),
  cancelled: both("cancelled", "已取消"),
  finished: both("finished", "已完成")
}

// Bad rows that are shown. The file of --report has all.
const shownBadRows = 10

/** How many were refused, for all reasons together. */
export const refusedIn = ({ refused }: Broadcast.Progress): number => Object.values(refused).reduce((a, b) => a + b, 0)

/** The exit code: unknown outcomes are graver than refusals, and these than bad rows. */
export const exitOf = (progress: Broadcast.Progress): ExitCode => {
  if (progress.unknown > 0) return exitCodes.unreachable
  if (refusedIn(progress) > 0) return exitCodes.refused
  if (progress.bad > 0) return exitCodes.usage
  return progress.state === "cancelled" ? exitCodes.no : exitCodes.ok
}

/** The bad rows, with their lines. */
export const badRowsText = ({ bad, badRows }: Broadcast.Progress): string => {
  const lines = badRows
    .slice(0, shownBadRows)
    .map(({ field, line, problem }) =>
      say(both(`  line ${line}: ${field} ${problem.en}`, `  第 ${line} 行：${field} ${problem.zh}`))
    )
  const more = bad - lines.length
  return [...lines, ...(more > 0 ? [say(both(`  and ${count(more)} more`, `  另有 ${count(more)} 行`))] : [])].join(
    "\n"
  )
}

/** What a refusal means: its name has QQ's code. */
const meaningOf = (reason: string): string => {
  const help = entryOf(send.codes, Number(/ (-?\d+)$/.exec(reason)?.[1]))?.help
  return help === undefined ? reason : `${reason}  ${say(help)}`
}

/** A broadcast as a text. `recipients`: of the whole file, if they are known. */
export const textOf = (progress: Broadcast.Progress, recipients = progress.recipients): string => {
  const { bad, done, id, refused, sent, state, unknown } = progress
  const rows: Array<readonly [ReturnType<typeof both>, number]> = [
    [texts.sent, sent],
    [texts.refused, refusedIn(progress)],
    [texts.unknown, unknown],
    ...(recipients > done ? [[texts.left, recipients - done] as const] : []),
    ...(bad > 0 ? [[texts.bad, bad] as const] : [])
  ]
  const width = Math.max(...rows.map(([name]) => displayWidth(say(name))))
  const digits = count(Math.max(...rows.map(([, n]) => n))).length
  return [
    `${style("bold", plain(id))}  ${say(states[state])}`,
    ...rows.flatMap(([name, n]) => {
      const word = say(name)
      const line = `${word}${" ".repeat(width - displayWidth(word))}  ${count(n).padStart(digits)}`
      if (name === texts.bad) return [line, badRowsText(progress)]
      if (name !== texts.refused) return [line]
      return [
        line,
        ...Object.entries(refused).map(([reason, n]) => `  ${count(n).padStart(width + digits)}  ${meaningOf(reason)}`)
      ]
    }),
    ...(unknown > 0 ? [say(texts.unknownHelp)] : [])
  ].join("\n")
}

/** The error for which a broadcast stopped itself: every message would fail. */
export const stoppedBy = (why: string): Failure | undefined => {
  let error: unknown
  try {
    error = JSON.parse(why)
  } catch {
    // Not an error: somebody paused it.
  }
  if (!isObject(error)) return undefined
  const { code, help, reason } = error as Partial<QQError>
  if (help === undefined) return undefined
  return new Failure({
    exit: code === undefined ? exitCodes.usage : exitCodes.refused,
    reason: reason?._tag ?? "Stopped",
    help: both(
      `The broadcast stopped, because every message would fail. ${help.en}\nWhen this is mended, the same command goes on.`,
      `群发已停止，因为所有消息都会失败。${help.zh}\n修正后重复同一命令即可继续。`
    )
  })
}

/** Opens the file of the report before anything is sent. */
export const openReport = (path: string): Effect.Effect<FileHandle, Failure> =>
  Effect.tryPromise({
    // Openids are personal data. An earlier report is replaced when there is a new one.
    try: () => open(path, "a", 0o600),
    catch: (cause) => {
      const code = shown(cause, systemCalls)
      return wrongUsage(
        both(`The file of --report can't be written (${code}).`, `无法写入 --report 的文件（${code}）。`)
      )
    }
  })

// Rows of the ledger that are read at once.
const pageSize = 500

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Writes what became of each row: its line, its recipient, the result and the reason. */
export const writeReport = Effect.fnUntraced(function* (
  file: FileHandle,
  progress: Broadcast.Progress,
  rows: AsyncIterable<Broadcast.Row<CsvRecipients.Fields>>
) {
  const ledger = yield* SendLedger
  const problems = new Map(progress.badRows.map((row) => [row.line, row]))
  const lineOf = Effect.fnUntraced(function* (page: ReadonlyArray<Broadcast.Row<CsvRecipients.Fields>>) {
    const openids = page.map(({ value }) => value?.["openid"] || value?.["touser"] || "")
    const found = yield* ledger.rows(progress.id, openids)
    return page.map(({ line, problem }, i) => {
      const row = found[i]
      const bad = problems.get(line)
      const why = bad === undefined ? problem : both(`${bad.field} ${bad.problem.en}`, `${bad.field} ${bad.problem.zh}`)
      const cells =
        row !== undefined && row.line === line
          ? [openids[i]!, row.state === "new" ? "not sent" : row.state, row.reason]
          : ["", "bad row", say(why ?? (row === undefined ? texts.leftOut : texts.duplicate))]
      return [String(line), ...cells].map(cell).join(",")
    })
  })
  const write = (lines: ReadonlyArray<string>) => Effect.promise(() => file.write(`${lines.join("\n")}\n`))
  yield* Effect.promise(() => file.truncate())
  // With its mark, spreadsheets read Chinese texts.
  yield* write(["\ufeffline,openid,result,reason"])
  const iterator = rows[Symbol.asyncIterator]()
  for (let isEnd = false; !isEnd;) {
    const page: Array<Broadcast.Row<CsvRecipients.Fields>> = []
    while (page.length < pageSize && !isEnd) {
      const next = yield* Effect.promise(() => iterator.next())
      if (next.done === true) isEnd = true
      else page.push(next.value)
    }
    if (page.length > 0) yield* write(yield* lineOf(page))
  }
  yield* Effect.promise(() => file.close())
})
