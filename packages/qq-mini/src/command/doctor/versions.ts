/** The check of the versions: of Node, and of the packages that a project has installed. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as SemVer from "effect/SemVer"
import * as SemVerRange from "effect/SemVerRange"
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { both } from "../frame/invocation.ts"
import { type Finding, ok, problem, skipped, warning } from "./Finding.ts"

/** What Node needs to be, for `qq-mini` and `@qq-mini/node`. */
const nodeRange = ">=22.19.0"

/** An installed package. */
interface Installed {
  readonly name: string
  readonly version: string
  /** Its real folder. */
  readonly folder: string
  /** The ranges that it wants. */
  readonly wants: Readonly<Record<string, string>>
  readonly optional: ReadonlySet<string>
}

type Ranges = Readonly<Record<string, string>> | undefined

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly dependencies?: Ranges
  readonly devDependencies?: Ranges
  readonly optionalDependencies?: Ranges
  readonly peerDependencies?: Ranges
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const readManifest = (folder: string): Manifest | undefined =>
  Result.getOrUndefined(Result.try(() => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest))

/** The real folder of a package, as Node finds it from another folder. */
const find = (name: string, from: string): string | undefined => {
  for (let at = from; ; at = dirname(at)) {
    const path = join(at, "node_modules", name)
    if (existsSync(join(path, "package.json"))) return realpathSync(path)
    if (at === dirname(at)) return undefined
  }
}

const isOurs = (name: string) => name === "qq-mini" || name.startsWith("@qq-mini/")

// A project has some hundred packages. This is only for one without end.
const maxPackages = 20_000

/** All packages that a project reaches, each copy once. */
const reached = Effect.fnUntraced(function* (project: string, manifest: Manifest) {
  const found = new Map<string, Installed>()
  const queue: Array<readonly [name: string, from: string]> = Object.keys({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies
  }).map((name) => [name, project])
  for (let i = 0; i < queue.length && found.size < maxPackages; i++) {
    // The other checks go on meanwhile.
    if (i % 50 === 0) yield* Effect.sleep(0)
    const [name, from] = queue[i]!
    const folder = find(name, from)
    if (folder === undefined || found.has(folder)) continue
    const {
      dependencies,
      optionalDependencies,
      peerDependencies,
      peerDependenciesMeta,
      version = ""
    } = readManifest(folder) ?? {}
    const wants = { ...dependencies, ...optionalDependencies, ...peerDependencies }
    const optional = Object.entries(peerDependenciesMeta ?? {}).flatMap(([name, { optional }]) =>
      optional === true ? [name] : []
    )
    found.set(folder, {
      name,
      version,
      folder,
      wants,
      optional: new Set([...optional, ...Object.keys(optionalDependencies ?? {})])
    })
    for (const wanted of Object.keys(wants)) queue.push([wanted, folder])
  }
  return [...found.values()]
})

/** Whether a version is in a range. `true` for a range that is no range, such as an address. */
const isIn = (version: string, range: string): boolean => {
  const [parsed, wanted] = [SemVer.parse(version), SemVerRange.parse(range)]
  return Result.isFailure(parsed) || Result.isFailure(wanted) || SemVerRange.matches(wanted.success, parsed.success)
}

const install = (names: ReadonlyArray<string>) =>
  both(`Run: npm install ${names.join(" ")}`, `请运行：npm install ${names.join(" ")}`)

/** What the packages of qq-mini want and do not get. */
const unmet = (packages: ReadonlyArray<Installed>): ReadonlyArray<Finding> =>
  packages
    .filter(({ name }) => isOurs(name))
    .flatMap(({ folder, name, optional, wants }) =>
      Object.entries(wants).flatMap(([wanted, range]) => {
        const path = find(wanted, folder)
        if (path === undefined) {
          return optional.has(wanted)
            ? []
            : [
                problem(
                  "versions",
                  both(`${name} needs ${wanted}, which is not installed.`, `${name} 需要 ${wanted}，但未安装。`),
                  install([`"${wanted}@${range}"`]),
                  { package: name, needs: wanted, range }
                )
              ]
        }
        const version = readManifest(path)?.version ?? ""
        return isIn(version, range)
          ? []
          : [
              problem(
                "versions",
                both(
                  `${name} needs ${wanted} ${range}, and ${version} is installed.`,
                  `${name} 需要 ${wanted} ${range}，而安装的是 ${version}。`
                ),
                install([`"${wanted}@${range}"`]),
                { package: name, needs: wanted, range, version }
              )
            ]
      })
    )

