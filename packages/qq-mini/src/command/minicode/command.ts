/** `qq-mini minicode` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  about: both(
    "Make a mini code, save it and draw it. QQ allows 50 in the whole life of a program",
    "生成小程序码，保存并在终端中显示。每个小程序一共只能生成 50 个"
  ),
  path: both(
    "The page that it opens, as pages/index?id=1; by default the first page of the program",
    "打开的页面，如 pages/index?id=1；默认为小程序首页"
  ),
  out: both("The file to save it in; it must not exist yet", "保存到的文件，不能已存在"),
  width: both("Columns of the drawing; by default those of the terminal", "显示的列数；默认为终端宽度")
}

/** Makes a mini code. */
export const command = Command.make(
  "minicode",
  {
    path: Argument.String("path").pipe(Argument.withDescription(say(texts.path)), Argument.optional),
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withMetavar("file"),
      Flag.withDescription(say(texts.out)),
      Flag.optional
    ),
    width: Flag.Int("width").pipe(Flag.withDescription(say(texts.width)), Flag.optional)
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./run.ts")),
      ({ run }) => run(input)
    )
).pipe(Command.withDescription(say(texts.about)), Command.withGlobalFlags(settingsFlags))
