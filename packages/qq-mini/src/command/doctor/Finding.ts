/** What a check of the doctor found: a value, in both languages, without secrets. */
import type { Help, Reason } from "@qq-mini/core/QQError"
import { homedir } from "node:os"
import { both } from "../frame/invocation.ts"

/** The checks, in the order of the report. The names are stable: support and scripts use them. */
export const names = [
  "configuration",
  "files",
  "versions",
  "proxy",
  "dns",
  "connection",
  "tls",
  "answer",
  "clock",
  "store",
  "secret",
  "contest"
] as const

/** The name of a check. */
export type Name = (typeof names)[number]

/** The checks in words. */
export const labels: Readonly<Record<Name, Help>> = {
  configuration: both("configuration", "配置"),
  files: both("files", "文件权限"),
  versions: both("versions", "版本"),
  proxy: both("proxy", "代理"),
  dns: both("dns", "域名解析"),
  connection: both("connection", "连接"),
  tls: both("tls", "证书"),
  answer: both("answer", "应答"),
  clock: both("clock", "时钟"),
  store: both("store", "存储"),
  secret: both("secret", "密钥"),
  contest: both("contest", "token 争用")
}

/** `warning` works today, but should be mended. `skipped` could not be checked. */
export type State = "ok" | "warning" | "problem" | "skipped"

/** Facts for support: JSON values, with stable names and without secrets. */
export type Details = Readonly<Record<string, unknown>>

/** The result of a check. */
export interface Finding {
  readonly name: Name
  readonly state: State
  /** What was found. */
  readonly says: Help
  /** What to do. Every `warning` and `problem` has it. */
  readonly mend?: Help
  readonly details?: Details
}

const detailed = (finding: Finding, details: Details | undefined): Finding =>
  details === undefined ? finding : { ...finding, details }

/** All is right. */
export const ok = (name: Name, says: Help, details?: Details): Finding => detailed({ name, state: "ok", says }, details)

/** It works, but should be mended. */
export const warning = (name: Name, says: Help, mend: Help, details?: Details): Finding =>
  detailed({ name, state: "warning", says, mend }, details)

/** It does not work. */
export const problem = (name: Name, says: Help, mend: Help, details?: Details): Finding =>
  detailed({ name, state: "problem", says, mend }, details)

/** It could not be checked. `mend` says how it can be, where the user decides that. */
export const skipped = (name: Name, says: Help, mend?: Help): Finding =>
  mend === undefined ? { name, state: "skipped", says } : { name, state: "skipped", says, mend }

/** The problem that a reason of a `QQError` describes. Its own text says what to do; `says` says what it is about. */
export const failed = (name: Name, says: Help, reason: Reason, details: Details = {}): Finding => {
  const { _tag, detail, help } = reason
  // QQ's code and text, or the name of the system's error.
  const facts = detail === "" ? "" : ` ${detail}`
  return problem(name, says, both(`${help.en}${facts}`, `${help.zh}${facts}`), { reason: _tag, ...details })
}

/** It was not checked because another check found a problem. */
export const after = (name: Name, cause: Name): Finding =>
  skipped(name, both(`Not checked: first mend "${labels[cause].en}".`, `未检查：请先解决“${labels[cause].zh}”的问题。`))

/** Whether any check found a problem. */
export const hasProblem = (findings: ReadonlyArray<Finding>): boolean =>
  findings.some(({ state }) => state === "problem")

// Texts of certificates and answers are foreign: they must not move the cursor of a terminal.
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const cleaned = (value: unknown, home: string): unknown => {
  if (typeof value === "string") {
    const text = value.replace(control, " ")
    return home === "" || home === "/" ? text : text.replaceAll(home, "~")
  }
  if (Array.isArray(value)) return value.map((item) => cleaned(item, home))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleaned(item, home)]))
}

/** The finding as it may be shown: without control characters, and with `~` for the user's folder. */
export const presentable = (finding: Finding, home: string = homedir()): Finding => cleaned(finding, home) as Finding
