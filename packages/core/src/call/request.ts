/** Builds the HTTP request of one attempt. */
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AppCredentials } from "../App.ts"
import * as Body from "../Body.ts"
import type { Any } from "../endpoint/definition.ts"
import { answered, type Failure } from "../Retry.ts"
import type { Request } from "../transport/types.ts"
import { maxBytesOf } from "./answer.ts"
import type { Wire } from "./encode.ts"

/** Splits QQ's base URL into the origin and the path prefix. `undefined` if it is not an HTTP URL. */
export const baseOf = (baseUrl: string): { readonly origin: string; readonly path: string } | undefined => {
  try {
    const { origin, pathname, protocol } = new URL(baseUrl)
    return /^https?:$/.test(protocol) ? { origin, path: pathname.replace(/\/+$/, "") } : undefined
  } catch {
    return undefined
  }
}

// A JavaScript timer with a longer delay fires immediately.
const maxTimerMillis = 2 ** 31 - 1

/** The token or the program's credentials that authorise a request. `undefined` if the endpoint needs neither. */
export type Proof = Redacted.Redacted<string> | AppCredentials | undefined

/** Builds the HTTP request of one attempt. The secrets in its query are redacted. */
export const build = (
  endpoint: Any,
  base: { readonly origin: string; readonly path: string },
  options: {
    readonly wire: Wire
    readonly appid: string | undefined
    readonly proof: Proof
    readonly timeout: number
  },
  crypto: Crypto | undefined
): Effect.Effect<Request, Failure> => {
  const { appid, proof, timeout, wire } = options
  const query: Array<Request["query"][number]> = []
  if (Redacted.isRedacted(proof)) query.push(["access_token", proof])
  else if (proof !== undefined) query.push(["appid", proof.appid], ["secret", proof.appsecret])
  const request = {
    method: endpoint.method,
    origin: base.origin,
    path: base.path + endpoint.path,
    query,
    timeout: Math.min(timeout, maxTimerMillis),
    maxBytes: maxBytesOf(endpoint),
    atMostOnce: endpoint.delivery !== "repeatable"
  }
  if (endpoint.compose !== undefined) {
    const token = Redacted.isRedacted(proof) ? proof : undefined
    // Node 16 has no global `crypto`. A signature then fails with a reason.
    const composed = Effect.provideService(endpoint.compose({ wire, appid, token }), WebCrypto, crypto as Crypto)
    return Effect.mapBoth(composed, {
      onFailure: ({ reason }) => answered(reason),
      onSuccess: (composed) => ({ ...request, ...composed, query: [...query, ...composed.query] })
    })
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

/** The secrets of a request, which are removed from QQ's texts: those of its query, and the secret parameters. */
export const secretsOf = (
  { secrets = [] }: Any,
  { query }: Request,
  wire: Wire
): ReadonlyArray<Redacted.Redacted<string>> => [
  ...query.flatMap(([, value]) => (Redacted.isRedacted(value) ? [value] : [])),
  ...secrets.flatMap((name) => {
    const value = wire[name]
    if (value === undefined) return []
    return [Redacted.isRedacted(value) ? (value as Redacted.Redacted<string>) : Redacted.make(String(value))]
  })
]
