/**
 * What QQ's page about a call says, written down once.
 */
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { AppId } from "../App.ts"
import type { Body } from "../Body.ts"
import type { Code } from "../Code.ts"
import type { Limit } from "../Limit.ts"
import type { Delivery } from "../Retry.ts"

/** For which program a call is made, and with which token. Every call takes these beside its own parameters. */
export interface Authority {
  /** The caller's own token. It is used as it is: not stored, and not renewed when QQ refuses it. */
  readonly access_token?: string | Redacted.Redacted<string> | undefined
  /** Another program than the default one. */
  readonly appid?: AppId | undefined
  /** Its secret, unless it is registered. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
}

/** How one call is made, where it differs from the client's own settings. */
export interface CallOptions {
  /** The time for the whole call: quota, token, every attempt and every pause. */
  readonly deadline?: Duration.Input | undefined
  /** The time for one attempt. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** Attempts in all; 1 switches repeating off. */
  readonly attempts?: number | undefined
  /** When a quota is full: `wait` for a place as long as the deadline allows, or `fail` at once. */
  readonly quota?: "wait" | "fail" | undefined
}

/** A schema of what goes in or out. */
export type IO = Schema.Codec<unknown, unknown>

/** What an endpoint is made of. */
export interface Definition<Input extends IO, Wire extends IO, Output extends IO, A> {
  /** What proves the caller's right: a token in the query, appid and secret in the query, or nothing. */
  readonly authority: "access_token" | "secret" | "none"
  /** The caller's parameters: checked and decoded before anything is sent. */
  readonly input: Input
  /** How the decoded parameters travel, by their wire names: in the query of a GET, in the body of a POST. */
  readonly wire: Wire
  /** How a POST's parameters are packed, as `Body.json`, which is the default. */
  readonly body?: Body | undefined
  /** Whether `appid` travels among the body's parameters. */
  readonly appid?: boolean | undefined
  /** Wire names whose values must never be seen. */
  readonly secrets?: ReadonlyArray<string> | undefined
  /** The success, from and to the JSON of QQ's answer. With `image`, from the answer's bytes. */
  readonly output: Output
  readonly image?: boolean | undefined
  /** What of the success the caller gets, by what was asked for. Everything when absent. */
  // A method and not a property: every endpoint has to be an `Any`, and a method's parameters don't stand in the way.
  select?(output: Output["Type"], params: Input["Type"]): A
  /** What QQ's codes mean at this call, where they mean the same nowhere else. */
  readonly codes?: ReadonlyArray<Code> | undefined
  /** Codes that are an answer and not an error. */
  readonly answers?: ReadonlyArray<number> | undefined
  /** QQ's limits. */
  readonly quota?: ReadonlyArray<Limit> | undefined
  readonly delivery: Delivery
}

/** What every endpoint carries, so that it is known as one. */
export const TypeId = "~@qq-mini/core/Endpoint"

/** An endpoint with its name, method and path. */
export interface Endpoint<
  Name extends string,
  Input extends IO = IO,
  Wire extends IO = IO,
  Output extends IO = IO,
  A = unknown
> extends Definition<Input, Wire, Output, A> {
  readonly [TypeId]: typeof TypeId
  readonly endpoint: Name
  readonly method: "GET" | "POST"
  readonly path: string
}

/** Any endpoint. */
export type Any = Endpoint<string>
