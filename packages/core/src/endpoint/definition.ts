/**
 * The types that describe an endpoint of QQ's API.
 */
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { AppId } from "../App.ts"
import type { Body } from "../Body.ts"
import type { Code } from "../Code.ts"
import { type Names, programNames } from "../internal/names.ts"
import type { Help } from "../internal/reason.ts"
import type { Limit } from "../Limit.ts"
import type { Delivery } from "../Retry.ts"

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
  /** Whether the body also contains the parameter `appid`. */
  readonly appid?: boolean | undefined
  /** The wire names of secret parameters. */
  readonly secrets?: ReadonlyArray<string> | undefined
  /** The schema of a successful answer: of its JSON, or with `image` of its bytes. */
  readonly output: Output
  /** Whether the answer is an image. */
  readonly image?: boolean | undefined
  /** Selects the caller's result from the output and the parameters. By default the whole output. */
  // A method, not a property: parameters of methods are bivariant, so that every endpoint is assignable to `Any`.
  select?(output: Output["Type"], params: Input["Type"]): A
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
