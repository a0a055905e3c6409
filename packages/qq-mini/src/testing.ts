/** The sandbox for tests, with any test runner. */
export {
  defaultOffer,
  defaultPrograms,
  defaultTemplate,
  riskyColour,
  riskySamples,
  startSandbox,
  type TestSandbox
} from "@qq-mini/sandbox/testing"
export type { Options as SandboxOptions } from "@qq-mini/sandbox/Sandbox"
export type { Fault } from "@qq-mini/sandbox/Fault"
