/** What the program of `tour.ts` asks for: the platform behind an HTTP address, and a server that behaves badly. */
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { json } from "node:stream/consumers"
import { nobodyThere } from "../support/nobodyThere.ts"

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  )

/** A server whose answers never end well, and which knows who came and who is gone. */
class Stalls {
  readonly #seen = new Map<string, { come: number; gone: number }>()
  readonly server = createServer((request, response) => {
    const [, path = ""] = request.url!.split("/")
    const seen = this.#at(path)
    seen.come++
    response.on("close", () => seen.gone++)
    request.resume()
    if (path === "stalled" || path === "left") return
    response.writeHead(200, { "content-type": "application/json" })
    if (path === "flood") {
      const chunk = Buffer.alloc(1024 * 1024, 0x20)
      const pour = () => {
        while (!response.destroyed && response.write(chunk)) {
          // until the connection is full
        }
        if (!response.destroyed) response.once("drain", pour)
      }
      pour()
    } else {
      const drip = setInterval(() => response.write(" "), 20)
      response.on("close", () => clearInterval(drip))
    }
  })

  #at(path: string) {
    let seen = this.#seen.get(path)
    if (seen === undefined) this.#seen.set(path, (seen = { come: 0, gone: 0 }))
    return seen
  }

  /** Whether all who came are gone, within half a minute; or whether anybody came. */
  async until(path: string, what: "come" | "gone"): Promise<boolean> {
    for (let i = 0; i < 1_500; i++) {
      const { come, gone } = this.#at(path)
      if (what === "come" ? come > 0 : come > 0 && gone >= come) return true
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return false
  }
}

/** A harness that listens. */
export interface Harness extends AsyncDisposable {
  /** Where the program asks. */
  readonly controlUrl: string
  readonly sandbox: SandboxServer.Running
  readonly stallUrl: string
  readonly stalls: Stalls
}

/** Starts a harness. */
export const startHarness = async (options?: Parameters<typeof SandboxServer.start>[0]): Promise<Harness> => {
  const sandbox = await SandboxServer.start(options)
  const stalls = new Stalls()
  const stallUrl = await listen(stalls.server)

  type Platform = Sandbox.Sandbox["Service"]
  const on = (f: (platform: Platform) => Effect.Effect<unknown>) => sandbox.run(f)
  const answers: Readonly<Record<string, (options: any) => Promise<unknown>>> = {
    welcome: async () => ({
      url: sandbox.url,
      deadUrl: nobodyThere,
      stallUrl,
      riskyText: Sandbox.riskySamples[0],
      template_id: Sandbox.defaultTemplate,
      second: Sandbox.defaultPrograms[1].appid
    }),
    login: (options) => on((platform) => platform.login(options)),
    subscribe: (options) => on((platform) => platform.subscribe(options)),
    fault: (options) => on((platform) => platform.fault(options)),
    heal: () => on((platform) => platform.heal),
    count: ({ endpoint }) => on((platform) => platform.count(endpoint)),
    requests: () => on((platform) => Effect.map(platform.log, (log) => log.length)),
    done: ({ endpoint }) =>
      on((platform) =>
        Effect.map(platform.log, (log) => log.filter((entry) => entry.endpoint === endpoint && entry.code === 0).length)
      ),
    come: ({ path }) => stalls.until(path, "come"),
    gone: ({ path }) => stalls.until(path, "gone")
  }
  const control = createServer(async (request, response) => {
    const answer = answers[request.url!.slice(1)]!
    // a kept connection could be closed here just when a slow client uses it again
    response.setHeader("connection", "close")
    response.end(JSON.stringify((await answer(await json(request))) ?? null))
  })
  const controlUrl = await listen(control)
  return {
    controlUrl,
    sandbox,
    stallUrl,
    stalls,
    [Symbol.asyncDispose]: async () => {
      for (const server of [control, stalls.server]) {
        server.closeAllConnections()
        server.close()
      }
      await sandbox.close()
    }
  }
}
