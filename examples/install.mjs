/** Installs what the demo needs and no more, on whatever Node is there. Where everything is installed, it stays so. */
import { execSync } from "node:child_process"
import { existsSync } from "node:fs"

const all = existsSync(new URL("../node_modules/vitest", import.meta.url))
execSync(all ? "pnpm install" : "pnpm install --prod --filter . --filter @qq-mini/examples...", { stdio: "inherit" })
