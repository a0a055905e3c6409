/** The certificate that the API host shows, or that somebody in between shows in its place. */
import { connections, shown } from "@qq-mini/core/adapter/shown"
import type { Help } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import { request } from "node:http"
import { request as requestOverTls } from "node:https"
import { isIP, type Socket } from "node:net"
import { connect, type DetailedPeerCertificate, type PeerCertificate } from "node:tls"
import { both } from "../frame/invocation.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"
import { portOf, type Proxy } from "./proxy.ts"

/** What a server showed. */
interface Shown {
  /** OpenSSL's name of what is wrong. `undefined` if the certificate is accepted. */
  readonly wrong: string | undefined
  readonly certificate: PeerCertificate | DetailedPeerCertificate
  readonly protocol: string | null
}

/** A tunnel through a proxy. Fails with a safe name of the problem, or with `HTTP 407` and the like. */
const tunnel = ({ url }: Proxy, host: string, port: number): Effect.Effect<Socket, string> =>
  Effect.callback((resume) => {
    const login =
      url.username === "" ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    const make = url.protocol === "https:" ? requestOverTls : request
    const asked = make({
      host: url.hostname.replace(/^\[(.+)\]$/, "$1"),
      port: portOf(url),
      method: "CONNECT",
      path: `${host}:${port}`,
      headers: {
        host: `${host}:${port}`,
        ...(login === undefined ? {} : { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` })
      }
    })
    asked.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) return resume(Effect.succeed(socket))
      socket.destroy()
      resume(Effect.fail(`HTTP ${statusCode}`))
    })
    asked.on("error", (error) => resume(Effect.fail(shown(error, connections))))
    asked.end()
    return Effect.sync(() => asked.destroy())
  })

const handshake = (target: URL, through: Socket | undefined): Effect.Effect<Shown, string> =>
  Effect.callback((resume) => {
    const host = target.hostname.replace(/^\[(.+)\]$/, "$1")
    const socket = connect({
      host,
      port: portOf(target),
      ...(through === undefined ? {} : { socket: through }),
      // A name only: an address is not allowed here.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ["http/1.1"],
      // The connection only looks at the certificate. Nothing is sent over it.
      rejectUnauthorized: false
    })
    socket.once("secureConnect", () => {
      const error: unknown = socket.authorizationError
      resume(
        Effect.succeed({
          wrong: socket.authorized ? undefined : codeOf(error),
          certificate: socket.getPeerCertificate(),
          protocol: socket.getProtocol()
        })
      )
      socket.destroy()
    })
    socket.on("error", (error) => resume(Effect.fail(shown(error, connections))))
    return Effect.sync(() => socket.destroy())
  })

// Node gives the name of OpenSSL, or an error of its own for the wrong host.
const codeOf = (error: unknown): string =>
  typeof error === "string" ? (/^[A-Z][A-Z_]+$/.test(error) ? error : "unknown") : shown(error, connections)

const nameOf = (names: PeerCertificate["issuer"] | undefined): string =>
  [names?.O, names?.CN]
    .flat()
    .filter((name) => typeof name === "string" && name !== "")
    .join(", ")
    .slice(0, 100)

const intercepted = both(
  "If this is the root certificate of your company or of a proxy, save it as a file and start Node with NODE_EXTRA_CA_CERTS=/path/to/root.pem, or with --use-system-ca if the system trusts it. If you do not know it, somebody may read the AppSecret: do not use this network. Never set NODE_TLS_REJECT_UNAUTHORIZED=0.",
  "若是公司或代理的根证书，请保存为文件，并在启动 Node 时设置 NODE_EXTRA_CA_CERTS=/path/to/root.pem；若系统已信任该证书，可使用 --use-system-ca。若不认识该证书，AppSecret 可能被窃取：请勿使用此网络。切勿设置 NODE_TLS_REJECT_UNAUTHORIZED=0。"
)

/** What each of OpenSSL's names means, and what to do. `facts` are the issuer and the dates. */
const meaningOf = (
  wrong: string,
  facts: { readonly issuer: string; readonly from: string; readonly to: string }
): readonly [Help, Help] => {
  const { from, issuer, to } = facts
  switch (wrong) {
    case "CERT_HAS_EXPIRED":
      return [
        both(`The certificate expired on ${to} (issuer: ${issuer}).`, `证书已于 ${to} 过期（颁发者：${issuer}）。`),
        both(
          "Check this machine's date first. If it is right, renew the certificate of the server or proxy that shows it.",
          "请先检查本机日期；若日期正确，请更新出示该证书的服务器或代理的证书。"
        )
      ]
    case "CERT_NOT_YET_VALID":
      return [
        both(
          `The certificate is valid only from ${from} on (issuer: ${issuer}).`,
          `证书自 ${from} 起才有效（颁发者：${issuer}）。`
        ),
        both("Set this machine's clock right.", "请校准本机时钟。")
      ]
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return [
        both(`The certificate is for another host (issuer: ${issuer}).`, `证书属于其他主机（颁发者：${issuer}）。`),
        both(
          "Something else answers in QQ's place: check the DNS, the hosts file, the proxy and the base URL, or log in to the network.",
          "应答者不是 QQ：请检查 DNS、hosts 文件、代理与 base URL，或先登录网络。"
        )
      ]
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return [
        both(`The certificate is self-signed (issuer: ${issuer}).`, `证书为自签名（颁发者：${issuer}）。`),
        intercepted
      ]
    default:
      return [
        both(
          `The certificate comes from an issuer that Node does not trust: ${issuer} (${wrong}).`,
          `证书由 Node 不信任的机构颁发：${issuer}（${wrong}）。`
        ),
        intercepted
      ]
  }
}

/** Checks the certificate. */
export const tls = (
  target: URL,
  proxy: Proxy | undefined,
  environment: Readonly<Record<string, string | undefined>>
): Effect.Effect<Finding> => {
  if (target.protocol !== "https:") {
    return Effect.succeed(
      ok("tls", both("Not used: the base URL begins with http.", "未使用：base URL 以 http 开头。"))
    )
  }
  const port = portOf(target)
  const through = proxy === undefined ? Effect.succeed(undefined) : tunnel(proxy, target.hostname, port)
  return Effect.match(
    Effect.flatMap(through, (socket) => handshake(target, socket)),
    {
      onFailure: (found) =>
        found === "HTTP 407"
          ? problem(
              "tls",
              both("The proxy wants a user and a password (HTTP 407).", "代理要求用户名和密码（HTTP 407）。"),
              both(
                `Put them into ${proxy!.variable}, as http://user:password@host:port.`,
                `请写入 ${proxy!.variable}，格式为 http://user:password@host:port。`
              ),
              { problem: found }
            )
          : problem(
              "tls",
              both(
                `There is no TLS connection to ${target.host} (${found}).`,
                `无法与 ${target.host} 建立 TLS 连接（${found}）。`
              ),
              both(
                "Check that the port speaks TLS, and that no firewall or proxy blocks this host.",
                "请确认该端口使用 TLS，且防火墙或代理没有拦截该主机。"
              ),
              { problem: found }
            ),
      onSuccess: ({ certificate, protocol, wrong }) => {
        const issuer = nameOf(certificate.issuer) || "–"
        const facts = { issuer, from: certificate.valid_from ?? "–", to: certificate.valid_to ?? "–" }
        const details = { ...facts, protocol, ...(wrong === undefined ? {} : { problem: wrong }) }
        if (wrong !== undefined) return problem("tls", ...meaningOf(wrong, facts), details)
        if (environment["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
          return warning(
            "tls",
            both(
              "NODE_TLS_REJECT_UNAUTHORIZED=0: no certificate is checked.",
              "NODE_TLS_REJECT_UNAUTHORIZED=0：不检查任何证书。"
            ),
            both(
              "Remove this variable: anybody in between could read the AppSecret.",
              "请去掉该变量，否则中间人可以窃取 AppSecret。"
            ),
            details
          )
        }
        return ok(
          "tls",
          both(
            `The certificate is valid until ${facts.to} (issuer: ${issuer}).`,
            `证书有效至 ${facts.to}（颁发者：${issuer}）。`
          ),
          details
        )
      }
    }
  )
}
