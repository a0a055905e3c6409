/**
 * Handlers of QQ's requests for Node's servers: functions of `(req, res)`, for `node:http`, Express, Nest and Koa.
 *
 * ```ts
 * const paid = payNotificationHandler({ appid, appsecret, onPaid: async ({ bill_no, amt }) => {} })
 * app.post("/paid", paid) // Express, with or without a body parser
 * router.post("/paid", (ctx) => ((ctx.respond = false), paid(ctx.req, ctx.res))) // Koa, before a body parser
 * ```
 */
import { type Body, maxBytes } from "@qq-mini/core/Push"
import * as PushWeb from "@qq-mini/core/PushWeb"
import type { IncomingMessage, ServerResponse } from "node:http"

/** A request, with what frameworks add. */
export type NodeRequest = IncomingMessage & {
  /** The body that a body parser has read: an object, a text, or bytes. */
  readonly body?: unknown
  /** The bytes that were parsed, if the framework keeps them. */
  readonly rawBody?: unknown
  /** The whole address, where a router shortens `url`. */
  readonly originalUrl?: string
}

/** A handler of one address. The promise is never rejected. */
export type NodeHandler = (req: NodeRequest, res: ServerResponse) => Promise<void>

/** Reads the body. Of a body that is too large it keeps the beginning, and the rest is read and dropped. */
const read = (req: IncomingMessage): Promise<Uint8Array> =>
  new Promise((resolve) => {
    const pieces: Array<Buffer> = []
    let size = 0
    req.on("data", (piece: Buffer | string) => {
      if (size <= maxBytes) pieces.push(Buffer.from(piece as string))
      size += piece.length
    })
    req.on("end", () => resolve(Buffer.concat(pieces)))
    // The client has gone.
    req.on("close", () => resolve(Buffer.alloc(0)))
    req.on("error", () => resolve(Buffer.alloc(0)))
  })

// A body parser that skips a content type sets an empty body, and does not read.
const bodyOf = async (req: NodeRequest): Promise<Body> => {
  const { body, rawBody } = req
  if (rawBody instanceof Uint8Array) return rawBody
  if (!req.readableDidRead && !req.destroyed) return read(req)
  return typeof body === "string" || (typeof body === "object" && body !== null) ? body : ""
}

const handler =
  (answers: PushWeb.Answering): NodeHandler =>
  async (req, res) => {
    const path = (req.originalUrl ?? req.url ?? "").replace(/[?#].*$/, "")
    const { body, status } = await answers({ method: req.method ?? "", path, body: await bodyOf(req) })
    if (res.headersSent || res.destroyed) return
    res.statusCode = status
    res.setHeader("content-type", "application/json")
    res.end(body)
  }

/**
 * Makes a handler of QQ's payment notifications. It checks the signature, calls `onPaid` once for each payment, and
 * answers QQ. What it refuses is logged. Throws a `QQError` for a wrong option.
 */
export const payNotificationHandler = (options: PushWeb.PayNotificationHandlerOptions): NodeHandler =>
  handler(PushWeb.payNotificationAnswers(options))

/**
 * Makes a handler of QQ's pushes, such as the form ids of games. It calls `onPush` once for each, and answers QQ. Throws a
 * `QQError` for a wrong option.
 */
export const pushHandler = (options: PushWeb.PushHandlerOptions): NodeHandler => handler(PushWeb.pushAnswers(options))
