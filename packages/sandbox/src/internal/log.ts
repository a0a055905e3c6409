import type * as Endpoint from "@qq-mini/core/Endpoint"
import type * as Fault from "../Fault.ts"

/** The log entry of one request. */
export interface LogEntry {
  /** The time of the request, in milliseconds of the platform's clock. */
  readonly at: number
  /** The name of the call, such as `security.msgSecCheck`. The path, if it is not a call. */
  readonly endpoint: string
  /** The program of the call, if known. */
  readonly appid: string | undefined
  /**
   * The parameters by their wire names, without secrets and tokens. A file is replaced by its type and size, and a long
   * text by its first 2,000 characters.
   */
  readonly params: Readonly<Record<string, unknown>>
  /** The fault that hit the call. */
  readonly fault: Fault.FaultKind | undefined
  /** 0 if the call was executed, else the code of the refusal. `undefined` if the call was not processed. */
  readonly code: number | undefined
}

// The names by which signed calls send the session key and the token in their body.
const sentSecrets = new Set(["openkey", "access_token"])

/** The parameters of a call for the log. */
export const shownParams = (
  endpoint: Endpoint.Any,
  params: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => !endpoint.secrets?.includes(name) && !sentSecrets.has(name))
      .map(([name, value]) => [name, brief(value)])
  )

// Whole images and long texts would use too much memory.
const brief = (value: unknown): unknown => {
  if (typeof value === "string") return value.length > 2_000 ? `${value.slice(0, 2_000)}…` : value
  if (typeof value !== "object" || value === null) return value
  if ("bytes" in value && value.bytes instanceof Uint8Array) {
    return { ...value, bytes: undefined, size: value.bytes.length }
  }
  return value
}
