/** QQ: the sandbox, and what it came to with each request. */
import * as Auth from "@qq-mini/core/Auth"
import { targetOf } from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import type { Process } from "./scheduler.ts"

/** One request, as QQ saw it. */
export interface Asked {
  readonly endpoint: string
  /** QQ's code: 0 when it did what was asked, `undefined` when it came to nothing. */
  readonly code: number | undefined
  /** The token that it brought, or that it got. */
  readonly token: string | undefined
  /** The text of a check, or of a message. */
  readonly text: string
  /** Whether the answer was spoiled, or is that QQ is busy. */
  readonly isDisturbed: boolean
  /** `undefined` when the connection broke. */
  readonly response: Transport.Response | undefined
}

export const app = Sandbox.defaultPrograms[0]
export const template = Sandbox.defaultTemplate

const utf8 = new TextDecoder()

export class Platform {
  readonly #process: Process
  readonly #sandbox: Sandbox.Sandbox["Service"]
  readonly openid: string

  constructor(process: Process, switches: Partial<Sandbox.Switches>) {
    this.#process = process
    // the laws count instead of a quota
    this.#sandbox = process.now(Sandbox.make({ switches, quota: unlimited }))
    this.openid = this.run((sandbox) => sandbox.login()).openid
    this.run((sandbox) => sandbox.subscribe({ openid: this.openid, times: 1_000 }))
  }

  run<A>(body: (sandbox: Sandbox.Sandbox["Service"]) => Effect.Effect<A>): A {
    return this.#process.now(body(this.#sandbox))
  }

  // Straight to the platform: the way over an HTTP client costs more than all else in a run.
  #answer(request: Transport.Request): Transport.Response | undefined {
    const { body, headers, method, origin } = request
    const bare = HttpClientRequest.make(method)(origin + targetOf(request))
    const type = headers["content-type"]
    const outgoing = typeof body === "string" ? HttpClientRequest.bodyText(bare, body, type) : bare
    const response = this.run(({ handle }) =>
      Effect.provideService(handle, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(outgoing))
    )
    if (response?.body._tag !== "Uint8Array") return undefined
    return { status: response.status, retryAfter: response.headers["retry-after"], bytes: response.body.body }
  }

  receive(request: Transport.Request): Asked {
    const response = this.#answer(request)
    const [entry] = this.run((sandbox) => sandbox.log)
    this.run((sandbox) => sandbox.clearLog)
    const { code, endpoint, fault, params } = entry!
    const data = params["data"] as { readonly keyword1: { readonly value: string } } | undefined
    const text = String(params["content"] ?? data?.keyword1.value ?? "")
    const isDisturbed = fault !== undefined && fault !== "badToken"
    return { endpoint, code, token: tokenOf(request, endpoint, response), text, isDisturbed, response }
  }
}

const unlimited = { "security.msgSecCheck": [], "subscribeMessage.send": [] }

const tokenOf = (
  { query }: Transport.Request,
  endpoint: string,
  response: Transport.Response | undefined
): string | undefined => {
  if (endpoint !== Auth.getAccessToken.name) {
    const token = query.find(([name]) => name === "access_token")?.[1]
    return Redacted.isRedacted(token) ? Redacted.value(token) : token
  }
  const text = response === undefined ? "" : utf8.decode(response.bytes)
  return /"access_token":"(\w+)"/.exec(text)?.[1]
}
