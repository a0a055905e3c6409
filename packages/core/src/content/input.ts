/** The post and the options of `Content.check`, checked before anything is read or sent. */
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Selected } from "../App.ts"
import * as Caller from "../call/caller.ts"
import { encode, type Parameters } from "../call/encode.ts"
import { fromElsewhere, inMemory, type Media, Problem } from "../call/media.ts"
import * as CallOptions from "../call/options.ts"
import { isPrepare, maxBytesToPrepare, notPrepare } from "../call/picture.ts"
import {
  type CallCredentials,
  type CallOptions as OptionsOfCall,
  credentialNames,
  optionNames
} from "../endpoint/definition.ts"
import type { ImagePreparer } from "../ImagePreparer.ts"
import { both } from "../internal/problem.ts"
import type { Help } from "../internal/reason.ts"
import { group, Text } from "../internal/schema.ts"
import type { Settings } from "../internal/settings.ts"
import { type FieldProblem, type InvalidInput, invalidInput } from "../reason/input.ts"
import { safeLength } from "./split.ts"

/** What is shown together: at least one text or picture. */
export interface Post {
  /** The texts. Each may be longer than QQ's limit. */
  readonly texts?: ReadonlyArray<string> | undefined
  /** The pictures, each in any form that the `media` of `imgSecCheck` may have, and of at most 32 MB. */
  readonly images?: ReadonlyArray<Media> | undefined
}

/** The options of `Content.check`. The others are those of a call, and apply to each request. */
export interface Options extends OptionsOfCall {
  /** Timeout of the whole check in milliseconds. By default the client's timeout of one call. */
  readonly deadline?: OptionsOfCall["deadline"]
  /**
   * How many requests are made at the same time. By default 4. A post never waits for more places of QQ's quota at once,
   * so other calls get their turn in between.
   */
  readonly concurrency?: number | undefined
  /** Whether the check ends as soon as one part is risky. By default `false`. */
  readonly stopAtFirst?: boolean | undefined
  /**
   * Whether pictures are prepared, as `prepare` of `imgSecCheck`. By default `true`. Where there is no preparer, a picture
   * that QQ takes is checked as it is, and any other one fails.
   */
  readonly prepare?: boolean | ImagePreparer | undefined
  /**
   * The longest text in characters of JavaScript that is sent as one request, at least 100. Longer ones are split. By
   * default only QQ's limit of 500 KB splits a text. The code of a newer client mentions 2,500 characters.
   */
  readonly pieceLength?: number | undefined
  /**
   * How many characters two pieces of a text share, so that no phrase hides where it is cut. By default 300, or a quarter
   * of `pieceLength` if that is less. At most half of `pieceLength`.
   */
  readonly overlap?: number | undefined
}

/** The names of {@link Options}, each with the names that people write instead. */
const names = {
  ...optionNames,
  concurrency: [],
  stopAtFirst: [],
  prepare: [],
  pieceLength: [],
  overlap: []
} satisfies Record<keyof Options, ReadonlyArray<string>>

/** A picture that may have to be read first. */
export type Source = Effect.Effect<Uint8Array, Problem>

/** A checked post with its options. */
export interface Checked {
  readonly texts: ReadonlyArray<string>
  readonly images: ReadonlyArray<Source>
  readonly credentials: CallCredentials
  /** Milliseconds. */
  readonly deadline: number
  /** The options for each request. */
  readonly callOptions: OptionsOfCall
  readonly concurrency: number
  readonly stopAtFirst: boolean
  readonly prepare: boolean | ImagePreparer
  readonly pieceLength: number
  readonly overlap: number
}

const noParts = both(
  "is empty, as is images: give at least one text or picture",
  "与 images 均为空，请至少提供一段文字或一张图片"
)

const parameters: Parameters = {
  get input() {
    return Schema.Struct({
      texts: Schema.optional(Schema.Array(Text)),
      images: Schema.optional(Schema.Array(Schema.Unknown))
    }).check(
      Schema.makeFilter(({ images = [], texts = [] }) =>
        images.length + texts.length > 0 ? undefined : { path: ["texts"], issue: noParts }
      )
    )
  },
  wire: Schema.Unknown,
  otherNames: { texts: ["text", "content"], images: ["image", "media", "pictures"] }
}

const bytesIn = (u: unknown): Uint8Array | Problem => inMemory(u, maxBytesToPrepare)

