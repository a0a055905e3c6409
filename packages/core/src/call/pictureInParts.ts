/** A picture that is checked in parts: prepared, and then sent as one or several pictures. */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type { Steps } from "../endpoint/definition.ts"
import type { ImagePreparer, PartOrigin, Prepared, PreparedImage } from "../ImagePreparer.ts"
import { functions, shown } from "../internal/shown.ts"
import type { Reason } from "../reason/client.ts"
import { InvalidInput } from "../reason/input.ts"
import { checkAll } from "./checkAll.ts"
import type { ImageInfo } from "./image.ts"
import { bytesOf, Problem } from "./media.ts"
import { check, invalid, limits, type Params, type Picture } from "./picture.ts"
import { Turns } from "./turns.ts"

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

const prepared = (preparer: ImagePreparer, picture: Uint8Array): Effect.Effect<Prepared, unknown> =>
  Effect.tryPromise({ try: (signal) => Promise.resolve(preparer(picture, limits, signal)), catch: identity })

/** A picture that QQ takes. */
export interface Part {
  readonly bytes: Uint8Array
  readonly info: ImageInfo
  readonly origin: PartOrigin
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
    const origin = { ...(frame === undefined ? {} : { frame }), ...(area === undefined ? {} : { area }) }
    parts.push({ bytes, info, origin })
  }
  return Effect.succeed(parts)
}

// A function may return objects that throw.
const readParts = (made: Prepared) => Effect.flatten(Effect.try({ try: () => partsOf(made), catch: failed }))

/** The parts of a picture. */
const prepare = (preparer: ImagePreparer, picture: Uint8Array): Effect.Effect<ReadonlyArray<Part>, InvalidInput> =>
  Effect.flatMap(Effect.mapError(prepared(preparer, picture), failed), readParts)

// A preparer whose own picture is wrong names the field `media`.
const lacksSomething = (cause: unknown) => cause instanceof InvalidInput && cause.field === "prepare"

/** The parts of a picture, or `undefined` if the preparer can prepare nothing, because it lacks what it needs. */
export const prepareIfAble = (
  preparer: ImagePreparer,
  picture: Uint8Array
): Effect.Effect<ReadonlyArray<Part> | undefined, InvalidInput> =>
  Effect.matchEffect(prepared(preparer, picture), {
    onFailure: (cause) => (lacksSomething(cause) ? Effect.undefined : Effect.fail(failed(cause))),
    onSuccess: readParts
  })

interface Verdict {
  readonly risky: boolean
}
interface VerdictOfParts extends Verdict {
  readonly parts: ReadonlyArray<CheckedPart>
}

/** Checks all parts. C1: it passes only if every part passes. */
const checkParts = (
  parts: ReadonlyArray<Part>,
  send: (wire: Picture) => Effect.Effect<Verdict, Reason>
): Effect.Effect<VerdictOfParts, Reason> => {
  const turns = new Turns(partsAtOnce)
  const results = checkAll(
    parts,
    ({ bytes, info: { mediaType } }) => send({ media: { bytes, mediaType } }),
    (check) => turns.run(check, identity)
  )
  return Effect.map(results, (results) => ({
    risky: results.includes(true),
    parts: parts.flatMap(({ bytes, info: { height, mediaType, width }, origin }, i): ReadonlyArray<CheckedPart> => {
      const risky = results[i]
      return risky === undefined ? [] : [{ risky, mediaType, width, height, size: bytes.length, ...origin }]
    })
  }))
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
  return Effect.flatMap(inTime(prepare(preparer, media.bytes)), (parts) => checkParts(parts, send))
}
