/**
 * The programs and settings of a command: from its flags, then the environment, then a file `qq-mini.json` in the current
 * folder or above. The variables are those that `@qq-mini/node` reads, and the fields of the file are the options of
 * `createQQMini`.
 */
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { dirname, resolve } from "node:path"
import { type ConfigFile, findFile, readFile } from "./configFile.ts"
import { note } from "./output.ts"
import { appid, appsecret, baseUrl, config, store, texts } from "./settingsFlags.ts"

/** The variables that `@qq-mini/node` reads, each with the field of the file. */
const variables = {
  QQ_APPID: "appid",
  QQ_APPSECRET: "appsecret",
  QQ_APPS: "apps",
  QQ_APPS_FILE: undefined,
  QQ_BASE_URL: "baseUrl",
  QQ_STORE: "store",
  QQ_TOKEN_KEY: "tokenKey"
} as const

/** The name of a variable. */
export type Variable = keyof typeof variables

/** The values of variables from one source. */
export type Values = { readonly [Name in Variable]?: string | undefined }

/** The settings of a command. */
export interface Settings {
  /** The variables for `NodeQQMini.layerConfigWith`. They contain secrets. */
  readonly values: Values
  /** Where each variable comes from, in the user's words: `--store`, `QQ_STORE`, `store in /path/qq-mini.json`. */
  readonly sources: Values
  /** The program that `--appid` selects among the configured ones. */
  readonly selected: string | undefined
  /** The options of `createQQMini` that have no variable. */
  readonly options: Readonly<Record<string, unknown>>
  /** The file, if there is one. */
  readonly file: string | undefined
}

interface Source {
  readonly values: Values
  readonly nameOf: (variable: Variable) => string
}

const given = (value: string | undefined): value is string => value !== undefined && value !== ""

/**
 * Merges the sources; the first goes before the others. An appid and a secret may come from two sources, but a secret is
 * never used for another appid than the one beside it.
 */
export const merge = (sources: ReadonlyArray<Source>): Pick<Settings, "values" | "sources"> => {
  const values: { -readonly [Name in Variable]?: string } = {}
  const names: { -readonly [Name in Variable]?: string } = {}
  for (const source of sources) {
    const other = source.values.QQ_APPID
    const isOther = given(other) && values.QQ_APPID !== undefined && other !== values.QQ_APPID
    for (const name of Object.keys(variables) as ReadonlyArray<Variable>) {
      const value = source.values[name]
      if (!given(value) || values[name] !== undefined) continue
      if (isOther && name === "QQ_APPSECRET") continue
      values[name] = value
      names[name] = source.nameOf(name)
    }
  }
  return { values, sources: names }
}

const noProgram = (file: string | undefined): QQError =>
  App.invalidConfig(
    "appid",
    `is not set: set QQ_APPID and QQ_APPSECRET, or write appid and appsecret into ${file ?? "qq-mini.json (there is none in this folder or above)"}`,
    `未设置：请设置 QQ_APPID 和 QQ_APPSECRET，或将 appid 和 appsecret 写入 ${file ?? "qq-mini.json（当前目录及上级目录中没有）"}`
  )

/** A path in the file counts from the file, so that the command has one store wherever it runs. */
const storeBeside = (path: string, store: string): string =>
  store.replace(/^(sqlite:(?:\/\/)?)(.+)$/, (_, kind: string, file: string) => kind + resolve(dirname(path), file))

const fieldsOf = ({ fields, path }: ConfigFile): { readonly values: Values; readonly options: Settings["options"] } => {
  const options: Record<string, unknown> = { ...fields }
  const values: { -readonly [Name in Variable]?: string } = {}
  for (const [name, field] of Object.entries(variables)) {
    if (field === undefined || options[field] === undefined) continue
    const value = options[field]
    values[name as Variable] = typeof value === "string" ? value : JSON.stringify(value)
    delete options[field]
  }
  if (values.QQ_STORE !== undefined) values.QQ_STORE = storeBeside(path, values.QQ_STORE)
  return { values, options }
}

const flagOf = (name: Variable) => `--${name.slice(3).toLowerCase().replace("_", "-")}`

/** Reads the settings of a command that may need no program. Fails with a `QQError` if the file can't be read. */
export const readAny = Effect.gen(function* () {
  const flags = {
    QQ_APPID: Option.getOrUndefined(yield* appid),
    QQ_APPSECRET: Option.getOrUndefined(Option.map(yield* appsecret, Redacted.value)),
    QQ_BASE_URL: Option.getOrUndefined(yield* baseUrl),
    QQ_STORE: Option.getOrUndefined(yield* store)
  }
  if (given(flags.QQ_APPSECRET)) yield* note(texts.visibleSecret)
  const path = Option.getOrUndefined(yield* config) ?? (yield* findFile(process.cwd()))
  const file = path === undefined ? undefined : yield* readFile(path)
  const { options, values } = file === undefined ? { values: {}, options: {} } : fieldsOf(file)
  const configured: ReadonlyArray<Source> = [
    { values: process.env as Values, nameOf: (name) => name },
    { values, nameOf: (name) => `${variables[name]} (${path})` }
  ]
  const all = merge([{ values: flags, nameOf: flagOf }, ...configured])
  // Without a secret beside it, --appid is one of the other programs.
  const isSelection = given(flags.QQ_APPID) && all.values.QQ_APPSECRET === undefined
  const merged = isSelection
    ? merge([{ values: { ...flags, QQ_APPID: undefined }, nameOf: flagOf }, ...configured])
    : all
  return { ...merged, selected: isSelection ? flags.QQ_APPID : undefined, options, file: path } satisfies Settings
})

/** Reads the settings. Fails with a `QQError` if no program is configured, or the file can't be read. */
export const read = Effect.gen(function* () {
  const settings: Settings = yield* readAny
  const { QQ_APPID, QQ_APPS, QQ_APPS_FILE, QQ_APPSECRET } = settings.values
  return [QQ_APPID, QQ_APPSECRET, QQ_APPS, QQ_APPS_FILE].some(given) ? settings : yield* noProgram(settings.file)
})
