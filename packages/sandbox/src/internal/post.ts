import type { Encoding } from "@qq-mini/core/Signature"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"

/** How the platform posts something to the developer's server. QQ documents none of the numbers. */
export interface Posting {
  /** The address on the developer's server. Without it nothing is posted. */
  readonly url?: string | undefined
  /** How late the first post comes. A number is milliseconds. By default 0. */
  readonly delay?: Duration.Input | undefined
  /** How many posts come at once. By default 1. */
  readonly copies?: number | undefined
  /** How often it is posted at most, until it is accepted. 0 is never. By default 3. */
  readonly attempts?: number | undefined
  /** The pause before it is posted again. A number is milliseconds. By default 15 seconds. */
  readonly pause?: Duration.Input | undefined
}

/** How the platform posts the notification of a payment. */
export interface PayNotification extends Posting {
  /** The body: a JSON object or a form. By default `json`. QQ does not document it. */
  readonly body?: "json" | "form" | undefined
  /** How values are encoded in what is signed. By default `component`. QQ does not document it. */
  readonly encoding?: Encoding | undefined
  /** Signs with this AppSecret instead of the program's, as somebody would who forges a notification. */
  readonly appsecret?: string | undefined
}

/** An answer of the developer's server. */
export interface Answer {
  /** The HTTP status. `undefined` if no answer came within 10 seconds. */
  readonly status: number | undefined
  readonly body: string
}

/** What came of a post. */
export interface Posted {
  /** Whether the developer's server accepted it: a payment with `code: 0`, a push with a status of 2xx. */
  readonly accepted: boolean
  /** All answers, oldest first. */
  readonly answers: ReadonlyArray<Answer>
}

const noAnswer: Answer = { status: undefined, body: "" }

const once = (url: string, body: HttpBody.HttpBody): Effect.Effect<Answer, never, HttpClient.HttpClient> =>
  HttpClient.post(url, { body }).pipe(
    Effect.flatMap((response) =>
      Effect.map(response.text, (text): Answer => ({ status: response.status, body: text }))
    ),
    Effect.timeout("10 seconds"),
    Effect.orElseSucceed(() => noAnswer)
  )

/** Posts until it is accepted. The body is made anew for each attempt, after its pause. */
export const post = Effect.fnUntraced(function* (
  { attempts = 3, copies = 1, delay = 0, pause = "15 seconds", url }: Posting,
  body: Effect.Effect<HttpBody.HttpBody>,
  isAccepted: (answer: Answer) => boolean
): Effect.fn.Return<Posted, never, HttpClient.HttpClient> {
  const answers: Array<Answer> = []
  if (url === undefined) return { accepted: false, answers }
  for (let attempt = 0; attempt < attempts; attempt++) {
    yield* Effect.sleep(Duration.fromInputUnsafe(attempt === 0 ? delay : pause))
    const copy = once(url, yield* body)
    const round = yield* Effect.all(
      Array.from({ length: copies }, () => copy),
      { concurrency: "unbounded" }
    )
    answers.push(...round)
    if (round.some(isAccepted)) return { accepted: true, answers }
  }
  return { accepted: false, answers }
})

const isFine = ({ status = 0 }: Answer) => status >= 200 && status < 300

/** Whether an answer accepts a push. */
export const acceptsPush = isFine

/** Whether an answer accepts a payment: `{"code":0,…}`. */
export const acceptsPayment = (answer: Answer): boolean => {
  if (!isFine(answer)) return false
  try {
    return (JSON.parse(answer.body) as { readonly code?: unknown } | null)?.code === 0
  } catch {
    return false
  }
}
