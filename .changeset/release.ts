/**
 * Releases all packages, which share one version. `--dry-run` does the same up to the point where others would see it.
 *
 * All is made in a worktree of its own, from what is committed. Until the checks have passed, nothing changes here. A
 * release that broke later can be run again: its version has no tag yet, and packages that are published are skipped.
 */
import { execFileSync, type ExecFileSyncOptions } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { examine } from "../test/src/support/tarballs.ts"
import { type Changeset, entries, languages, sectionOf, withEntry } from "./changelog.ts"

const { "dry-run": isDry } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } }).values
const root = fileURLToPath(new URL("..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "qq-mini-release-"))
const tree = join(folder, "tree")
const out = join(folder, "out")
/** Whether others see something of this release. */
let isOut = false

/** Ends the release with a reason, and without a stack. */
class Refused extends Error {}

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): void => {
  // Errors and progress of other programs are for the eyes. In CI an install never changes the lockfile.
  const options: ExecFileSyncOptions = { cwd, stdio: ["inherit", 2, 2], env: { ...process.env, CI: "true" } }
  try {
    execFileSync(command, args, options)
  } catch (error) {
    throw new Refused(`${command} ${args.join(" ")} failed.`, { cause: error })
  }
}
const git = (...args: ReadonlyArray<string>): string =>
  execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()
const pnpm = (...args: ReadonlyArray<string>): void => run(tree, "pnpm", ...args)
const read = (name: string): string => readFileSync(join(tree, name), "utf8")
const versionIn = (folder: string): string =>
  JSON.parse(readFileSync(join(folder, "packages/core/package.json"), "utf8")).version

const say = (text: string): void => console.log(text)
const step = (title: string): void => say(`\n── ${title}`)

/** Nobody could tell from which sources a release was made, if not from what is on main. */
const refuseOtherTrees = (): void => {
  const branch = git("branch", "--show-current")
  if (branch !== "main") throw new Refused(`A release is made from main, and this is ${branch || "no branch"}.`)
  const status = git("status", "--porcelain")
  if (status !== "") throw new Refused(`There are changes that are not committed:\n${status}`)
  if (!git("remote").split("\n").includes("origin")) {
    if (isDry) return
    throw new Refused("There is no remote `origin` to push the release to.")
  }
  git("fetch", "--quiet", "--tags", "origin", "main")
  const behind = git("rev-list", "--count", "HEAD..FETCH_HEAD")
  if (behind !== "0") throw new Refused(`main lacks ${behind} commits of origin. Pull first.`)
}

/** The changes since the last release. Without any, its version must not be released yet. */
const changes = (): ReadonlyArray<Changeset> => {
  run(root, "changeset", "status", "--output", join(folder, "plan.json"))
  const { changesets } = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8")) as {
    readonly changesets: ReadonlyArray<Changeset>
  }
  for (const { id, summary } of changesets) {
    for (const { missing, pick } of Object.values(languages)) {
      if (pick(summary) === "") throw new Refused(`.changeset/${id}.md ${missing}`)
    }
  }
  const version = versionIn(root)
  if (changesets.length === 0 && git("tag", "--list", `v${version}`) !== "") {
    throw new Refused(`${version} is released, and nothing has changed since: there is no changeset in .changeset.`)
  }
  return changesets
}

/** Commits the next version in the worktree. */
const commitVersion = (changesets: ReadonlyArray<Changeset>): void => {
  pnpm("exec", "changeset", "version")
  for (const [file, language] of Object.entries(languages)) {
    writeFileSync(join(tree, file), withEntry(read(file), entries(versionIn(tree), changesets, language)))
  }
  // It contains the version.
  pnpm("--filter", "@qq-mini/sandbox", "openapi")
  run(tree, "git", "add", "--all")
  run(tree, "git", "commit", "--quiet", "--no-verify", "--message", `Release ${versionIn(tree)}`)
}

const release = async (): Promise<void> => {
  refuseOtherTrees()
  const changesets = changes()
  if (!isDry) run(root, "pnpm", "whoami")

  step("The version")
  git("worktree", "prune")
  git("worktree", "add", "--quiet", "--detach", tree)
  pnpm("pretest")
  if (changesets.length > 0) commitVersion(changesets)
  const version = versionIn(tree)
  say(changesets.length > 0 ? `${versionIn(root)} → ${version}` : `${version}, or what is missing of it: it has no tag`)

  step("The changelog")
  const notes = Object.keys(languages).map((file) => sectionOf(read(file), version))
  if (notes.includes("")) throw new Refused(`A changelog has no section "## ${version}".`)
  say(notes.join("\n\n"))

  step("The checks")
  if (isDry) say("A dry run leaves out .ci/run: the tests, the types and the lint.")
  else run(tree, "bash", ".ci/run")

  step("The tarballs")
  pnpm("--recursive", "--filter", "./packages/*", "build")
  pnpm("exec", "changeset", "pack", "--out-dir", out)
  const problems: Array<string> = []
  for (const file of readdirSync(join(out, "packages")).toSorted()) {
    const { files, found, packed, unpacked } = await examine(readFileSync(join(out, "packages", file)))
    const sizes = `${files} files, ${(packed / 1e3).toFixed(0)} KB packed, ${(unpacked / 1e3).toFixed(0)} KB unpacked`
    say(`${file}: ${sizes}, problems: ${found.join("; ") || "none"}`)
    problems.push(...found)
  }
  if (problems.length > 0) throw new Refused("publint, attw or the look at the maps found problems in the tarballs.")

  step("Published")
  const plan = JSON.parse(readFileSync(join(out, "publish-plan.json"), "utf8")) as {
    plan: ReadonlyArray<ReadonlyArray<{ readonly name: string; readonly tag: string }>>
  }
  const order = plan.plan.map((group) => group.map(({ name, tag }) => `${name}@${version} (${tag})`).join(", "))
  say(order.length === 0 ? "All packages are published already." : order.join("\nthen "))
  say(`then the tag v${version}, with this changelog`)
  if (isDry) return say("\nThis was a dry run: nothing was published, committed or tagged.")

  // What is published is on main for sure.
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: tree, encoding: "utf8" }).trim()
  run(root, "git", "push", "origin", `${commit}:main`)
  isOut = true
  git("merge", "--quiet", "--ff-only", commit)
  if (order.length > 0) pnpm("exec", "changeset", "publish", "--from-pack-dir", out, "--no-git-tag")
  writeFileSync(join(folder, "notes.md"), `qq-mini ${version}\n\n${notes.join("\n\n")}\n`)
  git("tag", "--annotate", `v${version}`, "--cleanup=verbatim", "--file", join(folder, "notes.md"))
  run(root, "git", "push", "origin", `v${version}`)
  say(`\n${version} is released. Its page on GitHub: gh release create v${version} --notes-from-tag`)
}

try {
  await release()
} catch (error) {
  if (!(error instanceof Refused)) throw error
  console.error(`\n${error.message}`)
  if (isOut) console.error("Run the release again: it goes on with what is missing.")
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
  git("worktree", "prune")
}
