/** A registry of packages, in memory: what a release asks one, and what it sends. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { json } from "node:stream/consumers"

/** What a package manager sends to publish a version. */
interface Publication {
  readonly name: string
  readonly versions: Readonly<Record<string, unknown>>
  readonly "dist-tags": Readonly<Record<string, string>>
}

export interface Registry extends AsyncDisposable {
  readonly url: string
  /** What was published, in its order: `name@version`. */
  readonly published: ReadonlyArray<string>
  /** Names of packages that it does not accept now. */
  readonly refused: Set<string>
}

export const startRegistry = async (): Promise<Registry> => {
  const packages = new Map<string, Publication>()
  const published: Array<string> = []
  const refused = new Set<string>()
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    }
    const path = decodeURIComponent(new URL(request.url!, "http://registry").pathname.slice(1))
    if (path === "-/whoami") return answer(200, { username: "releaser" })
    if (request.method === "GET") return answer(packages.has(path) ? 200 : 404, packages.get(path) ?? {})
    const publication = (await json(request)) as Publication
    if (refused.has(path)) return answer(500, { error: "out of order" })
    packages.set(path, publication)
    published.push(...Object.keys(publication.versions).map((version) => `${publication.name}@${version}`))
    answer(201, { ok: true })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    published,
    refused,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve()))
  }
}
