/** The HTTP request of one attempt. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AppCredentials } from "../App.ts"
import * as Body from "../Body.ts"
import type { Any } from "../endpoint/definition.ts"
import type { Request } from "../transport/types.ts"
import { maxBytesOf } from "./answer.ts"
import type { Wire } from "./encode.ts"

/** Where QQ is: an origin, and the path before those of its calls. `undefined` for what is no address. */
export const baseOf = (baseUrl: string): { readonly origin: string; readonly path: string } | undefined => {
  try {
    const { origin, pathname, protocol } = new URL(baseUrl)
    return /^https?:$/.test(protocol) ? { origin, path: pathname.replace(/\/+$/, "") } : undefined
  } catch {
    return undefined
  }
}

// A timer of more milliseconds fires at once.
const maxTimer = 2 ** 31 - 1

/** What proves the caller's right: a token, a program's credentials, or nothing. */
export type Proof = Redacted.Redacted<string> | AppCredentials | undefined

/** The HTTP request of one attempt. Secrets are redacted in it until it is sent. */
export const build = (
  endpoint: Any,
  base: { readonly origin: string; readonly path: string },
  options: {
    readonly wire: Wire
    readonly appid: string | undefined
    readonly proof: Proof
    readonly timeout: number
  }
): Effect.Effect<Request> => {
  const { appid, proof, timeout, wire } = options
  const query: Array<Request["query"][number]> = []
  if (Redacted.isRedacted(proof)) query.push(["access_token", proof])
  else if (proof !== undefined) query.push(["appid", proof.appid], ["secret", proof.appsecret])
  const request = {
    method: endpoint.method,
    origin: base.origin,
    path: base.path + endpoint.path,
    query,
    timeout: Math.min(timeout, maxTimer),
    maxBytes: maxBytesOf(endpoint),
    atMostOnce: endpoint.delivery !== "repeatable"
  }
  if (endpoint.method === "GET") {
    for (const [name, value] of Object.entries(wire)) {
      if (value === undefined) continue
      query.push([name, endpoint.secrets?.includes(name) ? Redacted.make(String(value)) : String(value)])
    }
    return Effect.succeed({ ...request, headers: {}, body: undefined })
  }
  const parameters = endpoint.appid ? { appid, ...wire } : wire
  return Effect.map((endpoint.body ?? Body.json)(parameters), ({ body, contentType }) => ({
    ...request,
    headers: { "content-type": contentType },
    body
  }))
}

/** What of a request must never be seen in a text: its token or secret, and the parameters that the endpoint names. */
export const secretsOf = (
  { secrets = [] }: Any,
  { proof, wire }: { readonly wire: Wire; readonly proof: Proof }
): ReadonlyArray<Redacted.Redacted<string>> => [
  ...(proof === undefined ? [] : [Redacted.isRedacted(proof) ? proof : proof.appsecret]),
  ...secrets.flatMap((name) => (wire[name] === undefined ? [] : [Redacted.make(String(wire[name]))]))
]
