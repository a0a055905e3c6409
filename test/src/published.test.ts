/** The package `qq-mini` as it is published: the tests of the clients with promises, run on its bundle. */
import { describe } from "vitest"

// The configuration of vitest replaces the modules that these files import.
describe("promise", async () => void (await import("./promise.test.ts?published")))
describe("startSandbox", async () => void (await import("./startSandbox.test.ts?published")))
describe("bulk/promise", async () => void (await import("./bulk/promise.test.ts?published")))
describe("proxy", async () => void (await import("./proxy.test.ts?published")))
