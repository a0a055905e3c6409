/** The content of an item: what the app's function gives, in memory, and named by its hash. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { isObject, isPromiseLike } from "effect/Predicate"
import { type Media, Problem } from "../call/media.ts"
import { sourceOf } from "../content/input.ts"
import type { Help } from "../internal/reason.ts"
import { functions, shown } from "../internal/shown.ts"
import { sha256 } from "../internal/webCrypto.ts"
import { isQQError, type QQError } from "../reason/error.ts"
import { invalid } from "./invalid.ts"

/** What is checked: a text, also a long one, or an image in any form that the `media` of `imgSecCheck` may have. */
export type Content =
  | { readonly text: string; readonly image?: undefined }
  | { readonly image: Media; readonly text?: undefined }

/** A function of the app failed. `cause` is its error. */
export class FunctionFailed extends Data.TaggedError("FunctionFailed")<{
  readonly callback: "content" | "key" | "onVerdict"
  readonly cause: unknown
}> {
  override get message(): string {
    const name = shown(this.cause, functions)
    return `The function ${this.callback} failed (${name}). 函数 ${this.callback} 执行失败（${name}）。`
  }
}

/** Runs a function of the app, which may return a promise or an effect. Its own `QQError` stays as it is. */
export const callFunction = (
  callback: FunctionFailed["callback"],
  run: () => unknown
): Effect.Effect<unknown, QQError | FunctionFailed> => {
  const failed = (cause: unknown) => (isQQError(cause) ? cause : new FunctionFailed({ callback, cause }))
  return Effect.flatMap(Effect.try({ try: run, catch: failed }), (made) => {
    if (Effect.isEffect(made)) {
      const effect = made as Effect.Effect<unknown, unknown>
      return effect.pipe(
        Effect.catchDefect((defect) => Effect.fail(defect)),
        Effect.mapError(failed)
      )
    }
    return isPromiseLike(made) ? Effect.tryPromise({ try: () => made, catch: failed }) : Effect.succeed(made)
  })
}

/** A content in memory. */
export interface Read {
  /** The key of its verdict: the kind, and the SHA-256 of its bytes. */
  readonly key: string
  /** The post that `Content.check` takes. */
  readonly post: { readonly texts: ReadonlyArray<string> } | { readonly images: ReadonlyArray<Uint8Array> }
}

const wrong = (field: string, problem: Help) => Effect.fail(invalid([{ field, problem }]))

const notContent: Help = {
  en: "must return { text: … } or { image: … }, with a text that is not empty or with the bytes of an image",
  zh: "必须返回 { text: … } 或 { image: … }，其中文字不能为空，图片为其字节"
}

const named = (kind: string, content: string | Uint8Array, post: Read["post"]): Effect.Effect<Read, QQError> =>
  Effect.map(sha256(content), (hash) => ({ key: `${kind}:${Hex.encode(hash)}`, post }))

/** Reads a content into memory, and names it. */
export const read = (content: unknown): Effect.Effect<Read, QQError> => {
  const { image, text } = (isObject(content) ? content : {}) as { readonly image?: unknown; readonly text?: unknown }
  if (image === undefined && typeof text === "string" && text !== "") return named("text", text, { texts: [text] })
  if (image === undefined || text !== undefined) return wrong("content", notContent)
  const source = sourceOf(image)
  if (source instanceof Problem) return wrong("content.image", source)
  return source.pipe(
    Effect.catch(({ en, zh }) => wrong("content.image", { en, zh })),
    Effect.flatMap((bytes) => named("image", bytes, { images: [bytes] }))
  )
}
