/** A server in QQ's place that records what came, and answers as a test wants. */
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Effect from "effect/Effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import { listening } from "./listening.ts"

/** A request as it came. */
export interface Recorded {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** An answer: a JSON value, or a status and a body. `undefined` breaks the connection. */
export type Answer = object | { readonly status: number; readonly body: string | Uint8Array } | undefined

export const app = { appid: "1112345678", appsecret: "APPSECRET-aB3dE5gH7jK9" }
/** The token that getToken gives first. Later ones have a number behind it. */
export const token = "TOKEN-0123456789-aB3dE5gH7jK9mN1p"

/** A client on Node, and the requests of its calls. getToken is answered and not recorded. */
export const recording = Effect.fnUntraced(function* (answer: (request: Recorded, nth: number) => Answer) {
  const requests: Array<Recorded> = []
  let tokens = 0
  const server = createServer((incoming, response) => {
    const pieces: Array<Buffer> = []
    incoming.on("data", (piece: Buffer) => pieces.push(piece))
    incoming.on("end", () => {
      const { pathname, searchParams } = new URL(incoming.url!, "http://qq")
      if (pathname === "/api/getToken") {
        response.end(JSON.stringify({ access_token: token + (tokens++ || ""), expires_in: 7_200 }))
        return
      }
      const request = {
        method: incoming.method!,
        path: pathname,
        query: searchParams,
        headers: incoming.headers,
        body: Buffer.concat(pieces).toString()
      }
      requests.push(request)
      const said = answer(request, requests.length)
      if (said === undefined) incoming.socket.destroy()
      else if ("body" in said && "status" in said) response.writeHead(said.status as number).end(said.body)
      else response.end(JSON.stringify(said))
    })
  })
  const baseUrl = yield* listening(server)
  return { requests, url: baseUrl, layer: NodeQQMini.layer({ ...app, baseUrl, store: "memory" }) }
})
