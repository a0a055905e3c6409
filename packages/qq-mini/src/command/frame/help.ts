/** Help, the version, completions and wrong calls, in both languages. */
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { describe, endWith, exitCodes, exitTexts, wrongUsage } from "./exit.ts"
import { both, isJson, lang, languages, say } from "./invocation.ts"
import { isColoured, print, printError, raw, style } from "./output.ts"

/** The texts of this file. */
export const texts = {
  help: both("Show this help", "显示帮助"),
  version: both("Show the version", "显示版本"),
  completions: both("Print the completions for a shell", "输出 shell 的自动补全脚本"),
  json: both("Print results and errors as JSON, one value a line", "以 JSON 输出结果和错误，每行一个值"),
  lang: both("Language; by default that of the locale", "语言；默认取自系统区域设置"),
  codes: both("EXIT CODES", "退出码")
}

const shells = ["bash", "zsh", "fish"] as const

const builtIns: ReadonlyArray<GlobalFlag.BuiltIn> = [
  {
    ...GlobalFlag.Help,
    flag: Flag.Boolean("help").pipe(Flag.withAlias("h"), Flag.withDescription(say(texts.help)), Flag.withDefault(false))
  },
  {
    ...GlobalFlag.Version,
    flag: Flag.Boolean("version").pipe(
      Flag.withAlias("v"),
      Flag.withDescription(say(texts.version)),
      Flag.withDefault(false)
    )
  },
  {
    ...GlobalFlag.Completions,
    flag: Flag.Literals("completions", shells).pipe(
      Flag.optional,
      Flag.withMetavar("shell"),
      Flag.withDescription(say(texts.completions))
    )
  }
]

/** The flags of every command. They are read before the commands are built: see `invocation.ts`. */
export const commonFlags = [
  GlobalFlag.Setting("json")({
    flag: Flag.Boolean("json").pipe(Flag.withDescription(say(texts.json)), Flag.withDefault(false))
  }),
  GlobalFlag.Setting("lang")({
    flag: Flag.Literals("lang", languages).pipe(
      Flag.optional,
      Flag.withMetavar("lang"),
      Flag.withDescription(say(texts.lang))
    )
  })
] as const

const headings: Readonly<Record<string, string>> = {
  DESCRIPTION: "说明",
  USAGE: "用法",
  ARGUMENTS: "参数",
  FLAGS: "选项",
  "GLOBAL FLAGS": "通用选项",
  SUBCOMMANDS: "命令",
  EXAMPLES: "示例"
}

// A heading is a line of capitals, perhaps in bold.
const heading = new RegExp(`^((?:\\x1b\\[1m)?)(${Object.keys(headings).join("|")})(?=\\x1b|$)`, "gm")

const inChinese = (help: string): string =>
  help
    .replace(heading, (_, bold: string, name: string) => bold + headings[name])
    .replaceAll("(optional)", "（可选）")
    .replace(/ ?\(choices: ([^)]*)\)/g, "（可选值：$1）")

const codes = (): string =>
  Object.entries(exitCodes)
    .map(([name, code]) => `  ${String(code).padEnd(5)}${say(exitTexts[name as keyof typeof exitCodes])}`)
    .join("\n")

const helpOf = (doc: HelpDoc.HelpDoc): string => {
  const help = CliOutput.defaultFormatter({ colors: isColoured }).formatHelpDoc(doc)
  const isRoot = doc.commandPath?.length === 1
  return `${lang === "zh" ? inChinese(help) : help}${isRoot ? `\n\n${style("bold", say(texts.codes))}\n${codes()}` : ""}\n`
}

/** A list of alternatives, or nothing. */
const didYouMean = (names: ReadonlyArray<string>) =>
  names.length === 0 ? both("", "") : both(` Did you mean ${names.join(" or ")}?`, `是否想输入 ${names.join(" 或 ")}？`)

/** What is wrong with a call. effect's own texts are in English, and show the value. */
const problemOf = (error: CliError.NonShowHelpErrors, doc: HelpDoc.HelpDoc) => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      const other = didYouMean(error.suggestions)
      const name = error.option.replace(/=.*/s, "")
      return both(`There is no flag ${name} here.${other.en}`, `没有选项 ${name}。${other.zh}`)
    }
    case "UnknownSubcommand": {
      const other = didYouMean(error.suggestions)
      return both(`There is no command ${error.subcommand}.${other.en}`, `没有命令 ${error.subcommand}。${other.zh}`)
    }
    case "MissingOption":
      return both(`The flag --${error.option} is missing.`, `缺少选项 --${error.option}。`)
    case "MissingArgument":
      return both(`The argument ${error.argument} is missing.`, `缺少参数 ${error.argument}。`)
    case "UnexpectedArgument":
      return both(`${error.arguments.length} arguments too many.`, `多了 ${error.arguments.length} 个参数。`)
    case "InvalidValue": {
      const isFlag = error.kind === "flag"
      const docs = isFlag ? [...doc.flags, ...(doc.globalFlags ?? [])] : (doc.args ?? [])
      const about = docs.find(({ name }) => name === error.option)?.description ?? Option.none()
      const name = isFlag ? `--${error.option}` : error.option
      const what = Option.match(about, { onNone: () => both("", ""), onSome: (text) => both(` ${text}`, text) })
      return both(`The value of ${name} is missing or wrong.${what.en}`, `${name} 的值缺失或有误。${what.zh}`)
    }
    default:
      return both(error.message, error.message)
  }
}

const present = (event: CliOutput.Presenter.Event): Effect.Effect<void> => {
  switch (event._tag) {
    case "Help":
      return event.reason === "Requested"
        ? raw(helpOf(event.helpDoc))
        : Effect.andThen(
            isJson
              ? printError(describe(wrongUsage(both("Name a command.", "请指定命令。"))).json, "")
              : raw(helpOf(event.helpDoc)),
            endWith(exitCodes.usage)
          )
    case "InvalidInvocation": {
      const problems = event.errors.map((error) => problemOf(error, event.helpDoc))
      const { exit, json, text } = describe(
        wrongUsage(both(problems.map(({ en }) => en).join("\n"), problems.map(({ zh }) => zh).join("\n")))
      )
      const more = both(`See ${event.commandPath.join(" ")} --help`, `详见 ${event.commandPath.join(" ")} --help`)
      return Effect.andThen(printError(json, `${text}\n${say(more)}`), endWith(exit))
    }
    case "Version":
      return print({ name: event.name, version: event.version }, event.version)
  }
}

/** The help and errors of this command in place of those of effect. */
export const layer: Layer.Layer<never> = Layer.merge(
  CliConfig.layer({ builtIns }),
  CliOutput.layerPresenter({ present })
)
