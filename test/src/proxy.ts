/** A TCP connection that is not what it should be: slow, or cut after something was asked and before it is answered. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"

export class Proxy implements AsyncDisposable {
  /** Milliseconds by which answers are late. */
  delay = 0
  /** The share of answers in whose place the connection is cut, 0 to 1. */
  cut = 0
  /** How many were cut. */
  cuts = 0
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
      for (const [one, other] of [
        [from, onward],
        [onward, from]
      ] as const) {
        sockets.add(one)
        one.on("error", () => other.destroy())
        one.on("close", () => {
          sockets.delete(one)
          other.destroy()
        })
      }
      from.on("data", (bytes) => onward.write(bytes))
      onward.on("data", (bytes) => {
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
