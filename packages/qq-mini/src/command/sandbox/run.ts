/** What `qq-mini sandbox` does. */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import type { TestSandbox } from "@qq-mini/sandbox/testing"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { exitCodes, Failure, wrongUsage } from "../frame/exit.ts"
import { both, say } from "../frame/invocation.ts"
import { note, print, style } from "../frame/output.ts"
import { readScenario, type Scenario, withOpenids } from "./scenario.ts"

type Shell = "sh" | "powershell" | "dotenv"

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

const formats: Readonly<Record<Shell, (name: string, value: string) => string>> = {
  sh: (name, value) => `export ${name}=${quote(value)}`,
  powershell: (name, value) => `$env:${name} = '${value.replaceAll("'", "''")}'`,
  dotenv: (name, value) => `${name}=${quote(value)}`
}

interface Flags {
  readonly port: number
  readonly host: string
  readonly scenario: Option.Option<string>
  readonly forwardTo: Option.Option<string>
  readonly shell: Shell
}

/** Sends what the programs of the sandbox would post to the developer's server. */
const forwarding = (
  {
    defaultPrograms,
    options
  }: { readonly defaultPrograms: ReadonlyArray<object>; readonly options: Scenario["options"] },
  url: string
): Scenario["options"] => {
  const programs = Array.isArray(options["programs"]) ? (options["programs"] as ReadonlyArray<object>) : defaultPrograms
  return { ...options, programs: programs.map((program) => ({ notify: { url }, push: { url }, ...program })) }
}

const failed = (cause: unknown, { host, port }: Flags): QQError | Failure => {
  if (isQQError(cause)) return cause
  const problem = shown(cause, systemCalls)
  if (problem === systemCalls.phrase) throw cause
  return new Failure({
    exit: exitCodes.usage,
    reason: "CannotListen",
    help: both(
      `The sandbox can't listen on ${host}:${port} (${problem}). Perhaps another one runs: choose another port with --port.`,
      `沙箱无法监听 ${host}:${port}（${problem}）。可能已有沙箱在运行，请用 --port 指定其他端口。`
    )
  })
}

const open = (flags: Flags, scenario: Scenario): Effect.Effect<TestSandbox, QQError | Failure> =>
  Effect.tryPromise({
    try: async () => {
      const { defaultPrograms, startSandbox } = await import("@qq-mini/sandbox/testing")
      const { options } = scenario
      const all = Option.match(flags.forwardTo, {
        onNone: () => options,
        onSome: (url) => forwarding({ defaultPrograms, options }, url)
      })
      return startSandbox({ ...all, host: flags.host, port: flags.port })
    },
    catch: (cause) => failed(cause, flags)
  })

const isMethod = (sandbox: TestSandbox, name: string): name is "login" =>
  Object.hasOwn(sandbox, name) && typeof sandbox[name as keyof TestSandbox] === "function"

/** Does the steps of the scenario. Returns the openids of the users, by their names. */
const perform = Effect.fnUntraced(function* (sandbox: TestSandbox, { steps }: Scenario) {
  const openids = new Map<string, string>()
  for (const [method, argument] of steps) {
    if (!isMethod(sandbox, method)) {
      return yield* wrongUsage(both(`steps: there is no ${method}.`, `steps：没有 ${method}。`))
    }
    const result = yield* Effect.tryPromise({
      try: () => sandbox[method](withOpenids(argument, openids)),
      catch: (cause) =>
        isQQError(cause) ? cause : wrongUsage(both(`steps: ${method} failed.`, `steps：${method} 失败。`))
    })
    if (method === "login") openids.set(String(argument["user"] ?? "someone"), result.openid)
  }
  return openids
})

const isLoopback = (host: string) => /^(127\.|::1$|localhost$)/.test(host)

const reachable = ({ host, port }: Flags) =>
  both(
    `Warning: it listens on ${host}. Everybody who can reach port ${port} of this machine can use the sandbox and its console. They can't get at QQ, but they see what your app sends, and can make the sandbox call --forward-to.`,
    `警告：正在监听 ${host}。能访问本机 ${port} 端口的任何人都可以使用此沙箱及其控制台。他们无法访问 QQ，但能看到你的应用发送的内容，并能让沙箱请求 --forward-to 的地址。`
  )

/** Runs the command. */
export const run = Effect.fnUntraced(function* (flags: Flags) {
  const { scenario: file } = flags
  const scenario = Option.isNone(file) ? { options: {}, steps: [] } : yield* readScenario(file.value)
  const sandbox = yield* Effect.acquireRelease(open(flags, scenario), (one) => Effect.promise(() => one.close()))
  const openids = yield* perform(sandbox, scenario)
  if (!isLoopback(flags.host)) yield* note(reachable(flags))
  const console = `${sandbox.url}/sandbox/`
  const { QQ_APPS: _, ...values } = sandbox.env
  const lines = Object.entries(values).map(([name, value]) => formats[flags.shell](name, value))
  const users = Array.from(openids, ([name, openid]) => `${name}  ${openid}`)
  yield* print(
    { url: sandbox.url, console, env: sandbox.env, users: Object.fromEntries(openids) },
    [
      `${say(both("sandbox", "沙箱"))}  ${style("bold", sandbox.url)}`,
      `${say(both("console", "控制台"))}  ${style("bold", console)}`,
      "",
      style("dim", say(both("# for your app", "# 供你的应用使用"))),
      ...lines,
      ...(users.length === 0 ? [] : ["", style("dim", say(both("# users", "# 用户"))), ...users]),
      "",
      say(both("Ctrl+C stops it.", "按 Ctrl+C 停止。"))
    ].join("\n")
  )
  return yield* Effect.never
}, Effect.scoped)
