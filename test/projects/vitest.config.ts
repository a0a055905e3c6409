import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** Whatever the projects write. `setup.ts` makes it and removes it. */
const folder = join(tmpdir(), `qq-mini-projects-${randomUUID().slice(0, 8)}`)

/** The projects: `npx -y pnpm@12.21.0 projects` runs them all, `npx -y pnpm@12.21.0 projects nest` one. */
export default defineConfig({
  cacheDir: join(folder, "vite"),
  test: {
    root: fileURLToPath(new URL(".", import.meta.url)),
    include: ["*.test.ts"],
    globalSetup: ["setup.ts"],
    env: { TMPDIR: folder, XDG_STATE_HOME: join(folder, "state"), XDG_CACHE_HOME: join(folder, "cache") },
    reporters: ["verbose"],
    // for two cores: npm waits for the disk, and the compilers of the projects need a core each
    maxWorkers: 2,
    pool: "threads",
    testTimeout: 300_000,
    hookTimeout: 600_000
  }
})
