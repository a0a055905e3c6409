/**
 * How the command was called, as far as it must be known before the commands are built: their descriptions are in one
 * language, and a wrong call is reported as JSON too.
 */
import type { Help } from "@qq-mini/core/QQError"

/** The languages of the command. */
export const languages = ["en", "zh"] as const

/** One of the languages. */
export type Lang = (typeof languages)[number]

/** A text in both languages. Tables of texts are made of it, so that none is missing. */
export const both = (en: string, zh: string): Help => ({ en, zh })

/** The arguments that can be flags. */
const flagsOf = (args: ReadonlyArray<string>) => (args.includes("--") ? args.slice(0, args.indexOf("--")) : args)

/** The language: of `--lang`, else of the locale, else English. */
export const langOf = (
  args: ReadonlyArray<string>,
  { LANG, LC_ALL, LC_MESSAGES }: { readonly [name: string]: string | undefined }
): Lang => {
  const flags = flagsOf(args)
  const i = flags.findLastIndex((flag) => /^--lang(?:=|$)/.test(flag))
  const named = flags[i]?.includes("=") ? flags[i].slice("--lang=".length) : flags[i + 1]
  const chosen = i < 0 ? undefined : languages.find((lang) => lang === named)
  return chosen ?? (/^zh/i.test(LC_ALL || LC_MESSAGES || LANG || "") ? "zh" : "en")
}

const args = process.argv.slice(2)

/** The language of this process. */
export const lang: Lang = langOf(args, process.env)

/** Whether results and errors are printed as JSON. */
export const isJson: boolean = flagsOf(args).includes("--json")

/** The text in the language of this process. */
export const say = (text: Help): string => text[lang]
