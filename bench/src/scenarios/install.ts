/**
 * What a client costs before its first call: packages and bytes of an installation into an empty folder, and CPU time of
 * loading it on Node 22, with `require` and with `import`. Ours are installed from their tarballs. All are loaded in turn;
 * what a process costs that loads nothing is taken off.
 */
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { nodeBinary } from "../../../test/src/runtimes/runtimes.ts"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../../..", import.meta.url))
const rounds = Number(process.argv[3] ?? 15)
const node = nodeBinary(22)
const peers = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")).dependencies

const folder = await mkdtemp(join(tmpdir(), "qq-mini-install-"))

/** The tarball of a package of the workspace. */
const pack = async (name: string): Promise<string> => {
  const { stdout } = await run("npx", ["-y", "pnpm@12.21.0", "pack", "--json", "--pack-destination", folder], {
    cwd: join(root, "packages", name)
  })
  return JSON.parse(stdout.slice(stdout.indexOf("{\n"))).filename
}

interface Subject {
  readonly name: string
  /** What is loaded. */
  readonly module: string
  /** What is given to `npm install`. */
  readonly install: ReadonlyArray<string>
}

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[values.length >> 1]!

try {
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--build"], { cwd: root })
  const plain = await pack("qq-mini")
  const tarballs = [await pack("core"), await pack("node")]
  const subjects: ReadonlyArray<Subject> = [
    { name: "qq-mini", module: "qq-mini", install: [plain] },
    { name: "@qq-mini/node with effect", module: "@qq-mini/node", install: tarballs },
    ...["co-wechat-api", "tnwx", "stripe"].map((name) => ({ name, module: name, install: [`${name}@${peers[name]}`] }))
  ]

  const sizes = new Map<string, { readonly packages: number; readonly bytes: number }>()
  for (const { install, name } of subjects) {
    const app = join(folder, name.replaceAll("/", "-"))
    await mkdir(app)
    await writeFile(join(app, "package.json"), "{}")
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...install], { cwd: app })
    const lock = JSON.parse(await readFile(join(app, "node_modules/.package-lock.json"), "utf8"))
    const files = (await readdir(join(app, "node_modules"), { recursive: true, withFileTypes: true })).filter(
      (one) => one.isFile() && one.name !== ".package-lock.json"
    )
    const bytes = await Promise.all(files.map(async (one) => (await stat(join(one.parentPath, one.name))).size))
    sizes.set(name, { packages: Object.keys(lock.packages).length, bytes: bytes.reduce((sum, one) => sum + one, 0) })
  }

  const tell = `const { system, user } = process.cpuUsage(); console.log((system + user) / 1e3)`
  const ways = {
    require: { file: "load.cjs", code: (module: string) => `require(${JSON.stringify(module)})` },
    import: { file: "load.mjs", code: (module: string) => `await import(${JSON.stringify(module)})` }
  }
  const cpu = async (app: string, file: string): Promise<number> =>
    Number((await run(node, ["--no-warnings", file], { cwd: app })).stdout.trim().split("\n").at(-1))

  const nothing: Record<string, Array<number>> = { require: [], import: [] }
  const seen = new Map(subjects.map(({ name }) => [name, { require: [], import: [] } as Record<string, Array<number>>]))
  for (const { file } of Object.values(ways)) await writeFile(join(folder, file), tell)
  for (const { module, name } of subjects) {
    for (const { code, file } of Object.values(ways)) {
      await writeFile(join(folder, name.replaceAll("/", "-"), file), `${code(module)}\n${tell}`)
    }
  }
  for (let round = 0; round <= rounds; round++) {
    for (const [way, { file }] of Object.entries(ways)) {
      const bare = await cpu(folder, file)
      // The first round fills caches of the system, and does not count.
      if (round > 0) nothing[way]!.push(bare)
      for (const { name } of subjects) {
        const cost = await cpu(join(folder, name.replaceAll("/", "-")), file)
        if (round > 0) seen.get(name)![way]!.push(cost)
      }
    }
  }

  const loading = (name: string, way: string) => ({
    least: Math.min(...seen.get(name)![way]!) - Math.min(...nothing[way]!),
    median: median(seen.get(name)![way]!) - median(nothing[way]!)
  })
  console.log(
    JSON.stringify(
      subjects.map(({ name }) => ({
        name,
        ...sizes.get(name)!,
        require: loading(name, "require"),
        import: loading(name, "import")
      }))
    )
  )
} finally {
  await rm(folder, { recursive: true })
}
