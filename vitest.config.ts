import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The files that take longest come first, so that none of them runs alone in the end. */
const long =
  "simulation/simulation replies redisGroups unicloud/delivery faults unicloud/instances vk/differential queueStores unicloud/stores packages runtimes machines ledgerStores laws/Q1 guide.start guide edge/examples stores commands edge/stores unicloud/install"
    .split(" ")
    .map((name) => `/test/src/${name}.test.ts`)

const rank = ({ moduleId }: TestSpecification) => {
  const place = long.findIndex((name) => moduleId.endsWith(name))
  return place < 0 ? long.length : place
}

class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}

/** Whatever the tests write. `setup.ts` makes it and removes it: `vitest list` loads this file, but runs nothing. */
const folder = join(tmpdir(), `qq-mini-tests-${randomUUID().slice(0, 8)}`)

/** What `qq-mini` publishes in place of these modules. */
const published: Readonly<Record<string, string>> = {
  "@qq-mini/node": "index",
  "@qq-mini/node/NodeBackfill": "backfill",
  "@qq-mini/node/NodeBroadcast": "broadcast",
  "@qq-mini/node/CsvRecipients": "broadcast",
  "@qq-mini/sandbox/testing": "testing"
}

export default defineConfig({
  plugins: [
    {
      // `published.test.ts` imports other files of tests so.
      name: "the package qq-mini as it is published",
      enforce: "pre",
      resolveId: (id, importer) =>
        importer?.endsWith("?published") && Object.hasOwn(published, id)
          ? join(import.meta.dirname, `packages/qq-mini/dist/${published[id]}.js`)
          : undefined
    }
  ],
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/src/**/*.test.ts", "test/src/**/*.test.ts"],
    globalSetup: ["test/src/support/setup.ts"],
    // the user's own token store is none of the tests' business
    env: { TMPDIR: folder, XDG_STATE_HOME: join(folder, "state"), XDG_CACHE_HOME: join(folder, "cache") },
    // for two cores: many tests wait for real time to pass
    maxWorkers: 4,
    // no test changes what another one loads
    isolate: false,
    sequence: { sequencer: LongFirst },
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
