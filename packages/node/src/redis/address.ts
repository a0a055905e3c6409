/** The addresses of Redis: of one server, of a cluster, and of Sentinels. */

/** What an address names. */
export type Kind = "server" | "cluster" | "sentinel"

/** A host and its port. */
export interface Node {
  readonly host: string
  readonly port: number
}

/** The parts of an address. */
export interface Address {
  readonly kind: Kind
  readonly nodes: ReadonlyArray<Node>
  readonly tls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** The name of the master, for Sentinel. */
  readonly master: string
}

/** A text in both languages. */
export interface Text {
  readonly en: string
  readonly zh: string
}

/** The hosts and ports of an address, without secrets. */
export const where = ({ nodes }: Address): string => nodes.map(({ host, port }) => `${host}:${port}`).join(",")

/** The fix for a cluster's address with the number of a database. */
export const onlyDatabase0: Text = {
  en: "a cluster has only database 0: remove the number from the address",
  zh: "集群只有 0 号数据库：请去掉地址末尾的数据库编号"
}

const general: Text = {
  en: "must be an address as redis://user:password@host:6379/0, redis://host1:6379,host2:6379 of a cluster, or redis+sentinel://host1:26379,host2:26379/mymaster (with TLS: rediss); percent-encode what is special in the password",
  zh: "必须是形如 redis://user:password@host:6379/0 的地址，集群为 redis://host1:6379,host2:6379，哨兵为 redis+sentinel://host1:26379,host2:26379/mymaster（使用 TLS 时为 rediss）；密码中的特殊字符须百分号编码"
}

const overHttp: Text = {
  en: "is an address over HTTP: write the one that begins with rediss://, or use upstash({ url, token }) of @qq-mini/edge",
  zh: "是 HTTP 地址：请改用以 rediss:// 开头的地址，或使用 @qq-mini/edge 的 upstash({ url, token })"
}

const unixSocket: Text = {
  en: "is the address of a Unix socket: make a client for it, and use RedisStores.fromClient(client)",
  zh: "是 Unix 套接字地址：请自行创建客户端，并使用 RedisStores.fromClient(client)"
}

const defaultPorts = { server: 6379, cluster: 6379, sentinel: 26379 }

const decoded = (text: string): string | undefined => {
  // A % that is not a percent-encoding can't be decoded.
  if (/%(?![\da-f]{2})/i.test(text)) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Reads an address. Returns what is wrong with it, if it is not one of Redis. */
export const parse = (text: string): Address | Text => {
  if (/^https?:/i.test(text)) return overHttp
  if (/^(redis\+)?unix:/i.test(text)) return unixSocket
  const parts = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(.*@)?([^/?#]*)(.*)$/is.exec(text)
  if (parts === null) return general
  const [, scheme = "", word, login = "", hosts = "", rest = ""] = parts
  const names = hosts.split(",")
  const kind = (word?.toLowerCase() as Kind | undefined) ?? (names.length > 1 ? "cluster" : "server")
  const urls = names.map((name) => URL.parse(`redis://${login}${name}${rest}`))
  if (!urls.every((url) => url !== null && url.hostname !== "")) return general
  const { password, pathname, username } = urls[0]!
  const path = (kind === "sentinel" ? /^\/([^/]+)(?:\/(\d*))?$/ : /^()\/?(\d*)$/).exec(pathname)
  const [master, user, secret] = [path?.[1] ?? "", username, password].map(decoded)
  if (path === null || master === undefined || user === undefined || secret === undefined) return general
  const database = Number(path[2] ?? "")
  if (kind === "cluster" && database > 0) return onlyDatabase0
  return {
    kind,
    nodes: urls.map((url) => ({
      // Without the brackets of an IPv6 address.
      host: url!.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url!.port || defaultPorts[kind])
    })),
    tls: scheme.toLowerCase() === "rediss",
    username: user || undefined,
    password: secret || undefined,
    database,
    master
  }
}
