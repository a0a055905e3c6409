/**
 * QQ's side of a case: a script of replies, given to vk's model at once and to the facade through a `uniCloud` that
 * behaves as urllib 2 does. Nothing leaves the process.
 */
import type { UniCloud } from "@qq-mini/unicloud/UniCloud"
import type { Documents } from "../unicloud/documents.ts"
import { connect } from "../unicloud/database.ts"

/** An answer of QQ's or of a gateway. */
export interface Answer {
  readonly body: Buffer
  /** The HTTP status. By default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** How long the answer takes, in milliseconds. By default it comes at once. */
  readonly after?: number
}

/**
 * What the network does instead: nobody listens, the host has no address, the connection takes too long or breaks, or
 * no answer comes.
 */
export type Fault = "refused" | "unknownHost" | "connecting" | "reset" | "silent"

/** What comes of a request. */
export type Reply = Answer | Fault

export const isFault = (reply: Reply | undefined): reply is Fault => typeof reply === "string"

/** The paths of QQ's API that vk uses. `other` is any other one. */
export const paths = {
  token: "/api/getToken",
  session: "/sns/jscode2session",
  code: "/api/json/qqa/CreateMiniCode",
  text: "/api/json/security/MsgSecCheck",
  image: "/api/json/security/ImgSecCheck",
  message: "/api/json/subscribe/SendSubscriptionMessage"
} as const

export type Path = keyof typeof paths | "other"

/** The replies by path: each one once, the last one for ever. */
export type Script = Readonly<Partial<Record<Path, ReadonlyArray<Reply>>>>

/** A request as a client sends it. */
export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A request, and what came of it. */
export interface Exchanged extends Request {
  readonly path: Path
  readonly reply: Reply
}

/** The limits of urllib, in milliseconds. One number is both limits. */
export type Timeout = number | readonly [connect: number, response: number]

/** What urllib gives for an answer. */
export interface Response {
  readonly data: Buffer
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly res: object
}

/** The error of urllib: its name and its code tell what happened, and its message holds the whole URL. */
export interface UrllibError extends Error {
  readonly code?: string
  readonly status?: number
}

const urllibError = (name: string, text: string, url: string, more: object): UrllibError =>
  Object.assign(new Error(`${text}, GET ${url} -1 (connected: false)`), { name, ...more })

const failures: Readonly<Record<Fault, (url: string) => UrllibError>> = {
  refused: (url) => urllibError("RequestError", "connect ECONNREFUSED", url, { code: "ECONNREFUSED", status: -1 }),
  unknownHost: (url) => urllibError("RequestError", "getaddrinfo ENOTFOUND", url, { code: "ENOTFOUND", status: -1 }),
  connecting: (url) => urllibError("ConnectionTimeoutError", "Connect timeout", url, { status: -1 }),
  reset: (url) => urllibError("ResponseError", "socket hang up", url, { code: "ECONNRESET", status: -1 }),
  silent: (url) => urllibError("ResponseTimeoutError", "Response timeout", url, { status: -1 })
}

/** What a client gets: a response or an error, and how long that takes (ms). */
interface Result {
  readonly after: number
  readonly response?: Response
  readonly error?: UrllibError
}

const resultOf = (reply: Reply, url: string, timeout: Timeout): Result => {
  const [connect, response] = typeof timeout === "number" ? [timeout, timeout] : timeout
  if (isFault(reply)) {
    const after = reply === "connecting" ? connect : reply === "silent" ? response : 0
    return { after, error: failures[reply](url) }
  }
  const { after = 0, body, headers = {}, status = 200 } = reply
  if (after > response) return { after: response, error: failures.silent(url) }
  // every client gets bytes of its own
  return { after, response: { data: Buffer.from(body), status, headers, res: { status, headers } } }
}

/** The requests of a case, in their order, and the replies of its script. */
export class Exchange {
  readonly sent: Array<Exchanged> = []
  readonly #script: Required<Script>
  readonly #asked = new Map<Path, number>()

  constructor(script: Required<Script>) {
    this.#script = script
  }

  #ask(request: Request, timeout: Timeout): Result {
    const [address = ""] = request.url.replace(/^https?:\/\/[^/?]*/, "").split("?")
    const path = (Object.keys(paths) as Array<keyof typeof paths>).find((one) => paths[one] === address) ?? "other"
    const count = this.#asked.get(path) ?? 0
    this.#asked.set(path, count + 1)
    const reply = this.#script[path][Math.min(count, this.#script[path].length - 1)]!
    this.sent.push({ ...request, path, reply })
    return resultOf(reply, request.url, timeout)
  }

  /** Sends a request for vk's model. Throws as urllib rejects. */
  send(request: Request, timeout: Timeout): Response {
    const { error, response } = this.#ask(request, timeout)
    if (error !== undefined) throw error
    return response!
  }

  /** `uniCloud` for the facade, with this database. */
  uniCloud(documents: Documents, dcloudAppid: string | undefined): UniCloud {
    const request: NonNullable<UniCloud["httpclient"]>["request"] = async (url, options) => {
      const { content = Buffer.alloc(0), headers = {}, method, timeout } = options
      const { after, error, response } = this.#ask({ method, url, headers, body: Buffer.from(content) }, timeout)
      if (after > 0) await new Promise((resolve) => setTimeout(resolve, after))
      if (error !== undefined) throw error
      return response!
    }
    return {
      httpclient: { request },
      database: () => connect(documents),
      getClientInfos: () => (dcloudAppid === undefined ? [] : [{ appId: dcloudAppid }])
    }
  }
}
