/**
 * Endpoints: one value for each call of QQ's API. The value describes the call, and is also the function that makes it.
 */
import * as Effect from "effect/Effect"
import { QQMini } from "./call/service.ts"
import {
  type CallCredentials,
  type CallOptions,
  type Definition,
  type Endpoint,
  type IO,
  TypeId
} from "./endpoint/definition.ts"
import type { QQError } from "./reason/error.ts"

export type {
  Any,
  CallCredentials,
  CallOptions,
  Composed,
  Definition,
  Endpoint,
  Ingredients,
  OtherAnswer
} from "./endpoint/definition.ts"

/** The function of an endpoint. It takes the input and the options of a call, and fails with `QQError`. */
export interface Callable<A, I> {
  (
    ...args: {} extends I
      ? [input?: I & CallCredentials, options?: CallOptions]
      : [input: I & CallCredentials, options?: CallOptions]
  ): Effect.Effect<A, QQError, QQMini>
}

const parts: ReadonlyArray<keyof Definition<IO, IO, IO, unknown>> = [
  "authorization",
  "input",
  "otherNames",
  "wire",
  "body",
  "compose",
  "appid",
  "secrets",
  "output",
  "image",
  "readOther",
  "select",
  "read",
  "inParts",
  "codes",
  "resultCodes",
  "quota",
  "delivery",
  "ifUnknown"
]

const make =
  (method: "GET" | "POST") =>
  <const Name extends string, Input extends IO, Wire extends IO, Output extends IO, A = Output["Type"]>(
    name: Name,
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
    // A function's own `name` can't be assigned.
    Object.defineProperty(self, "name", { value: name, enumerable: true })
    return Object.assign(self, { [TypeId]: TypeId, method, path })
  }

/**
 * Defines an endpoint that uses GET: its parameters are sent in the query. The definition is evaluated at the first
 * use, so unused endpoints cost no start-up time. Mark the call as pure, so that bundlers can remove unused endpoints.
 */
export const get = make("GET")

/**
 * Defines an endpoint that uses POST: its parameters are sent in the body, its token in the query. The definition is
 * evaluated at the first use.
 */
export const post = make("POST")
