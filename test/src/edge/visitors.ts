/** Visitors of a Worker: each has a connection of its own. */
import { once } from "node:events"
import { connect } from "node:net"
import type { Workers } from "./workers.ts"

export const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until something holds, as long as the test may take. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await pause(100)
}

/** A request over a connection of its own, as a visitor makes it. */
export const visit = async ({ miniflare }: Workers, path: string, init?: RequestInit): Promise<string> => {
  const response = await fetch(new URL(path, await miniflare.ready), init)
  return `${response.status} ${await response.text()}`
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
