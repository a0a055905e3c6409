/**
 * The types that describe an endpoint of QQ's API.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { AppId } from "../App.ts"
import type { Body } from "../Body.ts"
import type { Code } from "../Code.ts"
import type { ImagePreparer } from "../ImagePreparer.ts"
import { type Names, programNames } from "../internal/names.ts"
import type { Help } from "../internal/reason.ts"
import type { Limit } from "../Limit.ts"
import type { Reason } from "../reason/client.ts"
import type { InvalidInput } from "../reason/input.ts"
import type { QQError } from "../reason/error.ts"
import type { Delivery } from "../Retry.ts"
import type { Request } from "../transport/types.ts"

/** The program and the token of a call. Every call accepts these parameters in addition to its own. */
export interface CallCredentials {
  /** The caller's own token. It is neither stored nor renewed when QQ refuses it. */
  readonly access_token?: string | Redacted.Redacted<string> | undefined
  /** The program of the call. By default the client's default program. */
  readonly appid?: AppId | undefined
  /** The AppSecret of `appid`. Needed only if the program is not registered. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
}

/** The names of {@link CallCredentials}. */
export const credentialNames = {
  access_token: ["token"],
  ...programNames
} satisfies Record<keyof CallCredentials, ReadonlyArray<string>>

/** Options of one call. They override the client's settings. */
export interface CallOptions {
  /** Timeout of the whole call: quota, token, all attempts and pauses. A number is milliseconds. */
  readonly deadline?: Duration.Input | undefined
  /** Timeout of one attempt. A number is milliseconds. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The total number of attempts. 1 disables retries. */
  readonly attempts?: number | undefined
  /** If a quota is full: `wait` for a place until the deadline, or `fail` immediately. By default `wait`. */
  readonly quota?: "wait" | "fail" | undefined
}

/** The names of {@link CallOptions}. */
export const optionNames = {
  deadline: ["timeout"],
  attemptTimeout: ["timeout"],
  attempts: ["retries", "maxRetries"],
  quota: []
} satisfies Record<keyof CallOptions, ReadonlyArray<string>>

/** A schema of the input, the wire parameters or the output of a call. */
export type IO = Schema.Codec<unknown, unknown>

/** The input of a call, with all parameters in memory. */
export type Reading = Effect.Effect<Readonly<Record<string, unknown>>, InvalidInput>

/** What a call of several requests needs. */
export interface Steps<Wire, Output> {
  /** Sends one request, with quota, token and retries. */
  // A method, as in `Definition`.
  send(wire: Wire): Effect.Effect<Output, Reason>
  /** Ends other work of the call at the call's deadline. */
  readonly inTime: <A>(work: Effect.Effect<A, Reason>) => Effect.Effect<A, Reason>
  /** The client's preparer of pictures. */
  readonly imagePreparer: ImagePreparer | undefined
}

/** What a request is composed of. */
export interface Ingredients<Wire> {
  /** The encoded parameters. */
  readonly wire: Wire
  /** The program, if known. */
  readonly appid: string | undefined
  /** The token of this attempt. It is in the query already. */
  readonly token: Redacted.Redacted<string> | undefined
}

/** A request as an endpoint composed it. `query` follows the token. */
export type Composed = Pick<Request, "query" | "headers" | "body">

/** An HTTP answer that an endpoint reads by itself. */
export interface RawAnswer {
  readonly status: number
  readonly bytes: Uint8Array
}

/** An answer in a form that is not QQ's: a value for the output schema, or a code and a text that refuse the call. */
export type OtherAnswer = { readonly output: unknown } | { readonly code: number; readonly text: string }

/** The parts of an endpoint's definition. */
export interface Definition<Input extends IO, Wire extends IO, Output extends IO, A> {
  /** How the request is authorised: by a token in the query, by appid and secret in the query, or not at all. */
  readonly authorization: "access_token" | "secret" | "none"
  /** The schema of the caller's parameters. They are checked and decoded before anything is sent. */
  readonly input: Input
  /**
   * Parameters by other names that QQ's samples or other clients have for them: `{ path: ["page"] }`. They are not
   * taken, but their error gives the right name.
   */
  readonly otherNames?: Names | undefined
  /**
   * The schema that encodes the decoded parameters by their wire names, for the query of a GET or the body of a POST.
   */
  readonly wire: Wire
  /** The encoding of a POST body. By default `Body.json`. */
  readonly body?: Body | undefined
  /**
   * Composes the query, the headers and the body of each attempt, for calls that sign what they send or send the token in
   * their body. By default the wire parameters are the query of a GET or the body of a POST.
   */
  // Methods, not properties: parameters of methods are bivariant, so that every endpoint is assignable to `Any`.
  compose?(ingredients: Ingredients<Wire["Encoded"]>): Effect.Effect<Composed, QQError>
  /** Whether the request also contains the parameter `appid`. */
  readonly appid?: boolean | undefined
  /** The wire names of secret parameters. */
  readonly secrets?: ReadonlyArray<string> | undefined
  /** The schema of a successful answer: of its JSON, or with `image` of its bytes. */
  readonly output: Output
  /** Whether the answer is an image. */
  readonly image?: boolean | undefined
  /** Reads an answer in a form that is not QQ's. Returns `undefined` for all others. */
  readOther?(answer: RawAnswer): OtherAnswer | undefined
  /** Selects the caller's result from the output and the parameters. By default the whole output. */
  select?(output: Output["Type"], params: Input["Type"]): A
  /**
   * Reads parameters that are not in memory, such as a stream, before the input is checked. Returns `undefined` if
   * there are none.
   */
  read?(input: Readonly<Record<string, unknown>>): Reading | undefined
  /** Makes the call of several requests, each with its own wire parameters. Returns `undefined` for a single request. */
  inParts?(params: Input["Type"], steps: Steps<Wire["Type"], Output["Type"]>): Effect.Effect<A, Reason> | undefined
  /** The meaning of QQ's error codes for this call, if it differs from the common one. */
  readonly codes?: ReadonlyArray<Code> | undefined
  /** Error codes that are a result of this call and not an error. */
  readonly resultCodes?: ReadonlyArray<number> | undefined
  /** QQ's limits for this call. */
  readonly quota?: ReadonlyArray<Limit> | undefined
  /** Whether the call may be repeated. */
  readonly delivery: Delivery
  /** What to know before the call is repeated, when it is unknown whether QQ executed it. */
  readonly ifUnknown?: Help | undefined
}

/** The key that identifies endpoints. */
export const TypeId = "~@qq-mini/core/Endpoint"

/** An endpoint: its definition with name, HTTP method and path. */
export interface Endpoint<
  Name extends string,
  Input extends IO = IO,
  Wire extends IO = IO,
  Output extends IO = IO,
  A = unknown
> extends Definition<Input, Wire, Output, A> {
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly method: "GET" | "POST"
  readonly path: string
}

/** Any endpoint. */
export type Any = Endpoint<string>
