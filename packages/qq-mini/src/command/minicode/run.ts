/** What `qq-mini minicode` does. */
import { getMiniCode, type Image } from "@qq-mini/core/Acode"
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { open, rm } from "node:fs/promises"
import { appidOf, withClient } from "../frame/client.ts"
import { wrongUsage } from "../frame/exit.ts"
import { both, isJson, say } from "../frame/invocation.ts"
import { print, raw } from "../frame/output.ts"
import * as Settings from "../frame/Settings.ts"
import { count, maxCodes } from "./count.ts"
import { draw } from "./draw.ts"

/** Opens the file before a code is spent: it could not be saved otherwise. A call that fails leaves no file. */
const newFile = (path: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => ({ handle: await open(path, "wx"), isWritten: false }),
      catch: (cause) => {
        const problem = shown(cause, systemCalls)
        return wrongUsage(
          problem === "EEXIST"
            ? both(
                `${path} exists. Nothing was sent: name another file with --out.`,
                `${path} 已存在，未发送请求。请用 --out 指定其他文件。`
              )
            : both(
                `${path} can't be written (${problem}). Nothing was sent.`,
                `无法写入 ${path}（${problem}），未发送请求。`
              )
        )
      }
    }),
    (file) =>
      Effect.promise(async () => {
        await file.handle.close()
        if (!file.isWritten) await rm(path, { force: true })
      })
  )

/** A name for the file: the page, without what file systems do not take. */
const fileNameOf = (path: string | undefined): string =>
  `minicode-${(path ?? "home").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60)}.png`

/** Runs the command. */
export const run = Effect.fnUntraced(function* (flags: {
  readonly path: Option.Option<string>
  readonly out: Option.Option<string>
  readonly width: Option.Option<number>
}) {
  const settings = yield* Settings.read
  const appid = yield* appidOf(settings)
  const path = Option.getOrUndefined(flags.path)
  const out = Option.getOrElse(flags.out, () => fileNameOf(path))
  const file = yield* newFile(out)
  const at = new Date(yield* Clock.currentTimeMillis).toISOString()
  const noted = Effect.suspend(() =>
    count({
      appid,
      from: settings.values.QQ_BASE_URL ?? "",
      at,
      path: path ?? ""
    })
  )
  const image: Image = yield* getMiniCode({ path }).pipe(
    withClient(settings),
    Effect.tapError((error) =>
      error._tag === "QQError" && error.reason._tag === "OutcomeUnknown" ? noted : Effect.void
    )
  )
  yield* Effect.promise(() => file.handle.writeFile(image.bytes))
  file.isWritten = true
  const used = yield* noted
  const left = used === undefined ? undefined : Math.max(0, maxCodes - used)
  const columns = Math.max(
    8,
    Option.getOrElse(flags.width, () => process.stdout.columns ?? 80)
  )
  const drawing = isJson ? undefined : draw(image, columns)
  if (drawing !== undefined) yield* raw(`${drawing}\n`)
  const size = `${image.mediaType}, ${image.bytes.length}`
  const saved = both(`Saved in ${out} (${size} bytes).`, `已保存到 ${out}（${size} 字节）。`)
  const counted =
    left === undefined
      ? both("", "")
      : both(
          ` ${left} of ${maxCodes} are left by the count of this machine; codes made elsewhere are not in it.`,
          `按本机计数，${maxCodes} 个中还剩 ${left} 个；在别处生成的未计入。`
        )
  yield* print(
    { file: out, mediaType: image.mediaType, bytes: image.bytes.length, left },
    say(both(saved.en + counted.en, saved.zh + counted.zh))
  )
}, Effect.scoped)
