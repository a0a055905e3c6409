import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

/** They count what many processes do in real time, so nothing that takes a whole core runs beside them. */
const deployments = ["machines", "outages", "quota", "unicloud/instances"].map((name) => `test/src/${name}.test.ts`)

/** Whatever the tests write; `setup.ts` removes it in the end. */
const folder = mkdtempSync(join(tmpdir(), "qq-mini-tests-"))

export default defineConfig({
  test: {
    globalSetup: ["test/src/support/setup.ts"],
    // the user's own token store is none of the tests' business
    env: { TMPDIR: folder, XDG_STATE_HOME: join(folder, "state") },
    // for two cores: many tests wait for real time to pass
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "each",
          include: ["packages/*/test/**/*.test.ts", "examples/src/**/*.test.ts", "test/src/**/*.test.ts"],
          exclude: deployments
        }
      },
      { extends: true, test: { name: "deployments", include: deployments, sequence: { groupOrder: 1 } } }
    ]
  }
})
