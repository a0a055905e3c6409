/** The way to QQ, step by step. The first step that fails is the cause; the later ones are skipped. */
import { connections, shown } from "@qq-mini/core/adapter/shown"
import * as Effect from "effect/Effect"
import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import { answer } from "./answer.ts"
import { both } from "../frame/invocation.ts"
import { after, type Finding, type Name, ok, problem } from "./Finding.ts"
import { portOf, proxyFinding, reach, routeTo } from "./proxy.ts"
import { addressOf, type Subject } from "./Subject.ts"
import { tls } from "./tls.ts"

const dns = (host: string): Effect.Effect<Finding> => {
  if (isIP(host.replace(/^\[(.+)\]$/, "$1")) !== 0) {
    return Effect.succeed(ok("dns", both("Not used: the base URL has an address.", "未使用：base URL 为 IP 地址。")))
  }
  return Effect.match(
    Effect.tryPromise({ try: () => lookup(host, { all: true }), catch: (error) => shown(error, connections) }),
    {
      onFailure: (found) =>
        problem(
          "dns",
          both(`The name ${host} can't be resolved (${found}).`, `无法解析域名 ${host}（${found}）。`),
          found === "EAI_AGAIN"
            ? both(
                "The name server does not answer: check /etc/resolv.conf and the network.",
                "域名服务器没有应答：请检查 /etc/resolv.conf 与网络。"
              )
            : both(
                "Correct the host of the base URL, or the name server of this machine.",
                "请更正 base URL 中的主机名，或本机的域名服务器设置。"
              ),
          { host, problem: found }
        ),
      onSuccess: (found) =>
        ok("dns", both(`${host} is resolved.`, `${host} 可以解析。`), {
          host,
          addresses: found.map(({ address }) => address)
        })
    }
  )
}

const connection = (target: URL): Effect.Effect<Finding> => {
  const details = { host: target.hostname, port: portOf(target) }
  return Effect.match(reach(target.hostname, portOf(target)), {
    onFailure: (found) =>
      problem(
        "connection",
        both(
          `${target.hostname}:${portOf(target)} can't be reached (${found}).`,
          `无法连接 ${target.hostname}:${portOf(target)}（${found}）。`
        ),
        found === "ECONNREFUSED"
          ? both(
              "Nothing listens there: correct the base URL, or start the sandbox.",
              "该端口无服务：请更正 base URL，或启动沙箱。"
            )
          : both(
              "Allow outgoing connections to it in the firewall or security group, or set HTTPS_PROXY.",
              "请在防火墙或安全组中放行对外连接，或设置 HTTPS_PROXY。"
            ),
        { ...details, problem: found }
      ),
    onSuccess: () =>
      ok(
        "connection",
        both(`${target.hostname}:${portOf(target)} is reached.`, `可以连接 ${target.hostname}:${portOf(target)}。`),
        details
      )
  })
}

const throughProxy = both("Not used: the proxy does this.", "未使用：由代理完成。")

interface Step {
  readonly names: ReadonlyArray<Name>
  readonly check: Effect.Effect<ReadonlyArray<Finding>>
}

const one = (name: Name, check: Effect.Effect<Finding>): Step => ({
  names: [name],
  check: Effect.map(check, (finding) => [finding])
})

const stepsTo = (target: URL, { environment, settings }: Subject): ReadonlyArray<Step> => {
  const option = settings.options["proxy"]
  const route = routeTo(target, environment, option)
  const proxy = route.kind === "proxy" ? route.proxy : undefined
  return [
    one("proxy", proxyFinding(route, environment)),
    one("dns", proxy === undefined ? dns(target.hostname) : Effect.succeed(ok("dns", throughProxy))),
    one("connection", proxy === undefined ? connection(target) : Effect.succeed(ok("connection", throughProxy))),
    one("tls", tls(target, proxy, environment)),
    { names: ["answer", "clock"], check: answer(target.href, typeof option === "string" ? option : undefined) }
  ]
}

/**
 * Takes the steps to the base URL with `run`, which returns what it found. Returns the check whose problem ended the way,
 * or `undefined`.
 */
export const walk = Effect.fnUntraced(function* (
  subject: Subject,
  run: (
    names: ReadonlyArray<Name>,
    check: Effect.Effect<ReadonlyArray<Finding>>
  ) => Effect.Effect<ReadonlyArray<Finding>>
) {
  const target = addressOf(subject)
  let cause: Name | undefined = target === undefined ? "configuration" : undefined
  for (const { check, names } of stepsTo(target ?? new URL("https://api.q.qq.com"), subject)) {
    const failed: Name | undefined = cause
    const found: ReadonlyArray<Finding> = yield* run(
      names,
      failed === undefined ? check : Effect.succeed(names.map((name) => after(name, failed)))
    )
    // A wrong clock does not keep QQ from answering.
    cause ??= found.find(({ name, state }) => state === "problem" && name !== "clock")?.name
  }
  return cause
})
