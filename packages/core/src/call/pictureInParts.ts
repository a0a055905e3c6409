/** A picture that is checked in parts: prepared, and then sent as one or several pictures. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Steps } from "../endpoint/definition.ts"
import type { ImagePreparer, PartOrigin, Prepared, PreparedImage } from "../ImagePreparer.ts"
import { functions, shown } from "../internal/shown.ts"
import type { Reason } from "../reason/client.ts"
import { InvalidInput } from "../reason/input.ts"
import type { ImageInfo } from "./image.ts"
import { bytesOf, Problem } from "./media.ts"
import { check, invalid, limits, type Params, type Picture } from "./picture.ts"

const maxParts = 64
const partsAtOnce = 4

/** One picture that was sent. */
export interface CheckedPart extends PartOrigin {
  /** Whether QQ calls it risky. */
  readonly risky: boolean
  /** The media type of what was sent. */
  readonly mediaType: ImageInfo["mediaType"]
  /** Width and height of what was sent, in pixels. */
  readonly width: number
  readonly height: number
  /** The size of what was sent, in bytes. */
  readonly size: number
}

const noPreparer = new Problem(
  "needs a preparer: on Node npm install sharp; on Workers imagePreparer with the Images binding; elsewhere a function, prepare: (picture, limits) => …",
  "需要图片处理器：Node 请安装 sharp（npm install sharp）；Workers 请用 Images 绑定设置 imagePreparer；其他环境请传入函数 prepare: (picture, limits) => …"
)

const failed = (cause: unknown): InvalidInput => {
  if (cause instanceof InvalidInput) return cause
  const name = shown(cause, functions)
  return invalid("prepare", new Problem(`the function failed (${name})`, `函数执行失败（${name}）`))
}

const prepared = (preparer: ImagePreparer, picture: Uint8Array): Effect.Effect<Prepared, InvalidInput> =>
  Effect.tryPromise({ try: (signal) => Promise.resolve(preparer(picture, limits, signal)), catch: failed })

interface Part extends PartOrigin {
  readonly bytes: Uint8Array
  readonly info: ImageInfo
}

const wrongResult = (en: string, zh: string) =>
  Effect.fail(invalid("prepare", new Problem(`the function returned ${en}`, `函数返回了${zh}`)))

/** The parts that a preparer returned. QQ must be able to take all of them. */
const partsOf = (made: Prepared): Effect.Effect<ReadonlyArray<Part>, InvalidInput> => {
  const list = Array.isArray(made) ? made : [made]
  if (list.length === 0) return wrongResult("no picture", "空列表")
  if (list.length > maxParts) return wrongResult(`more than ${maxParts} pictures`, `超过 ${maxParts} 张图片`)
  const parts: Array<Part> = []
  for (const one of list) {
    const { area, frame, ...image }: PreparedImage = bytesOf(one) === undefined ? Object(one) : { bytes: one }
    const bytes = bytesOf(image.bytes)
    if (bytes === undefined) return wrongResult("something other than bytes", "非字节数据")
    const info = check(bytes)
    if (info instanceof Problem) {
      return wrongResult(`a picture that QQ refuses: it ${info.en}`, `QQ 不接受的图片：${info.zh}`)
    }
    parts.push({ bytes, info, ...(frame === undefined ? {} : { frame }), ...(area === undefined ? {} : { area }) })
  }
  return Effect.succeed(parts)
}

// A function may return objects that throw.
const readParts = (made: Prepared) => Effect.flatten(Effect.try({ try: () => partsOf(made), catch: failed }))

interface Verdict {
  readonly risky: boolean
}
interface VerdictOfParts extends Verdict {
  readonly parts: ReadonlyArray<CheckedPart>
}

/** Checks all parts, until one is risky or can't be checked. C1: it passes only if every part passes. */
const checkAll = (
  parts: ReadonlyArray<Part>,
  send: (wire: Picture) => Effect.Effect<Verdict, Reason>
): Effect.Effect<VerdictOfParts, Reason> => {
  let ended = false
  const one = ({ bytes, info: { height, mediaType, width }, ...origin }: Part) =>
    Effect.suspend(() =>
      ended
        ? Effect.undefined
        : Effect.map(Effect.result(send({ media: { bytes, mediaType } })), (result) => {
            ended ||= Result.isFailure(result) || result.success.risky
            return Result.map(result, ({ risky }): CheckedPart => ({
              risky,
              mediaType,
              width,
              height,
              size: bytes.length,
              ...origin
            }))
          })
    )
  return Effect.flatMap(Effect.forEach(parts, one, { concurrency: partsAtOnce }), (results) => {
    const known = results.filter((result) => result !== undefined)
    const checked = known.flatMap((result) => (Result.isSuccess(result) ? [result.success] : []))
    const risky = checked.some((part) => part.risky)
    const failure = known.find((result) => Result.isFailure(result))
    return failure !== undefined && !risky ? Effect.fail(failure.failure) : Effect.succeed({ risky, parts: checked })
  })
}

/** Prepares a picture and checks its parts. `undefined` for a picture that is sent as it is. */
export const inParts = (
  params: Params,
  { imagePreparer, inTime, send }: Steps<Picture, Verdict>
): Effect.Effect<VerdictOfParts, Reason> | undefined => {
  const { media } = params
  if (!("prepare" in media)) return undefined
  const preparer = media.prepare === true ? imagePreparer : media.prepare
  if (preparer === undefined) return Effect.fail(invalid("prepare", noPreparer))
  return Effect.flatMap(inTime(Effect.flatMap(prepared(preparer, media.bytes), readParts)), (parts) =>
    checkAll(parts, send)
  )
}
