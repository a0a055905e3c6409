/**
 * Whole posts: the texts and pictures that are shown together, checked in one call.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as App from "./App.ts"
import { appidOf } from "./call/caller.ts"
import { QQMini } from "./call/service.ts"
import * as Input from "./content/input.ts"
import { name, PostCheck } from "./content/postCheck.ts"
import type { Report } from "./content/report.ts"
import type { CallCredentials } from "./endpoint/definition.ts"
import { Settings } from "./internal/settings.ts"
import { QQError } from "./reason/error.ts"

export type { Options, Post } from "./content/input.ts"
export type { Report, Verdict } from "./content/report.ts"
export type { Piece } from "./content/split.ts"

/**
 * Checks a whole post: `Content.check({ texts: [title, body], images: photos })`. Show it only if the report is `passed`.
 *
 * - One deadline covers everything. At most `concurrency` requests are made at the same time.
 * - The report has a verdict for each text and picture. One that could not be checked is `failed` with its `QQError`, or
 *   `skipped`, and the post does not pass. So the check itself fails only with `InvalidInput`, which has all problems of
 *   the post and the options, or if a picture was not read in time; then nothing was sent.
 * - Equal texts and pictures are checked once.
 * - A text above QQ's limit is sent in pieces that overlap, a picture as `prepare` makes of it. Each piece is one call for
 *   QQ's quota.
 */
export const check = Effect.fnUntraced(function* (
  post: Input.Post & CallCredentials,
  options: Input.Options = {}
): Effect.fn.Return<Report, QQError, QQMini> {
  const client = yield* QQMini
  const selected = yield* App.Current
  const settings = client.settings ?? (yield* Settings)
  const app = appidOf(post) ?? selected?.appid
  const checked = Input.check(post, options, settings, selected)
  if (Result.isFailure(checked)) return yield* new QQError({ endpoint: name, app, reason: checked.failure })
  const whole = new PostCheck(client, checked.success, yield* Clock.Clock, app)
  return yield* whole.run(yield* whole.readImages())
})
