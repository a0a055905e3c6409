import type * as Endpoint from "@qq-mini/core/Endpoint"
import type * as Fault from "../Fault.ts"

/** One request, as the platform saw it. */
export interface LogEntry {
  /** Milliseconds of the platform's clock. */
  readonly at: number
  /** The call, as `security.msgSecCheck`, or the path when there is no such call. */
  readonly endpoint: string
  readonly appid: string | undefined
  /** The parameters by their wire names, without secrets and tokens; of a file its type and size, of a long text its beginning. */
  readonly params: Readonly<Record<string, unknown>>
  /** The fault that struck. */
  readonly fault: Fault.FaultKind | undefined
  /** The code the platform came to: 0 when it did what was asked; `undefined` when it never got that far. */
  readonly code: number | undefined
}

/** The parameters of a call as the log keeps them. */
export const shownParams = (
  endpoint: Endpoint.Any,
  params: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => !endpoint.secrets?.includes(name))
      .map(([name, value]) => [name, brief(value)])
  )

// Whole images and long texts would fill the memory.
const brief = (value: unknown): unknown => {
  if (typeof value === "string") return value.length > 2_000 ? `${value.slice(0, 2_000)}…` : value
  if (typeof value !== "object" || value === null) return value
  if ("bytes" in value && value.bytes instanceof Uint8Array) {
    return { ...value, bytes: undefined, size: value.bytes.length }
  }
  return value
}
