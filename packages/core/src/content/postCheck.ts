/** The check of one post: its requests, in turn and in time, and the verdicts on its parts. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Result from "effect/Result"
import { checkAll } from "../call/checkAll.ts"
import { Problem } from "../call/media.ts"
import { check as problemOfPicture } from "../call/picture.ts"
import { prepareIfAble } from "../call/pictureInParts.ts"
import type { QQMini } from "../call/service.ts"
import { Turns } from "../call/turns.ts"
import type { Any } from "../endpoint/definition.ts"
import type { PartOrigin } from "../ImagePreparer.ts"
import { millisOf } from "../internal/time.ts"
import { type Reason, TimedOut } from "../reason/client.ts"
import { QQError } from "../reason/error.ts"
import { invalidInput } from "../reason/input.ts"
import * as Security from "../Security.ts"
import { type Checked, problemOf } from "./input.ts"
import { type Report, reportOf, type Verdict } from "./report.ts"
import { type Piece, piecesOf } from "./split.ts"

/** The name of the check in errors. */
export const name = "content.check"

/** The failure of what is not begun, because the time is over. */
const late = Symbol()
/** The failure that ends all checks. */
const stop = Symbol()
type Failure = QQError | typeof late

/** One request, and which part of its text or picture it checks. */
interface Request<Place> {
  readonly place: Place
  readonly endpoint: Any
  readonly input: object
}

type Requests<Place> = Effect.Effect<ReadonlyArray<Request<Place>>, Failure>

/** The different ones among all, and for each of all the index of the one that it equals. */
const distinct = <A>(all: ReadonlyArray<A>, isSame: (one: A, other: A) => boolean) => {
  const different: Array<A> = []
  const indexes = all.map((one) => {
    const at = different.findIndex((other) => isSame(one, other))
    return at >= 0 ? at : different.push(one) - 1
  })
  return { different, indexes }
}

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, i) => byte === other[i])

/** The check of one post. */
export class PostCheck {
  readonly #client: QQMini["Service"]
  readonly #post: Checked
  readonly #clock: Clock.Clock
  readonly #began: number
  readonly #app: string | undefined
  readonly #turns: Turns

  constructor(client: QQMini["Service"], post: Checked, clock: Clock.Clock, app: string | undefined) {
    this.#client = client
    this.#post = post
    this.#clock = clock
    this.#began = millisOf(clock)
    this.#app = app
    this.#turns = new Turns(post.concurrency)
  }

  #error(endpoint: string, reason: Reason): QQError {
    return new QQError({ endpoint, app: this.#app, reason, elapsed: millisOf(this.#clock) - this.#began })
  }

  /** D3: runs an effect with the milliseconds that are left of the deadline, if there are any. */
  #inTime<A>(run: (millis: number) => Effect.Effect<A, QQError>): Effect.Effect<A, Failure> {
    return Effect.suspend((): Effect.Effect<A, Failure> => {
      const millis = this.#began + this.#post.deadline - millisOf(this.#clock)
      return millis > 0 ? run(millis) : Effect.fail(late)
    })
  }

