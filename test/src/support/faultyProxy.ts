/** A TCP connection that is not what it should be: slow, or cut after something was asked and before it is answered. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"

export class Proxy implements AsyncDisposable {
  /** Milliseconds by which answers are late. */
  delay = 0
  /** Draws the milliseconds by which a request is late. It arrives also when its sender has gone. */
  requestDelay: (() => number) | undefined
  /** The share of answers in whose place the connection is cut, 0 to 1. */
  cut = 0
  /** How many were cut. */
  cuts = 0
  /** Connections up to this one are silent for ever. */
  silentUpTo = 0
  /** How many connections there were. */
  connections = 0
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server
    this.#sockets = sockets
    this.port = (server.address() as AddressInfo).port
  }

  static start(to: number): Promise<Proxy> {
    const sockets = new Set<Socket>()
    const server = createServer((from) => {
      const onward = connect(to, "127.0.0.1")
      const number = ++proxy.connections
      let underWay: Promise<unknown> = Promise.resolve()
      for (const [one, other] of [
        [from, onward],
        [onward, from]
      ] as const) {
        sockets.add(one)
        one.on("error", () => other.destroy())
        one.on("close", () => {
          sockets.delete(one)
          void underWay.then(() => other.destroy())
        })
      }
      let pending = 0
      from.on("data", (bytes) => {
        if (proxy.requestDelay === undefined) return onward.write(bytes)
        // what comes in several pieces is late once
        const delay = pending++ > 0 ? 0 : proxy.requestDelay()
        underWay = underWay
          .then(() => new Promise((resolve) => setTimeout(resolve, delay)))
          .then(() => new Promise<void>((resolve) => onward.write(bytes, () => resolve())))
          .then(() => void pending--)
      })
      onward.on("data", (bytes) => {
        if (number <= proxy.silentUpTo) return
        if (Math.random() < proxy.cut) {
          proxy.cuts++
          from.destroy()
        } else if (proxy.delay > 0) {
          setTimeout(() => from.write(bytes), proxy.delay)
        } else {
          from.write(bytes)
        }
      })
    })
    let proxy: Proxy
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((proxy = new Proxy(server, sockets))))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
