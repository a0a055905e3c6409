import * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { LogEntry } from "./log.ts"
import { maskBroken, maskFields } from "./mask.ts"

/** An answer, for people. */
export interface ShownAnswer {
  readonly status: number
  readonly type: string | undefined
  /** The size of the body in bytes. `undefined` if the body is sent in pieces. */
  readonly size: number | undefined
  /** The body, if it is a text. At most 8,000 characters. Secrets, tokens and signatures are masked. */
  readonly text: string | undefined
  /** The body, if it is a picture, as a `data:` URL. */
  readonly picture: string | undefined
}

/** A request with its answer, for people. Secrets, tokens and signatures are masked. */
export interface Exchange extends LogEntry {
  /** Counts the requests to this platform. */
  readonly id: number
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** The Content-Type of the request. */
  readonly type: string | undefined
  /** The answer. `undefined` if the connection broke. */
  readonly answer: ShownAnswer | undefined
}

/** What a reader of the exchanges gets: one of them, or the word that all so far are forgotten. */
export type Seen = Exchange | { readonly id: number; readonly forgotten: true }

/** A request with its answer, as they came and went. */
export interface Raw extends LogEntry {
  readonly method: string
  readonly url: URL
  readonly type: string | undefined
  readonly response: HttpServerResponse.HttpServerResponse | undefined
}

/** How many exchanges are kept for readers that come later. */
const kept = 200

const longest = 8_000

// QQ's JSON comes with any Content-Type.
const isText = (type: string) => !/^(image|audio|video)\//.test(type)

const isPicture = (bytes: Uint8Array) =>
  (bytes[0] === 0x89 && bytes[1] === 0x50) || (bytes[0] === 0xff && bytes[1] === 0xd8) || bytes[0] === 0x47

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")

const brief = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)

const shownText = (bytes: Uint8Array): string => {
  const text = new TextDecoder().decode(bytes)
  try {
    return brief(JSON.stringify(maskFields(JSON.parse(text)), undefined, 2))
  } catch {
    return brief(maskBroken(text))
  }
}

/** The parameters, if they are not too much to be sent to each reader. */
const shownParams = (params: Exchange["params"]): Exchange["params"] => {
  const masked = maskFields(params) as Exchange["params"]
  const text = JSON.stringify(masked)
  return text.length > longest ? { "…": brief(text) } : masked
}

const shownAnswer = ({ body, headers, status }: HttpServerResponse.HttpServerResponse): ShownAnswer => {
  const type = headers["content-type"] ?? ("contentType" in body ? body.contentType : undefined)
  if (body._tag !== "Uint8Array") return { status, type, size: undefined, text: undefined, picture: undefined }
  const bytes = body.body
  const picture = isPicture(bytes) && bytes.length <= 64 * 1024
  return {
    status,
    type,
    size: bytes.length,
    text: picture || !isText(type ?? "") ? undefined : shownText(bytes),
    picture: picture ? `data:image/png;base64,${base64(bytes)}` : undefined
  }
}

const shown = (
  id: number,
  { appid, at, code, endpoint, fault, method, params, response, type, url }: Raw
): Exchange => ({
  id,
  at,
  endpoint,
  appid,
  method,
  path: url.pathname,
  query: maskFields(Object.fromEntries(url.searchParams)) as Readonly<Record<string, string>>,
  type,
  params: shownParams(params),
  fault,
  code,
  answer: response === undefined ? undefined : shownAnswer(response)
})

/** The last requests with their answers. A reader gets those that are kept, then the new ones. */
export class Exchanges {
  #last = 0
  // A slow reader misses the oldest ones: nothing grows.
  readonly #hub = Effect.runSync(PubSub.sliding<() => Seen>({ capacity: kept, replay: kept }))

  /** Adds an exchange. It is made fit for people only if somebody reads it. */
  add(raw: Raw): Effect.Effect<void> {
    const id = ++this.#last
    let exchange: Exchange | undefined
    return Effect.asVoid(PubSub.publish(this.#hub, () => (exchange ??= shown(id, raw))))
  }

  /** Tells the readers to forget all so far. */
  readonly clear: Effect.Effect<void> = Effect.suspend(() => {
    const seen: Seen = { id: ++this.#last, forgotten: true }
    return Effect.asVoid(PubSub.publish(this.#hub, () => seen))
  })

  /** Those that are kept, then the new ones. */
  readonly stream: Stream.Stream<Seen> = Stream.map(Stream.fromPubSub(this.#hub), (seen) => seen())
}