  /** Ends work other than calls at the deadline. */
  #bounded<A>(endpoint: string, work: Effect.Effect<A, Reason>, millis: number): Effect.Effect<A, QQError> {
    const timedOut = () => Effect.fail(new TimedOut({ during: "media", limit: this.#post.deadline }))
    return Effect.mapError(Effect.timeoutOrElse(work, { duration: millis, orElse: timedOut }), (reason) =>
      this.#error(endpoint, reason)
    )
  }

  /** Reads all pictures. I1: nothing is sent if one can't be read. */
  readImages(): Effect.Effect<ReadonlyArray<Uint8Array>, QQError> {
    const { concurrency, deadline, images } = this.#post
    const all = Effect.flatMap(Effect.forEach(images, Effect.result, { concurrency }), (results) => {
      const problems = results.flatMap((result, i) => (Result.isFailure(result) ? [problemOf(result.failure, i)] : []))
      return problems.length > 0
        ? Effect.fail(invalidInput(problems))
        : Effect.succeed(results.flatMap((result) => (Result.isSuccess(result) ? [result.success] : [])))
    })
    return this.#bounded(name, all, deadline)
  }

  #requestsOfText(text: string): Requests<Piece> {
    const { overlap, pieceLength } = this.#post
    return Effect.sync(() =>
      piecesOf(text, pieceLength, overlap).map((place) => ({
        place,
        endpoint: Security.msgSecCheck,
        input: { content: text.slice(place.start, place.end) }
      }))
    )
  }

  #requestsOfImage(media: Uint8Array): Requests<PartOrigin> {
    const { prepare } = this.#post
    const endpoint = Security.imgSecCheck
    const preparer = prepare === true ? this.#client.imagePreparer : prepare
    // With `prepare`, the error of a picture that QQ does not take says what is missing.
    const needsPreparer = prepare !== false && problemOfPicture(media) instanceof Problem
    const asItIs = [{ place: {}, endpoint, input: needsPreparer ? { media, prepare: preparer ?? true } : { media } }]
    if (preparer === undefined || preparer === false) return Effect.succeed(asItIs)
    return this.#inTime((millis) =>
      Effect.map(this.#bounded(endpoint.name, prepareIfAble(preparer, media), millis), (parts) =>
        parts === undefined
          ? asItIs
          : parts.map(({ bytes, origin }) => ({ place: origin, endpoint, input: { media: bytes } }))
      )
    )
  }

  #send({ endpoint, input }: Request<unknown>): Effect.Effect<Security.Verdict, Failure> {
    const { callOptions, credentials } = this.#post
    return this.#inTime(
      (deadline) =>
        this.#client.call(endpoint, { ...input, ...credentials }, { ...callOptions, deadline }) as Effect.Effect<
          Security.Verdict,
          QQError
        >
    )
  }

  #verdictOf<Place>(requests: Requests<Place>): Effect.Effect<Verdict<Place>> {
    const results = Effect.flatMap(requests, (requests) =>
      Effect.map(
        checkAll(
          requests,
          (request) => this.#send(request),
          (check) => this.#turns.run(check, identity)
        ),
        (risky): Verdict<Place> =>
          // C1: a part that was left out is no pass.
          risky.every((one) => one === false)
            ? { verdict: "passed" }
            : { verdict: "risky", ...(requests[risky.indexOf(true)]?.place as Place) }
      )
    )
    return Effect.catch(results, (error) =>
      Effect.succeed<Verdict<Place>>(
        error === late ? { verdict: "skipped", because: "deadline" } : { verdict: "failed", error }
      )
    )
  }

  /** The checks of what differs among all, and the verdicts that were found when they end. */
  #checksOf<A, Place>(
    all: ReadonlyArray<A>,
    isSame: (one: A, other: A) => boolean,
    requestsOf: (one: A) => Requests<Place>
  ) {
    const { different, indexes } = distinct(all, isSame)
    const found: Array<Verdict<Place>> = []
    const checks = different.map((one, i) =>
      Effect.flatMap(this.#verdictOf(requestsOf(one)), (verdict) => {
        found[i] = verdict
        return verdict.verdict === "risky" && this.#post.stopAtFirst ? Effect.fail(stop) : Effect.void
      })
    )
    return {
      checks,
      verdicts: () => indexes.map((i) => found[i] ?? ({ verdict: "skipped", because: "risky" } as const))
    }
  }

  /** Checks all texts and pictures. */
  run(images: ReadonlyArray<Uint8Array>): Effect.Effect<Report> {
    const { concurrency, texts } = this.#post
    const ofTexts = this.#checksOf(texts, Object.is, (text) => this.#requestsOfText(text))
    const ofImages = this.#checksOf(images, sameBytes, (image) => this.#requestsOfImage(image))
    // A failure interrupts the others.
    return Effect.forEach([...ofTexts.checks, ...ofImages.checks], identity, { concurrency, discard: true }).pipe(
      Effect.catch(() => Effect.void),
      Effect.map(() => reportOf(ofTexts.verdicts(), ofImages.verdicts()))
    )
  }
}
