/** Which files are checked: those that the arguments name, those in folders, and those that fit patterns. */
import type { Help } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import { glob, readdir, stat } from "node:fs/promises"
import { extname, join, normalize } from "node:path"
import { both } from "../frame/invocation.ts"

/** What is checked. */
export type Kind = "text" | "image"

/** A file, or why there is none under a name. `-` is the standard input. */
export interface Named {
  readonly name: string
  readonly problem?: Help
}

/** The files of a command. */
export interface Found {
  readonly files: ReadonlyArray<Named>
  /** Files in folders that are of the other kind. */
  readonly leftOut: number
}

/** The texts of this file. */
export const texts = {
  missing: both("there is no such file", "文件不存在"),
  noMatch: both("no file fits this pattern", "没有与该模式匹配的文件"),
  emptyText: both("the folder has no text files", "目录中没有文本文件"),
  emptyImage: both("the folder has no pictures", "目录中没有图片")
}

/** The problem of a file that the system does not give. */
export const unreadable = (cause: unknown): Help => {
  const code = shown(cause, systemCalls)
  if (code === "ENOENT") return texts.missing
  return both(`can't be read (${code})`, `无法读取（${code}）`)
}

const pictures = new Set([".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"])

// In a folder, the extension tells. A file that is named is checked whatever its name is.
const fits = (kind: Kind, path: string): boolean => pictures.has(extname(path).toLowerCase()) === (kind === "image")

/** The files in a folder and those below it. Hidden ones are no content, and links to folders may go round in circles. */
async function* filesIn(folder: string): AsyncGenerator<Named> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith("."))
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = join(folder, entry.name)
    if (entry.isDirectory()) {
      try {
        yield* filesIn(name)
      } catch (cause) {
        yield { name, problem: unreadable(cause) }
      }
    } else if (entry.isFile()) yield { name }
    else if (entry.isSymbolicLink() && !(await stat(name).catch(() => undefined))?.isDirectory()) yield { name }
  }
}

const matches = async (pattern: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for await (const path of glob(pattern)) {
    if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) found.push(path)
  }
  return found.sort()
}

const find = async (kind: Kind, args: ReadonlyArray<string>): Promise<Found> => {
  // A file that is named twice is checked once.
  const files = new Map<string, Named>()
  let leftOut = 0
  const add = (file: Named) => {
    const key = file.name === "-" ? "-" : normalize(file.name)
    if (!files.has(key)) files.set(key, file)
  }
  for (const name of args) {
    if (name === "-") {
      add({ name })
      continue
    }
    const info = await stat(name).catch((cause: unknown) => unreadable(cause))
    if ("en" in info) {
      const isPattern = info === texts.missing && /[*?[{]/.test(name)
      const paths = isPattern ? await matches(name) : []
      for (const path of paths) add({ name: path })
      if (paths.length === 0) add({ name, problem: isPattern ? texts.noMatch : info })
    } else if (info.isDirectory()) {
      let isEmpty = true
      try {
        for await (const file of filesIn(name)) {
          if (file.problem === undefined && !fits(kind, file.name)) {
            leftOut++
            continue
          }
          isEmpty = false
          add(file)
        }
        if (isEmpty) add({ name, problem: kind === "text" ? texts.emptyText : texts.emptyImage })
      } catch (cause) {
        add({ name, problem: unreadable(cause) })
      }
    } else add({ name })
  }
  return { files: [...files.values()], leftOut }
}

/** Finds the files. What can't be found or read is in the list too, with its problem. */
export const findFiles = (kind: Kind, args: ReadonlyArray<string>): Effect.Effect<Found> =>
  Effect.promise(() => find(kind, args))
