/** QQ's raw answers for the facade, whose results have all of QQ's fields, and what `request` changes of its request. */
import * as Exchange from "@qq-mini/core/adapter/exchange"
import type { Request, Transport } from "@qq-mini/core/Transport"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Json } from "./json.ts"

/** An answer. */
export interface Heard {
  /** The HTTP status. */
  readonly status: number
  /** The body. */
  readonly bytes: Uint8Array
  /** The body, if it is a JSON object, without the token and the secret of its request. */
  readonly json: Json | undefined
}

/** A function that is called with the path and each answer. The answer may contain other secrets. */
export const OnAnswer = Context.Reference<((path: string, heard: Heard) => void) | undefined>(
  "@qq-mini/unicloud/vk/OnAnswer",
  { defaultValue: () => undefined }
)

/** What to change of the request to a path. */
export interface Changed {
  /** The end of the path. */
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

/** The change of the request that a call makes. */
export const Changes = Context.Reference<Changed | undefined>("@qq-mini/unicloud/vk/Changes", {
  defaultValue: () => undefined
})

// A text of fewer characters is no secret of QQ's.
const shortestSecret = 8

/** S1: the secrets that authorise a request. A login code is none: it can be used once, and has been. */
const secretsOf = ({ query }: Request): ReadonlyArray<string> =>
  query.flatMap(([name, value]) =>
    Redacted.isRedacted(value) && name !== "js_code" && Redacted.value(value).length >= shortestSecret
      ? [Redacted.value(value)]
      : []
  )

const objectOf = (bytes: Uint8Array, secrets: ReadonlyArray<string>): Json | undefined => {
  const fields = Exchange.fieldsOf(bytes)
  if (fields === undefined) return undefined
  try {
    return JSON.parse(JSON.stringify(fields), (_, value: unknown) =>
      typeof value === "string" ? secrets.reduce((text, secret) => text.split(secret).join("<redacted>"), value) : value
    )
  } catch {
    // It is nested too deeply.
    return undefined
  }
}

/** A transport that passes its answers on, and QQ's last answer to getToken for each program. */
export const listen = () => {
  const granted = new Map<string, Json>()

  const wrap = ({ send }: Transport["Service"]): Transport["Service"] => ({
    send: Effect.fnUntraced(function* (request) {
      const { path } = request
      const changed = yield* Changes
      const mine = changed !== undefined && path.endsWith(changed.path)
      const response = yield* send(
        mine
          ? ({ ...request, method: changed.method, headers: { ...request.headers, ...changed.headers } } as Request)
          : request
      )
      const onAnswer = yield* OnAnswer
      const json = objectOf(response.bytes, secretsOf(request))
      if (path.endsWith("/api/getToken") && json !== undefined) {
        granted.set(String(request.query.find(([name]) => name === "appid")?.[1]), json)
      }
      onAnswer?.(path, { status: response.status, bytes: response.bytes, json })
      return response
    })
  })
  return {
    wrap,
    /** QQ's last answer to getToken for a program. It contains the token. */
    granted: (appid: string): Json => granted.get(appid) ?? {}
  }
}
