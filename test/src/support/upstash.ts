/** A real Redis behind HTTP, in the REST dialect of Upstash: a command as a JSON array, `{ "result" }` or `{ "error" }`. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { json } from "node:stream/consumers"
import { createClient } from "redis"

/** A running one. */
export interface Upstash extends AsyncDisposable {
  readonly url: string
  readonly token: string
  /** Takes another token from now on, as after it was reset in the console. */
  readonly reset: () => void
}

/** Starts one in front of a Redis. */
export const startUpstash = async (redisUrl: string): Promise<Upstash> => {
  const client = createClient({ url: redisUrl, disableOfflineQueue: true, socket: { reconnectStrategy: () => 50 } })
  // what it says of a lost connection is answered below
  client.on("error", () => {})
  await client.connect()
  const token = "UpstashTokenThatMayWrite"
  let taken = token
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    if (request.headers.authorization !== `Bearer ${taken}`) return answer(401, { error: "WRONGPASS invalid token" })
    const command = (await json(request)) as Array<string>
    await client.sendCommand(command).then(
      (result) => answer(200, { result }),
      (error: Error) => answer(400, { error: error.message })
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    reset: () => {
      taken = "another"
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      client.destroy()
    }
  }
}
