/** The release, in a copy of the repository: what it shows, refuses and publishes. */
import { execFile } from "node:child_process"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type Registry, startRegistry } from "./registry.ts"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../..", import.meta.url))
const names = ["@qq-mini/core", "@qq-mini/edge", "@qq-mini/node", "@qq-mini/sandbox", "@qq-mini/unicloud", "qq-mini"]

describe("the release", { timeout: 900_000 }, () => {
  let registry: Registry
  let folder: string
  let copy: string
  /** The version of the copy, and the one after it. */
  let now: string
  let next: string

  const git = async (...args: ReadonlyArray<string>) => (await run("git", args, { cwd: copy })).stdout.trim()
  const commit = async (title: string) => {
    await git("add", "--all")
    await git("commit", "--quiet", "--allow-empty", "--message", title)
    await git("push", "--quiet", "origin", "main")
  }
  /** Everything that a dry run must leave as it is. */
  const state = async () => [
    await git("status", "--porcelain"),
    await git("rev-parse", "HEAD"),
    await git("tag"),
    (await git("worktree", "list")).split("\n").length
  ]
  const env = () => ({
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
    PNPM_CONFIG_REGISTRY: registry.url,
    PNPM_CONFIG_NPMRC_AUTH_FILE: join(folder, "npmrc")
  })
  const pnpm = (...args: ReadonlyArray<string>) =>
    run("npx", ["-y", "pnpm@12.21.0", ...args], { cwd: copy, env: env() })
  const release = (...args: ReadonlyArray<string>) => pnpm("release", ...args)
  /** What a command that fails says. */
  const failure = async (running: Promise<unknown>): Promise<string> => {
    const error = await running.then(
      () => undefined,
      (error: { readonly stderr: string }) => error
    )
    assert.isDefined(error, "the release did not fail")
    return error!.stderr
  }
  /** Why nothing is released, without the install that comes before. */
  const refusal = () => {
    const { PATH, ...others } = env()
    const options = { cwd: copy, env: { ...others, PATH: `${join(copy, "node_modules/.bin")}:${PATH}` } }
    return failure(run(process.execPath, [".changeset/release.ts", "--dry-run"], options))
  }
  const changeset = (text: string) =>
    writeFile(join(copy, ".changeset/new.md"), `---\n"@qq-mini/node": minor\n"qq-mini": patch\n---\n\n${text}\n`)

  beforeAll(async () => {
    registry = await startRegistry()
    folder = await mkdtemp(join(tmpdir(), "qq-mini-release-test-"))
    copy = join(folder, "copy")
    const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root })
    const files = new Set(stdout.split("\0"))
    await cp(root, copy, {
      recursive: true,
      filter: (path) => {
        const name = path.slice(root.length)
        return name === "" || files.has(name) || [...files].some((file) => file.startsWith(`${name}/`))
      }
    })
    const { version } = JSON.parse(await readFile(join(copy, "packages/core/package.json"), "utf8"))
    now = version
    next = version.replace(/\.(\d+)\.\d+$/, (_: string, minor: string) => `.${Number(minor) + 1}.0`)

    await run("git", ["init", "--quiet", "--bare", "--initial-branch", "main", join(folder, "origin")])
    await git("init", "--quiet", "--initial-branch", "main")
    await git("config", "user.name", "Releaser")
    await git("config", "user.email", "releaser@example.com")
    await git("remote", "add", "origin", join(folder, "origin"))
    // The tests are this one's caller.
    await writeFile(join(copy, ".ci/run"), "exit 0\n")
    await rm(join(copy, ".changeset"), { recursive: true })
    await cp(join(root, ".changeset"), join(copy, ".changeset"), {
      recursive: true,
      filter: (path) => !path.endsWith(".md")
    })
    await commit("The copy")
    await writeFile(join(folder, "npmrc"), `//${new URL(registry.url).host}/:_authToken=a-token\n`)
    await pnpm("pretest")
  })
  afterAll(async () => {
    await registry[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  it("refuses trees that are not main's, and says which", async () => {
    await git("tag", `v${now}`)
    assert.include(await refusal(), `${now} is released, and nothing has changed since`)
    await git("checkout", "--quiet", "-b", "feature")
    assert.include(await refusal(), "A release is made from main, and this is feature.")
    await git("checkout", "--quiet", "main")
    await changeset("In English alone.")
    assert.include(await refusal(), "not committed:\n?? .changeset/new.md")
    await commit("A change")
    assert.include(await refusal(), ".changeset/new.md does not say in Chinese what changed.")
    await git("reset", "--quiet", "--hard", "HEAD~1")
    assert.include(await refusal(), "main lacks 1 commits of origin.")
    await git("reset", "--quiet", "--hard", "origin/main")
  })

  it("the dry run shows it all, and changes nothing", async () => {
    await changeset("A store for `$&`.\n\n新增 `$&` 存储。")
    await commit("A change in both languages")
    const before = await state()
    const { stdout } = await release("--dry-run")
    assert.include(stdout, `${now} → ${next}`)
    assert.include(stdout, `## ${next}\n\n### New\n\n- **node, qq-mini**: A store for \`$&\`.`)
    assert.include(stdout, `## ${next}\n\n### 新增\n\n- **node、qq-mini**：新增 \`$&\` 存储。`)
    const tarballs = stdout.matchAll(/^(\S+)\.tgz: (\d+) files, (\d+) KB packed, (\d+) KB unpacked, problems: none$/gm)
    assert.sameMembers(
      Array.from(tarballs, ([, name]) => name),
      names.map((name) => `${name.replace("@", "").replace("/", "-")}-${next}`)
    )
    assert.deepStrictEqual(await state(), before)
    assert.deepStrictEqual([...registry.published], [])
  })

  it("stops before others see anything if the tests fail", async () => {
    await writeFile(join(copy, ".ci/run"), "exit 1\n")
    await commit("Break the tests")
    const before = await state()
    assert.include(await failure(release()), "bash .ci/run failed.")
    assert.deepStrictEqual(await state(), before)
    await git("revert", "--no-edit", "HEAD")
    await git("push", "--quiet", "origin", "main")
  })

  it("pushes its commit, and publishes in the order of the dependencies until one fails", async () => {
    registry.refused.add("@qq-mini/sandbox")
    assert.include(await failure(release()), "Run the release again")
    const places = ["core", "node", "sandbox"].map((name) => registry.published.indexOf(`@qq-mini/${name}@${next}`))
    assert.deepStrictEqual(
      places.map((place) => place >= 0),
      [true, true, false]
    )
    assert.isBelow(places[0]!, places[1]!)
    assert.strictEqual(await git("log", "-1", "--format=%s", "origin/main"), `Release ${next}`)
    assert.strictEqual(await git("tag", "--list", `v${next}`), "")
  })

  it("goes on where it broke, and tags in the end", async () => {
    registry.refused.clear()
    await release()
    // Each of them once.
    assert.deepStrictEqual(
      registry.published.toSorted(),
      names.map((name) => `${name}@${next}`)
    )
    assert.isNotEmpty(await git("ls-remote", "--tags", "origin", `v${next}`))
    const notes = await git("tag", "--list", `v${next}`, "--format=%(contents)")
    assert.include(notes, `## ${next}\n\n### New`)
    assert.include(await readFile(join(copy, "CHANGELOG.md"), "utf8"), `\n\n## ${next}\n\n### New`)
    assert.include(await refusal(), `${next} is released, and nothing has changed since`)
  })
})
