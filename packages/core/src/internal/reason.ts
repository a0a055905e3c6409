import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"

/** What happened or what to do, in both languages. */
export interface Help {
  readonly en: string
  readonly zh: string
}

/** What every reason can say of itself. */
export interface ReasonInfo {
  /** Whether the same call, made again later, can have another outcome. */
  readonly isRetryable: boolean
  /** Milliseconds after which to try again, where that is known. */
  readonly retryAfter: number | undefined
  /** What happened and what to do next, in English and Chinese. */
  readonly help: Help
}

// Node and others look for this method when they print a value.
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never

/** Makes a class of errors that show no place in the code. */
export const errorClass = <const Tag extends string>(tag: Tag) => {
  class Base extends Data.TaggedError(tag)<Readonly<Record<string, unknown>>> {
    constructor(fields: Readonly<Record<string, unknown>>) {
      super(fields)
      // Where it was made lies inside the runtime and helps nobody. The promise client puts its caller's place there.
      Object.defineProperty(this, "stack", { value: `${tag}: ${this.message}`, writable: true, configurable: true })
    }
    [inspect](): unknown {
      return this.stack
    }
  }
  return Base as unknown as new <Fields>(
    fields: Fields
  ) => Cause.YieldableError & { readonly _tag: Tag } & Readonly<Fields>
}

/** Makes the class of a reason. */
export const reason = <const Tag extends string>(tag: Tag, help: Help, isRetryable = false) => {
  class Base extends errorClass(tag)<{ readonly meaning?: Help; readonly code?: number; readonly text?: string }> {
    get isRetryable(): boolean {
      return isRetryable
    }
    get retryAfter(): number | undefined {
      return undefined
    }
    get help(): Help {
      return this.meaning ?? help
    }
    override get message(): string {
      const { code, help, text } = this
      return code === undefined ? help.en : `${help.en} (QQ: ${code}${text ? ` "${text}"` : ""})`
    }
  }
  return Base as unknown as new <Fields>(
    fields: Fields
  ) => Cause.YieldableError & { readonly _tag: Tag } & Readonly<Fields> & ReasonInfo
}
