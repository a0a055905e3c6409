/** A comment on a page: checked before it is shown, and its author told by a message if they asked for it. */
import * as Content from "@qq-mini/core/Content"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

export class CommentRefused extends Data.TaggedError("CommentRefused")<{ readonly verdict: "risky" | "unchecked" }> {}

/** Fails with `CommentRefused` unless the text and all pictures passed. Says whether the author was told. */
export const postComment = Effect.fn("postComment")(function* (comment: {
  readonly author: string
  readonly text: string
  readonly pictures?: ReadonlyArray<Uint8Array>
  readonly template_id: string
}) {
  const { verdict } = yield* Content.check({ texts: [comment.text], images: comment.pictures })
  if (verdict !== "passed") return yield* new CommentRefused({ verdict })
  const told = yield* SubscribeMessage.send({
    touser: comment.author,
    template_id: comment.template_id,
    data: { keyword1: { value: comment.text.slice(0, 20) } }
  }).pipe(
    Effect.as(true),
    // not having subscribed is no failure of the comment
    Effect.catchReason("QQError", "NotSubscribed", () => Effect.succeed(false))
  )
  return { told }
})
