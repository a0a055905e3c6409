/** Access to QQ's raw answers, because vk's results contain fields that are not in our schemas. */
import type { Transport } from "@qq-mini/core/Transport"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Json } from "./input.ts"

/** A function that is called with the path and the JSON of each answer. The JSON may contain secrets. */
export const OnAnswer = Context.Reference<((path: string, json: Json) => void) | undefined>(
  "@qq-mini/unicloud/vk/OnAnswer",
  { defaultValue: () => undefined }
)

const utf8 = new TextDecoder("utf-8", { fatal: true })

const objectOf = (bytes: Uint8Array): Json | undefined => {
  try {
    const json: unknown = JSON.parse(utf8.decode(bytes))
    return typeof json === "object" && json !== null ? (json as Json) : undefined
  } catch {
    return undefined
  }
}

/** Wraps a transport so that it passes its answers to {@link OnAnswer}. */
export const listening = (transport: Transport["Service"]): Transport["Service"] => ({
  send: (request) =>
    Effect.tap(transport.send(request), ({ bytes }) =>
      Effect.map(OnAnswer, (onAnswer) => {
        const json = onAnswer === undefined ? undefined : objectOf(bytes)
        if (json !== undefined) onAnswer!(request.path, json)
      })
    )
})
