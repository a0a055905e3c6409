/** How the command ends: exit codes for scripts, and errors as texts and as JSON. */
import type { Help, QQError } from "@qq-mini/core/QQError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { both, say } from "./invocation.ts"

/** The exit codes. */
export const exitCodes = {
  /** All done. */
  ok: 0,
  /** The answer is no: a content is risky, a signature does not fit, a check found a fault. */
  no: 1,
  /** The call or the configuration is wrong. Nothing was sent. */
  usage: 2,
  /** QQ refused, or would: a code of QQ's, or a quota that is used up. */
  refused: 3,
  /** No answer, or none that can be read. Whether QQ did it may be unknown. */
  unreachable: 4,
  /** A fault of this program. */
  fault: 70,
  /** Interrupted by Ctrl+C or a signal. */
  interrupted: 130
} as const

/** One of the exit codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The exit codes in words, for the help. */
export const exitTexts: Readonly<Record<keyof typeof exitCodes, Help>> = {
  ok: both("done", "完成"),
  no: both(
    "the answer is no: risky content, a wrong signature, a fault found",
    "结果为否：内容违规、签名不符、发现问题"
  ),
  usage: both("wrong usage or configuration; nothing was sent", "用法或配置有误，未发送请求"),
  refused: both("QQ refused, or a quota is used up", "QQ 拒绝，或配额已用完"),
  unreachable: both("no readable answer; the outcome may be unknown", "未得到可识别的返回，结果可能未知"),
  fault: both("a fault of qq-mini itself", "qq-mini 自身的错误"),
  interrupted: both("interrupted", "被中断")
}

/** Ends the command with this exit code, once its work is done. */
export const endWith = (code: ExitCode): Effect.Effect<void> =>
  Effect.sync(() => {
    process.exitCode = code
  })

/** An error of the command itself, such as a sandbox that does not run. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly exit: ExitCode
  /** The name of the reason, for programs. */
  readonly reason: string
  /** What happened, and what to do. */
  readonly help: Help
}> {
  override get message(): string {
    return this.help.en
  }
}

/** A wrong flag, argument or input: exit code 2. */
export const wrongUsage = (help: Help): Failure => new Failure({ exit: exitCodes.usage, reason: "WrongUsage", help })

/** An error as it is printed. */
export interface Described {
  readonly exit: ExitCode
  readonly json: unknown
  readonly text: string
}

const exitOf = ({ code, reason }: QQError): ExitCode => {
  if (code !== undefined) return exitCodes.refused
  switch (reason._tag) {
    case "InvalidConfig":
    case "InvalidInput":
    case "UnknownApp":
      return exitCodes.usage
    case "UserDataInvalid":
      return exitCodes.no
    case "QuotaReached":
    case "TokenContested":
      return exitCodes.refused
    default:
      return exitCodes.unreachable
  }
}

/** Describes an error for the user, without secrets. */
export const describe = (error: QQError | Failure): Described => {
  if (error._tag === "Failure") {
    const { exit, help, reason } = error
    return { exit, json: { reason, message: help.en, help, exit }, text: say(help) }
  }
  const { app, attempts, code, endpoint, help, isRetryable, reason, retryAfter } = error
  const exit = exitOf(error)
  const where = app === undefined ? endpoint : `${endpoint} (${app})`
  const detail = reason.detail === "" ? "" : `\n${reason.detail}`
  const page = say(both(help.url, help.url.replace("/errors.html", "/zh-CN/errors.html")))
  return {
    exit,
    json: {
      reason: reason._tag,
      code,
      message: reason.message,
      help,
      endpoint,
      app,
      attempts,
      isRetryable,
      retryAfter,
      exit
    },
    text: `${where}: ${reason._tag}\n${say(help)}${detail}\n${page}`
  }
}
