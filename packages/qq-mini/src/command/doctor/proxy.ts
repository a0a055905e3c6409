/** Which proxy the environment names for an address, and whether something answers there. */
import { connections, shown } from "@qq-mini/core/adapter/shown"
import type { Help } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import { both } from "../frame/invocation.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

/** A proxy, and the variable or option that names it. */
export interface Proxy {
  readonly variable: string
  readonly url: URL
}

/** What the environment says about proxies for an address. */
export type Route =
  | { readonly kind: "direct"; readonly because: "none" | "no_proxy" }
  | { readonly kind: "proxy"; readonly proxy: Proxy }
  | { readonly kind: "wrong"; readonly variable: string }

type Environment = Readonly<Record<string, string | undefined>>

const firstSet = (environment: Environment, names: ReadonlyArray<string>) => names.find((name) => environment[name])

/** The port of an address, with the default of its scheme. */
export const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === "https:" ? 443 : 80)

/** Whether NO_PROXY names the host of an address, as undici's `EnvHttpProxyAgent` reads it. */
const isExcepted = (target: URL, list: string): boolean => {
  const host = target.hostname.replace(/^\[(.+)\]$/, "$1").toLowerCase()
  return list.split(/[,\s]+/).some((entry) => {
    const [, name = "", port] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase().replace(/^\*?\./, ".")) ?? []
    if (name === "" || (port !== undefined && Number(port) !== portOf(target))) return false
    return name === "*" || host === name.replace(/^\./, "") || host.endsWith(`.${name.replace(/^\./, "")}`)
  })
}

const variables = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"]

const isProxy = (value: unknown): value is string =>
  typeof value === "string" && /^https?:\/\/\S+$/i.test(value) && URL.canParse(value)

/** The way to an address. The option `proxy` overrides all variables. */
export const routeTo = (target: URL, environment: Environment, option: unknown): Route => {
  if (option !== undefined) {
    return isProxy(option)
      ? { kind: "proxy", proxy: { variable: "proxy", url: new URL(option) } }
      : { kind: "wrong", variable: "proxy" }
  }
  // The client refuses to start with any wrong one.
  const wrong = variables.find((name) => environment[name] && !isProxy(environment[name]))
  if (wrong !== undefined) return { kind: "wrong", variable: wrong }
  const variable = firstSet(environment, target.protocol === "https:" ? variables : variables.slice(2))
  if (variable === undefined) return { kind: "direct", because: "none" }
  const url = new URL(environment[variable]!)
  const exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
  return isExcepted(target, exceptions)
    ? { kind: "direct", because: "no_proxy" }
    : { kind: "proxy", proxy: { variable, url } }
}

/** Opens a TCP connection and closes it. Fails with a safe name of the problem. */
export const reach = (host: string, port: number): Effect.Effect<void, string> =>
  Effect.callback((resume) => {
    const socket = connect({ host: host.replace(/^\[(.+)\]$/, "$1"), port })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.on("error", (error) => resume(Effect.fail(shown(error, connections))))
    return Effect.sync(() => socket.destroy())
  })

const ofNode = both(
  "qq-mini uses it by itself; Node's own fetch does so only with NODE_USE_ENV_PROXY=1.",
  "qq-mini 会自动使用它；Node 自带的 fetch 仅在设置 NODE_USE_ENV_PROXY=1 时才使用。"
)

const wrongValue: Help = both(
  "Write the address of an HTTP proxy, as http://proxy.example:3128 (a SOCKS proxy does not work), or remove the variable.",
  "请写成 HTTP 代理的地址，如 http://proxy.example:3128（不支持 SOCKS 代理），或去掉该变量。"
)

/** Checks the proxy. */
export const proxyFinding = (route: Route, environment: Environment): Effect.Effect<Finding> => {
  if (route.kind === "wrong") {
    const { variable } = route
    return Effect.succeed(
      problem(
        "proxy",
        both(`${variable} is not the address of an HTTP proxy.`, `${variable} 不是 HTTP 代理的地址。`),
        wrongValue,
        { variable }
      )
    )
  }
  if (route.kind === "direct") {
    const all = firstSet(environment, ["ALL_PROXY", "all_proxy"])
    if (route.because === "none" && all !== undefined) {
      return Effect.succeed(
        warning(
          "proxy",
          both(
            `${all} is set, but neither qq-mini nor Node reads it.`,
            `已设置 ${all}，但 qq-mini 与 Node 都不读取它。`
          ),
          both(
            "If QQ is reached only through this proxy, set HTTPS_PROXY.",
            "若只能经由该代理访问 QQ，请设置 HTTPS_PROXY。"
          ),
          { variable: all }
        )
      )
    }
    return Effect.succeed(
      route.because === "none"
        ? ok("proxy", both("No proxy is set.", "未设置代理。"))
        : ok("proxy", both("NO_PROXY names this host, so no proxy is used.", "NO_PROXY 包含该主机，因此不使用代理。"))
    )
  }
  const { url, variable } = route.proxy
  const details = { variable, host: url.host }
  return Effect.match(reach(url.hostname, portOf(url)), {
    onFailure: (found) =>
      problem(
        "proxy",
        both(
          `The proxy of ${variable}, ${url.host}, can't be reached (${found}).`,
          `无法连接 ${variable} 所设的代理 ${url.host}（${found}）。`
        ),
        both(
          `Start the proxy, correct ${variable}, or name QQ's host in NO_PROXY if no proxy is needed.`,
          `请启动代理或更正 ${variable}；若无需代理，请在 NO_PROXY 中加入 QQ 的主机名。`
        ),
        { ...details, problem: found }
      ),
    onSuccess: () =>
      ok(
        "proxy",
        both(`${url.host} of ${variable}. ${ofNode.en}`, `使用 ${variable} 所设的 ${url.host}。${ofNode.zh}`),
        details
      )
  })
}
