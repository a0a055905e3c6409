/** Visitors of a Worker: each has a connection of its own. */
import { once } from "node:events"
import { get, type IncomingMessage } from "node:http"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import type { Workers } from "./workers.ts"

export const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until something holds, as long as the test may take. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await pause(100)
}

/** A request over a connection of its own, as a visitor makes it. */
export const visit = async ({ miniflare }: Workers, path: string): Promise<string> => {
  const url = new URL(path, await miniflare.ready)
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { agent: false }, resolve).on("error", reject)
  )
  return `${response.statusCode} ${await text(response)}`
}

/** A visitor who leaves in the middle: the connection is reset, which the runtime notices at once. */
export const visitAndLeave = async ({ miniflare }: Workers, path: string, body = ""): Promise<() => void> => {
  const { hostname, port } = await miniflare.ready
  const socket = connect(Number(port), hostname)
  socket.on("error", () => {})
  await once(socket, "connect")
  const method = body === "" ? "GET" : "POST"
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: worker\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  return () => socket.resetAndDestroy()
}
