import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { isIP } from "node:net"

/** Whether a Host header names this machine or an address. A name of a DNS server could be made to lead here. */
const isOwnHost = (host: string): boolean => {
  const name = URL.parse(`http://${host}`)?.hostname ?? ""
  return name === "localhost" || isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0
}

/**
 * Whether a request comes from the console's own page or from a program on this machine. The sandbox is on a
 * developer's machine, where the browser also shows foreign pages.
 */
export const isOwn: Effect.Effect<boolean, never, HttpServerRequest.HttpServerRequest> = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ headers: { host = "", origin } }) => isOwnHost(host) && (origin === undefined || origin === `http://${host}`)
)
