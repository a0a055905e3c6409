/** The file `qq-mini.json`: how it is found and read. */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import { existsSync } from "node:fs"
import { open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { both } from "./invocation.ts"
import { note } from "./output.ts"

/** A file that was read. */
export interface ConfigFile {
  readonly path: string
  readonly fields: Readonly<Record<string, unknown>>
}

const fileName = "qq-mini.json"

/** The file in this folder, or in the next one above that has it. */
export const findFile = (folder: string): Effect.Effect<string | undefined> =>
  Effect.sync(() => {
    for (let at = folder; ; at = dirname(at)) {
      const path = join(at, fileName)
      if (existsSync(path)) return path
      if (at === dirname(at)) return undefined
    }
  })

const secrets = ["appsecret", "apps", "tokenKey"]

// On Windows the mode says nothing.
const isOpenToOthers = (mode: number) => process.platform !== "win32" && (mode & 0o077) !== 0

const parse = (path: string, content: string): Effect.Effect<ConfigFile, QQError> => {
  let fields: unknown
  try {
    // Editors on Windows put a byte order mark at the beginning.
    fields = JSON.parse(content.replace(/^\uFEFF/, ""))
  } catch {
    // The parser's message shows a part of the file, which may be a secret.
  }
  return isObject(fields) && !Array.isArray(fields)
    ? Effect.succeed({ path, fields: fields as Record<string, unknown> })
    : Effect.fail(
        App.invalidConfig(
          path,
          'must be a JSON object, as {"appid":"1112345678","appsecret":"…"}',
          '必须是 JSON 对象，如 {"appid":"1112345678","appsecret":"…"}'
        )
      )
}

/** Reads a file. Warns if it has a secret and other users can read it. */
export const readFile = Effect.fnUntraced(function* (path: string): Effect.fn.Return<ConfigFile, QQError> {
  const { content, mode } = yield* Effect.tryPromise({
    try: async () => {
      await using file = await open(path)
      return { content: await file.readFile("utf8"), mode: (await file.stat()).mode }
    },
    catch: (cause) => {
      const code = shown(cause, systemCalls)
      return App.invalidConfig(path, `the file can't be read (${code})`, `无法读取该文件（${code}）`)
    }
  })
  const file = yield* parse(path, content)
  if (isOpenToOthers(mode) && secrets.some((name) => file.fields[name] !== undefined)) {
    yield* note(
      both(
        `Warning: ${path} has a secret, and other users of this machine can read it. Run: chmod 600 ${path}`,
        `警告：${path} 含有密钥，且本机其他用户可以读取。请运行：chmod 600 ${path}`
      )
    )
  }
  return file
})
