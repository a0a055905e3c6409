/** A comment on a page: checked before it is shown, and its author told by a message if they asked for it. */
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

export class CommentRefused extends Data.TaggedError("CommentRefused")<{}> {}

/** Fails with `CommentRefused` when the text is risky. Says whether the author was told. */
export const postComment = Effect.fn("postComment")(function* (comment: {
  readonly author: string
  readonly text: string
  readonly template_id: string
}) {
  const { risky } = yield* Security.msgSecCheck({ content: comment.text })
  if (risky) return yield* new CommentRefused()
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
