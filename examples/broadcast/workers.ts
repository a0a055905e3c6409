/**
 * The same message by four processes, which share the work over Redis. They may as well run on four machines.
 *
 *     QQ_APPID=… QQ_APPSECRET=… TEMPLATE_ID=… REDIS=redis://127.0.0.1:6379 node broadcast/workers.ts users.csv
 *
 * Redis must not lose what it has confirmed: start it with `--appendonly yes --appendfsync always`.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const store = process.env["REDIS"] ?? "redis://127.0.0.1:6379"
const worker = fileURLToPath(new URL("csv.ts", import.meta.url))

// One token, one ledger, one queue and one count of limits for all.
const env = { ...process.env, QQ_STORE: store, STORE: store }
const children = Array.from({ length: 4 }, () => fork(worker, process.argv.slice(2), { env, stdio: "pipe" }))
children[0]!.stdout!.pipe(process.stdout)
for (const child of children) child.stderr!.pipe(process.stderr)
// Ctrl-C reaches the children by themselves; a signal to this process alone is passed on.
process.on("SIGINT", () => {})
process.once("SIGTERM", () => children.forEach((child) => child.kill("SIGTERM")))

const codes = await Promise.all(children.map((child) => once(child, "exit").then(([code]) => Number(code))))
process.exitCode = Math.max(...codes)
