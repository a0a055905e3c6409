import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/src/**/*.test.ts", "test/src/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
