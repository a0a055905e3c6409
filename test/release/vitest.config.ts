import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** The test of the release, which builds and packs all packages several times: `npx -y pnpm@12.21.0 release:test`. */
export default defineConfig({
  test: { root: fileURLToPath(new URL(".", import.meta.url)), include: ["*.test.ts"], hookTimeout: 300_000 }
})
