/** An HTTP proxy. */
import { once } from "node:events"
import { createServer, request } from "node:http"
import { connect, type AddressInfo } from "node:net"

/** A proxy that counts what it carries, by tunnels and by whole addresses. */
export const startProxy = async () => {
  let carried = 0
  const seen = new Set<string | undefined>()
  const server = createServer((incoming, outgoing) => {
    carried++
    seen.add(incoming.headers["proxy-authorization"])
    const { headers, method, url } = incoming
    const sent = request(url!, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(sent)
  })
  server.on("connect", ({ headers, url }, socket) => {
    carried++
    seen.add(headers["proxy-authorization"])
    const [host, port] = url!.split(":") as [string, string]
    const target = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      target.pipe(socket).pipe(target)
    })
    for (const [one, other] of [
      [socket, target],
      [target, socket]
    ] as const)
      one.on("error", () => other.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    url: (user = "") => `http://${user}127.0.0.1:${port}`,
    carried: () => carried,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    }
  }
}
