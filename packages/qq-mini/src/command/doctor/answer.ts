/** What answers at the API's address, and what time it is there. */
import { connections, shown } from "@qq-mini/core/adapter/shown"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { EnvHttpProxyAgent, request } from "undici"
import { both } from "../frame/invocation.ts"
import { type Finding, ok, problem, skipped, warning } from "./Finding.ts"

/** An answer, as far as the doctor looks at it. */
interface Answer {
  readonly status: number
  readonly date: string | undefined
  readonly location: string | undefined
  readonly body: string
  /** The time in the middle of the exchange, and half its length (ms). */
  readonly at: number
  readonly half: number
}

// A page may be long. Its beginning is enough.
const maxPieces = 16

const harmless = "/api/getToken?grant_type=client_credential"

const named = (error: unknown): string => shown(error, connections)

const first = (header: string | ReadonlyArray<string> | undefined) =>
  typeof header === "string" ? header : header?.[0]

/** Asks for a token without naming a program: QQ refuses that, and nothing happens. Goes the way of all calls. */
const ask = (base: string, proxy: string | undefined): Effect.Effect<Answer, string, Scope.Scope> =>
  Effect.gen(function* () {
    const dispatcher = yield* Effect.acquireRelease(
      Effect.sync(() =>
        proxy === undefined
          ? new EnvHttpProxyAgent()
          : new EnvHttpProxyAgent({ httpProxy: proxy, httpsProxy: proxy, noProxy: "" })
      ),
      (agent) => Effect.promise(() => agent.destroy())
    )
    const asked = yield* Clock.currentTimeMillis
    const {
      body: stream,
      headers,
      statusCode
    } = yield* Effect.tryPromise({
      try: (signal) => request(`${base.replace(/\/$/, "")}${harmless}`, { dispatcher, signal }),
      catch: named
    })
    const answered = yield* Clock.currentTimeMillis
    const body = yield* Stream.fromAsyncIterable<Uint8Array, string>(stream, named).pipe(
      Stream.decodeText,
      Stream.takeUntil((_, index) => index >= maxPieces),
      Stream.mkString
    )
    return {
      status: statusCode,
      date: first(headers["date"]),
      location: first(headers["location"]),
      body,
      at: (asked + answered) / 2,
      half: (answered - asked) / 2
    }
  })

const isFromQQ = (body: string): boolean => {
  const value = Result.getOrUndefined(Result.try((): unknown => JSON.parse(body)))
  return (
    typeof value === "object" &&
    value !== null &&
    ["errcode", "errCode", "code", "access_token"].some((name) => name in value)
  )
}

const isHtml = (body: string): boolean => /^\s*</.test(body)

const answerFinding = ({ body, location, status }: Answer): Finding => {
  const details = { status, size: body.length }
  if (isFromQQ(body)) return ok("answer", both("QQ's API answers.", "QQ 接口有应答。"), details)
  const portal = both(
    "Log in to the network in a browser, or let this host through at the proxy or gateway; then check the base URL.",
    "请在浏览器中登录网络，或在代理、网关上放行该主机，并检查 base URL。"
  )
  const to = location === undefined ? undefined : URL.parse(location)?.host
  if (status >= 300 && status < 400) {
    return problem(
      "answer",
      both(
        `In QQ's place something answers that sends on to ${to ?? "another page"} (HTTP ${status}): usually the login page of a network.`,
        `应答者不是 QQ，而是跳转到${to === undefined ? "其他页面" : ` ${to}`}（HTTP ${status}）：通常是网络的登录页面。`
      ),
      portal,
      { ...details, found: "redirect" }
    )
  }
  if (isHtml(body)) {
    return problem(
      "answer",
      both(
        `In QQ's place a web page answers (HTML, HTTP ${status}): usually the login page of a network, or a proxy's error.`,
        `应答的是网页（HTML，HTTP ${status}），而不是 QQ：通常是网络的登录页面，或代理的错误页。`
      ),
      portal,
      { ...details, found: "html" }
    )
  }
  return problem(
    "answer",
    both(
      `What answers is not QQ's API (HTTP ${status}, ${body.length} characters).`,
      `应答的不是 QQ 接口（HTTP ${status}，${body.length} 个字符）。`
    ),
    both(
      "Correct the base URL, or check the proxies and gateways in between.",
      "请更正 base URL，或检查中间的代理与网关。"
    ),
    { ...details, found: "other" }
  )
}

// The header has whole seconds. A smaller difference means nothing.
const tolerableMillis = 30_000
const badMillis = 300_000

const lengthOf = (millis: number) => {
  const seconds = Math.round(Math.abs(millis) / 1_000)
  return seconds < 120
    ? both(`${seconds} s`, `${seconds} 秒`)
    : both(`${Math.round(seconds / 60)} min`, `${Math.round(seconds / 60)} 分钟`)
}

const clockFinding = ({ at, date, half }: Answer): Finding => {
  const theirs = date === undefined ? NaN : Date.parse(date)
  if (Number.isNaN(theirs))
    return skipped("clock", both("The answer has no date to compare with.", "应答中没有可供比较的日期。"))
  // In the middle of that second.
  const ahead = Math.round(at - (theirs + 500))
  const details = { aheadMillis: ahead, uncertainMillis: Math.round(500 + half) }
  const off = Math.max(0, Math.abs(ahead) - details.uncertainMillis)
  if (off <= tolerableMillis) {
    return ok("clock", both("The clock agrees with the server's.", "本机时钟与服务器一致。"), details)
  }
  const by = lengthOf(ahead)
  const says = both(
    `This machine's clock is ${by.en} ${ahead > 0 ? "ahead" : "behind"}: signed calls, certificates and dates go wrong.`,
    `本机时钟${ahead > 0 ? "快" : "慢"}了 ${by.zh}：签名、证书与有效期都会出错。`
  )
  const mend = both(
    "Turn on time synchronisation: timedatectl set-ntp true (in a container: on its host).",
    "请开启时间同步：timedatectl set-ntp true（容器请在宿主机上设置）。"
  )
  return (off > badMillis ? problem : warning)("clock", says, mend, details)
}

/** Checks what answers, and the clock. */
export const answer = (
  baseUrl: string,
  proxy: string | undefined
): Effect.Effect<readonly [answer: Finding, clock: Finding]> =>
  Effect.match(Effect.scoped(ask(baseUrl, proxy)), {
    onFailure: (found) =>
      [
        problem(
          "answer",
          both(`The request got no answer (${found}).`, `请求没有得到应答（${found}）。`),
          both("Check the network, the proxy and the base URL.", "请检查网络、代理与 base URL。"),
          { problem: found }
        ),
        skipped("clock", both("Needs an answer.", "需要先得到应答。"))
      ] as const,
    onSuccess: (answer) => [answerFinding(answer), clockFinding(answer)] as const
  })