/** A picture, or what is wrong with it if that is known before it is read. */
export const sourceOf = (u: unknown): Source | Problem => {
  const elsewhere = fromElsewhere(u, maxBytesToPrepare)
  const bytes = elsewhere === undefined ? bytesIn(u) : undefined
  if (bytes instanceof Problem) return bytes
  return Effect.flatMap(elsewhere ?? Effect.succeed(bytes), (media) => {
    const read = bytesIn(media)
    return read instanceof Problem ? Effect.fail(read) : Effect.succeed(read)
  })
}

/** The problem of one picture. */
export const problemOf = ({ en, zh }: Problem, i: number): FieldProblem => ({
  field: `images[${i}]`,
  problem: { en, zh }
})

const minPieceLength = 100

const notABoolean: Help = { en: "must be true or false", zh: "必须是 true 或 false" }
const notALength: Help = {
  en: `must be a whole number of at least ${minPieceLength}`,
  zh: `必须是不小于 ${minPieceLength} 的整数`
}
const notAnOverlap = (max: number): Help => ({
  en: `must be a whole number from 0 to ${group(max)}, half of the length of a piece`,
  zh: `必须是 0 到 ${group(max)}（片段长度的一半）之间的整数`
})

const isWhole = (u: unknown, min: number, max = Infinity): u is number =>
  Number.isInteger(u) && (u as number) >= min && (u as number) <= max

/** The options beside those of a call, and what is wrong with them. */
const ownOptions = ({
  concurrency = 4,
  overlap,
  pieceLength = Infinity,
  prepare = true,
  stopAtFirst = false
}: Options) => {
  const isLength = pieceLength === Infinity || isWhole(pieceLength, minPieceLength)
  const longest = isLength ? Math.min(pieceLength, safeLength) : safeLength
  const shared = overlap ?? Math.min(300, Math.floor(longest / 4))
  const wrong: Record<string, Help> = {}
  if (!isWhole(concurrency, 1)) wrong["concurrency"] = CallOptions.notACount
  if (typeof stopAtFirst !== "boolean") wrong["stopAtFirst"] = notABoolean
  if (!isPrepare(prepare)) wrong["prepare"] = notPrepare
  if (!isLength) wrong["pieceLength"] = notALength
  if (!isWhole(shared, 0, longest / 2)) wrong["overlap"] = notAnOverlap(Math.floor(longest / 2))
  return {
    options: { concurrency, stopAtFirst, prepare, pieceLength, overlap: shared },
    problems: Object.entries(wrong).map(([name, problem]): FieldProblem => ({ field: `options.${name}`, problem }))
  }
}

/** I1: checks all that needs neither a read nor the network. The error has every problem. */
export const check = (
  post: unknown,
  given: Options,
  settings: Settings,
  selected: Selected | undefined
): Result.Result<Checked, InvalidInput> => {
  const encoded = encode(parameters, post)
  const fields: Readonly<Record<string, unknown>> = isObject(post) ? (post as {}) : {}
  const sources = Array.from(Array.isArray(fields["images"]) ? fields["images"] : [], sourceOf)
  const ofCall = CallOptions.check(given, CallOptions.fromSettings(settings), names)
  const { options, problems: ofOptions } = ownOptions(isObject(given as unknown) ? given : {})
  const problems = [
    ...(Result.isFailure(encoded) ? encoded.failure.problems : []).map(({ field, problem }) => ({
      field: field.replace(/\.(\d+)$/, "[$1]"),
      problem
    })),
    ...sources.flatMap((source, i) => (source instanceof Problem ? [problemOf(source, i)] : [])),
    ...Caller.problemsOf(fields, selected),
    ...(Result.isFailure(ofCall) ? ofCall.failure.problems : []),
    ...ofOptions
  ]
  if (Result.isFailure(encoded) || Result.isFailure(ofCall) || problems.length > 0) {
    return Result.fail(invalidInput(problems))
  }
  const { attemptTimeout, attempts, quota } = given
  return Result.succeed({
    ...options,
    texts: (encoded.success.params as { readonly texts?: ReadonlyArray<string> }).texts ?? [],
    images: sources.filter((source): source is Source => !(source instanceof Problem)),
    credentials: Object.fromEntries(Object.entries(fields).filter(([name]) => Object.hasOwn(credentialNames, name))),
    deadline: ofCall.success.deadline,
    callOptions: { attemptTimeout, attempts, quota }
  })
}
