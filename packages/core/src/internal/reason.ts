import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"

/** A text in two languages. */
export interface Help {
  /** English. */
  readonly en: string
  /** Chinese. */
  readonly zh: string
}

/** The properties that every reason of a `QQError` has. */
export interface ReasonInfo {
  /** Whether the same call may succeed later. */
  readonly isRetryable: boolean
  /** Milliseconds to wait before the next try, if known. */
  readonly retryAfter: number | undefined
  /** What happened and what to do next, in English and Chinese. */
  readonly help: Help
  /** The facts of this failure in English, without advice. Empty if there are none. */
  readonly detail: string
}

// Node and other runtimes call this method to print a value.
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never

/** Makes an error class whose stack has no frames. */
export const errorClass = <const Tag extends string>(tag: Tag) => {
  class Base extends Data.TaggedError(tag)<Readonly<Record<string, unknown>>> {
    constructor(fields: Readonly<Record<string, unknown>>) {
      super(fields)
      // All frames would be inside the runtime, and not helpful. The promise client adds the frames of its caller.
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

/** Makes the class of an error reason. `help` is its default help text. */
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
    get detail(): string {
      const { code, text } = this
      return code === undefined ? "" : `(QQ: ${code}${text ? ` "${text}"` : ""})`
    }
    override get message(): string {
      return `${this.help.en} ${this.detail}`.trimEnd()
    }
  }
  return Base as unknown as new <Fields>(
    fields: Fields
  ) => Cause.YieldableError & { readonly _tag: Tag } & Readonly<Fields> & ReasonInfo
}
