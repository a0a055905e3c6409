/** What programs hand out, collected to look for secrets in it. */
import type { QQError } from "@qq-mini/core/QQError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import { assert } from "vitest"

/** Everything that can be seen, as one text. */
export class Seen {
  readonly parts: Array<string> = []
  readonly errors: Array<QQError> = []

  add(value: unknown): void {
    this.parts.push(inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: 1_000 }))
    this.parts.push(String(value))
    try {
      this.parts.push(JSON.stringify(value) ?? "")
    } catch {
      // a span refers to itself
    }
    for (let error: any = value; error instanceof Error; error = error.cause) {
      this.parts.push(error.message, error.stack ?? "", JSON.stringify(error))
    }
  }

  readonly logger = Logger.make((options) => {
    this.add(options.message)
    this.parts.push(Cause.pretty(options.cause))
  })

  readonly tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      this.spans.push(span)
      return span
    }
  })
  readonly spans: Array<Tracer.NativeSpan> = []

  run<A, R>(effect: Effect.Effect<A, QQError, R>) {
    return Effect.exit(effect).pipe(
      Effect.tap((exit) => {
        if (Exit.isSuccess(exit)) return Effect.void
        this.add(exit)
        this.add(exit.cause)
        this.parts.push(Cause.pretty(exit.cause))
        const error = Cause.squash(exit.cause) as QQError
        this.errors.push(error)
        this.add(error)
        this.add(error.reason)
        return Effect.void
      }),
      Effect.provide(Logger.layer([this.logger])),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.withTracer(this.tracer)
    )
  }

  text(): string {
    for (const span of this.spans) {
      this.parts.push(span.name, inspect([...span.attributes], { depth: 10 }), inspect(span.events, { depth: 10 }))
      this.parts.push(inspect(span.status, { depth: 20, showHidden: true }))
    }
    return this.parts.join("\n")
  }
}

/** Fails when a text holds one of these secrets, in any encoding. */
export const assertNone = (text: string, secrets: Iterable<string>) => {
  const lower = text.toLowerCase()
  for (const secret of new Set(secrets)) {
    const form = new URLSearchParams({ x: secret }).toString().slice(2)
    for (const shown of [secret, encodeURIComponent(secret), form, Buffer.from(secret).toString("base64")]) {
      const at = lower.indexOf(shown.toLowerCase())
      assert.strictEqual(at, -1, `…${text.slice(Math.max(0, at - 200), at + 20)}`)
    }
  }
}
