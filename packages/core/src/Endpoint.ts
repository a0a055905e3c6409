/**
 * An endpoint as a value: QQ's page about a call, written down once. The value is also the function that calls it.
 */
import * as Effect from "effect/Effect"
import { QQMini } from "./call/service.ts"
import {
  type Authority,
  type CallOptions,
  type Definition,
  type Endpoint,
  type IO,
  TypeId
} from "./endpoint/definition.ts"
import type { QQError } from "./reason/error.ts"

export type { Any, Authority, CallOptions, Definition, Endpoint } from "./endpoint/definition.ts"

/** An endpoint that can be called. */
export interface Callable<A, I> {
  (
    ...args: {} extends I
      ? [input?: I & Authority, options?: CallOptions]
      : [input: I & Authority, options?: CallOptions]
  ): Effect.Effect<A, QQError, QQMini>
}

// the parts of a definition
const parts: ReadonlyArray<keyof Definition<IO, IO, IO, unknown>> = [
  "authority",
  "input",
  "wire",
  "body",
  "appid",
  "secrets",
  "output",
  "image",
  "select",
  "codes",
  "answers",
  "quota",
  "delivery"
]

const make =
  (method: "GET" | "POST") =>
  <const Name extends string, Input extends IO, Wire extends IO, Output extends IO, A = Output["Type"]>(
    endpoint: Name,
    path: string,
    definition: () => Definition<Input, Wire, Output, A>
  ): Endpoint<Name, Input, Wire, Output, A> & Callable<A, Input["Encoded"]> => {
    type Self = Endpoint<Name, Input, Wire, Output, A> & Callable<A, Input["Encoded"]>
    const self = ((input?: unknown, options?: CallOptions) =>
      Effect.flatMap(QQMini, (client) => client.call(self, input ?? {}, options))) as unknown as Self
    const define = () => {
      const made = definition()
      for (const part of parts) Object.defineProperty(self, part, { value: made[part] })
      return made
    }
    for (const part of parts) {
      Object.defineProperty(self, part, { configurable: true, enumerable: true, get: () => define()[part] })
    }
    return Object.assign(self, { [TypeId]: TypeId, endpoint, method, path })
  }

/**
 * An endpoint that is a GET: its parameters travel in the query. It is defined when it is first called, so what a program
 * does not call costs it neither time nor, bundled, room: mark it pure for that.
 */
export const get = make("GET")

/** An endpoint that is a POST: its parameters travel in the body, its token in the query. It too is defined when called. */
export const post = make("POST")
