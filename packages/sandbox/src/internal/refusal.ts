import * as Effect from "effect/Effect"

/** A refusal by the platform: the code and the text of QQ's answer. */
export class Refusal {
  readonly _tag = "Refusal"
  readonly code: number
  readonly text: string
  constructor(code: number, text: string) {
    this.code = code
    this.text = text
  }
}

/** Fails with a refusal. */
export const refuse = (code: number, text: string) => Effect.fail(new Refusal(code, text))
