/**
 * What a server does with a request of QQ: check it, let your code handle it once, and answer.
 *
 * QQ repeats a payment notification until the answer is `{"code":0,"msg":"成功"}`, and may send one twice at once. So a
 * message is claimed in the `PushStore` first. If your code fails, or still runs for the same message, the answer is
 * HTTP 500 with another code, and QQ comes again. A message that was handled is answered without your code.
 *
 * Your code should still be able to run twice for one message: the process may end after your code and before the store
 * knows it, and a store in memory forgets. For example, let it change an order only if it is not paid yet.
 *
 * These functions know nothing of HTTP servers. For those see `PushWeb`, `PushHttp`, and the adapters.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { type AppId, Apps, type Missing } from "./App.ts"
import { functions, shown } from "./internal/shown.ts"
import * as Push from "./Push.ts"
import { PushStore, type PushStoreError } from "./PushStore.ts"
import type { QQError } from "./reason/error.ts"
import * as Signature from "./Signature.ts"

/** A request that a server got. */
export interface Received {
  /** The HTTP method. */
  readonly method: string
  /** The path of the address that QQ called, without the query. It is signed. */
  readonly path: string
  /** The body. */
  readonly body: Push.Body
}

/** The answer to QQ. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number
  /** The body: JSON. */
  readonly body: string
}

// How long a claim lasts after the process that has it died, and how often a living one extends it (ms).
const claimMillis = 30_000
const extendMillis = 10_000
// How long a handled message is remembered (ms): 30 days. QQ does not document for how long it repeats.
const rememberMillis = 2_592_000_000

const answer = (status: number, msg: string): Answer => ({
  status,
  body: JSON.stringify({ code: status === 200 ? 0 : status, msg })
})

/** The answer that ends QQ's repeats. */
const success = /* @__PURE__ */ answer(200, "成功")
/** The answer that makes QQ come again. */
export const comeAgain = /* @__PURE__ */ answer(500, "暂时无法处理，请稍后重试")
const forged = /* @__PURE__ */ answer(403, "签名错误")
const wrongMethod = /* @__PURE__ */ answer(405, "只接受 POST 请求")

const newOwner = Effect.map(
  Effect.all([Random.nextIntBetween(0, 2 ** 48), Random.nextIntBetween(0, 2 ** 48)]),
  (parts) => parts.map((part) => part.toString(36)).join("-")
)

/** Runs an effect for a message, unless that was done or is being done. */
const once = Effect.fnUntraced(function* <E, R>(
  key: string,
  run: Effect.Effect<unknown, E, R>
): Effect.fn.Return<Answer, PushStoreError, PushStore | R> {
  const store = yield* PushStore
  const owner = yield* newOwner
  const claim = store.claim(key, { owner, ttl: claimMillis })
  const extend = Effect.forever(Effect.delay(Effect.ignore(claim), extendMillis))
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const found = yield* claim
      if (found !== "first") return found === "done" ? success : comeAgain
      const exit = yield* Effect.exit(restore(Effect.raceFirst(run, extend)))
      if (Exit.isSuccess(exit)) {
        // It was handled, also if the store can't remember it.
        yield* warnIfFailed(store.done(key, { ttl: rememberMillis }))
        return success
      }
      yield* warnIfFailed(store.release(key, { owner }))
      // S1: an app's error may contain anything, so only its name is logged.
      const problem = shown(Cause.squash(exit.cause), functions)
      yield* Effect.logError(
        `A message of QQ could not be handled, and QQ will send it again: ${problem}. Log errors where you handle it`
      )
      return comeAgain
    })
  )
})

const warnIfFailed = (effect: Effect.Effect<void, PushStoreError>) =>
  Effect.catch(effect, (error) => Effect.logWarning(error.message))

/** Answers the failures. The sender can't help with those of our side, so it learns nothing of them. */
const answering = <R>(
  effect: Effect.Effect<Answer, Push.PushInvalid | PushStoreError | QQError | Missing, R>
): Effect.Effect<Answer, never, R> =>
  Effect.catch(effect, (error) =>
    error._tag === "PushInvalid"
      ? Effect.succeed(answer(error.problem === "size" ? 413 : 400, error.help.zh))
      : Effect.as(Effect.logError(`A message of QQ can't be checked: ${error.message}`), comeAgain)
  )

/** What handles payment notifications. */
export interface PayOptions<E, R> {
  /** The program that is paid. By default the default program of `Apps`. */
  readonly appid?: AppId | undefined
  /**
   * The path of the address as it is registered at QQ, if a proxy changes the path. By default that of the request. It
   * is signed: with another path each notification counts as forged.
   */
  readonly path?: string | undefined
  /** Handles a genuine payment, once. If it fails, QQ sends the notification again. Compare `amt` with your order. */
  readonly handle: (payment: Push.PayNotification) => Effect.Effect<unknown, E, R>
}

/**
 * Handles a payment notification: checks its signature with the program's AppSecret, and runs `handle` once for each
 * `bill_no`.
 *
 * Answers 403 to a forged one, 400 or 413 to a body that is not QQ's, and 500 if `handle`, the store or `Apps` fails,
 * which is logged. Source: QQ's document on game payments, for the fields and the answer. That QQ repeats until it gets
 * this answer is seen in the code of other servers.
 */
export const payNotification = <E, R>(
  { appid, handle, path }: PayOptions<E, R>,
  received: Received
): Effect.Effect<Answer, never, Apps | PushStore | R> =>
  answering(
    Effect.gen(function* () {
      if (received.method !== "POST") return wrongMethod
      const payment = yield* Push.payNotification(received.body)
      const app = yield* (yield* Apps).credentials(appid)
      const isGenuine = yield* Signature.verifyPayNotification({
        path: path ?? received.path,
        parameters: payment.parameters,
        appsecret: app.appsecret
      })
      return isGenuine ? yield* once(`pay:${app.appid}:${payment.bill_no}`, handle(payment)) : forged
    })
  )

/** What handles pushes. */
export interface PushOptions<E, R> {
  /** Handles a push, once if it has an id. If it fails, the answer is HTTP 500. */
  readonly handle: (push: Push.Push) => Effect.Effect<unknown, E, R>
}

/**
 * Handles a push: decodes it, and runs `handle` once for each `MsgId`. A push without an id is always handled.
 *
 * No signature of pushes is documented, so anybody who knows the address can send one, and so can also use up an id
 * before QQ does. Give QQ an address that nobody can guess, and do not trust a push alone. The answer that QQ expects is
 * not documented either: it is the one of payment notifications.
 */
export const push = <E, R>(
  { handle }: PushOptions<E, R>,
  received: Received
): Effect.Effect<Answer, never, PushStore | R> =>
  answering(
    Effect.gen(function* () {
      if (received.method !== "POST") return wrongMethod
      const decoded = yield* Push.push(received.body)
      // Without an id, the claim is one that nobody else has.
      const id = decoded.MsgId ?? (yield* newOwner)
      return yield* once(`push:${id}`, handle(decoded))
    })
  )
