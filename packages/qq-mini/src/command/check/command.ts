/** `qq-mini check text` and `qq-mini check image` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"
import type { Kind } from "./files.ts"

/** The texts of the help. */
export const texts = {
  about: both(
    "Check texts or pictures. What was checked is remembered for 30 days (with --store memory: not at all), so an interrupted command goes on when it is repeated. Exit code: 0 only if all passed, 1 if some are risky, another one if some could not be checked",
    "检测文本或图片。结果保留 30 天（使用 --store memory 则不保留），中断后重复同一命令即可继续。仅当全部通过时退出码为 0，有违规内容为 1，有无法检测的内容则为其他值"
  ),
  text: both("Check texts", "检测文本"),
  image: both(
    "Check pictures. Too large ones and other formats are prepared, if the package sharp is installed",
    "检测图片。安装 sharp 包后，会自动处理过大的图片和其他格式"
  ),
  files: both(
    "Files, folders, patterns such as 'posts/**/*.txt', or - for the standard input",
    "文件、目录、通配符（如 'posts/**/*.txt'），或以 - 表示标准输入"
  ),
  all: both("List all results, not only what is risky or failed", "列出全部结果，而不只是违规和失败的"),
  lines: both("Each line is a text of its own", "每行作为一条文本"),
  encoding: both(
    "The encoding of the files, as gb18030; by default UTF-8, or UTF-16 with its byte order mark",
    "文件编码，如 gb18030；默认为 UTF-8，或带 BOM 的 UTF-16"
  ),
  exampleLines: both("Check each line of a program's output", "逐行检测其他程序的输出"),
  exampleImages: both("Check a folder, for a script", "检测一个目录，供脚本使用")
}

const files = Argument.String("files").pipe(Argument.withDescription(say(texts.files)), Argument.variadic({ min: 1 }))
const all = Flag.Boolean("all").pipe(Flag.withDescription(say(texts.all)), Flag.withDefault(false))

const load = Effect.promise(() => import("./run.ts"))

const ofKind = (kind: Kind, input: Omit<Parameters<(typeof import("./run.ts"))["run"]>[0], "kind">) =>
  Effect.flatMap(load, ({ run }) => run({ kind, ...input }))

const text = Command.make(
  "text",
  {
    files,
    lines: Flag.Boolean("lines").pipe(Flag.withDescription(say(texts.lines)), Flag.withDefault(false)),
    encoding: Flag.String("encoding").pipe(
      Flag.withDescription(say(texts.encoding)),
      Flag.withMetavar("text"),
      Flag.optional
    ),
    all
  },
  (input) => ofKind("text", input)
).pipe(
  Command.withDescription(say(texts.text)),
  Command.withExamples([
    {
      command: "psql -Atc 'select body from posts' | qq-mini check text --lines -",
      description: say(texts.exampleLines)
    }
  ]),
  Command.withGlobalFlags(settingsFlags)
)

const image = Command.make("image", { files, all }, (input) => ofKind("image", input)).pipe(
  Command.withDescription(say(texts.image)),
  Command.withExamples([
    { command: "qq-mini check image avatars --json > verdicts.jsonl", description: say(texts.exampleImages) }
  ]),
  Command.withGlobalFlags(settingsFlags)
)

/** Checks texts or pictures. */
export const command = Command.make("check").pipe(
  Command.withDescription(say(texts.about)),
  Command.withSubcommands([text, image])
)