/** Packages of which there must be one copy: services and errors of one copy mean nothing to another. */
const copies = (packages: ReadonlyArray<Installed>): ReadonlyArray<Finding> => {
  // Not `Map.groupBy`: this check must also run on a Node that is too old.
  const groups = Arr.groupBy(
    packages.filter(({ name }) => name === "effect" || isOurs(name)),
    ({ name }) => name
  )
  return Object.entries(groups).flatMap(([name, all]) => {
    if (all.length === 1) return []
    const versions = [...new Set(all.map(({ version }) => version))]
    const details = { package: name, copies: all.map(({ folder, version }) => ({ version, folder })) }
    const says = both(
      `${name} is installed ${all.length} times (${versions.join(", ")}).`,
      `${name} 被安装了 ${all.length} 份（${versions.join("、")}）。`
    )
    const mend = both(
      `Let all agree on one version: npm ls ${name} shows who brings which, npm dedupe joins them.`,
      `请统一版本：npm ls ${name} 可查看来源，npm dedupe 可合并。`
    )
    return [(versions.length > 1 ? problem : warning)("versions", says, mend, details)]
  })
}

/** The packages of qq-mini are released together. */
const mixed = (packages: ReadonlyArray<Installed>): ReadonlyArray<Finding> => {
  const ours = packages.filter(({ name }) => isOurs(name))
  const versions = new Set(ours.map(({ version }) => version))
  if (versions.size < 2 || new Set(ours.map(({ name }) => name)).size === 1) return []
  const list = ours.map(({ name, version }) => `${name} ${version}`)
  return [
    warning(
      "versions",
      both(
        `The packages of qq-mini have several versions: ${list.join(", ")}.`,
        `qq-mini 各包的版本不一致：${list.join("、")}。`
      ),
      install([...new Set(ours.map(({ name }) => `${name}@latest`))]),
      { packages: Object.fromEntries(ours.map(({ name, version }) => [name, version])) }
    )
  ]
}

const ofNode = (version: string): ReadonlyArray<Finding> =>
  isIn(version, nodeRange)
    ? []
    : [
        problem(
          "versions",
          both(`Node ${version} is too old for qq-mini.`, `Node ${version} 版本过旧，无法使用 qq-mini。`),
          both("Use Node 22.19 or newer.", "请使用 Node 22.19 或更新版本。"),
          { node: version }
        )
      ]

/** Checks the versions in a project's folder. */
export const versions = (folder: string, node: string = process.versions.node): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const manifest = readManifest(folder)
    const packages = manifest === undefined ? [] : yield* reached(realpathSync(folder), manifest)
    const findings = [...ofNode(node), ...unmet(packages), ...copies(packages), ...mixed(packages)]
    if (findings.length > 0) return findings
    const known = packages.filter(({ name }) => isOurs(name) || /^(effect|redis|ioredis|sharp|undici)$/.test(name))
    const details = { node, packages: Object.fromEntries(known.map(({ name, version }) => [name, version])) }
    if (!known.some(({ name }) => isOurs(name))) {
      return [
        {
          ...skipped(
            "versions",
            both(
              `Node ${node}; no package of qq-mini is installed in this folder.`,
              `Node ${node}；当前目录未安装 qq-mini 的包。`
            )
          ),
          details
        }
      ]
    }
    const list = known.map(({ name, version }) => `${name} ${version}`).join(", ")
    return [ok("versions", both(`Node ${node}; ${list}.`, `Node ${node}；${list}。`), details)]
  })
