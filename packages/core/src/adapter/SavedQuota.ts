/**
 * The limiter for stores that keep a text for each key and change it in a transaction. All processes that share the store
 * share the count.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type CountedCall, Quota, type QuotaError, reserveIn } from "../Quota.ts"
import { type SavedWindows, Windows } from "../quota/windows.ts"

/**
 * Changes the text of a key in a transaction. `change` gets the text, or `undefined` if there is none, and the store's time
 * in milliseconds. `save` is `undefined` if nothing has changed.
 */
export type Transact = <A>(
  key: string,
  change: (text: string | undefined, now: number) => { readonly result: A; readonly save: string | undefined }
) => Effect.Effect<A, QuotaError>

const none: SavedWindows = { windows: {} }

const parse = (text: string): SavedWindows =>
  Result.getOrElse(
    Result.try(() => JSON.parse(text) as SavedWindows),
    () => none
  )

/** Makes the limiter. */
export const make = (transact: Transact): Quota["Service"] => {
  const run = <A>(
    counted: CountedCall,
    use: (windows: Windows, now: number) => A,
    isChange = true
  ): Effect.Effect<A, QuotaError> =>
    transact(counted.key, (text, now) => {
      const windows = new Windows()
      windows.restore(counted, text === undefined ? none : parse(text))
      const result = use(windows, now)
      return { result, save: isChange ? JSON.stringify(windows.save(counted)) : undefined }
    })
  return Quota.of({
    reserve: (options) => run(options, (windows, now) => reserveIn(windows, options, now)),
    // A place that is not reported ends at its deadline.
    complete: ({ ticket, ...counted }) =>
      Effect.ignore(run(counted, (windows, now) => windows.complete(counted, ticket, now))),
    release: ({ ticket, ...counted }) => run(counted, (windows) => windows.release(counted, ticket)),
    remaining: (counted) => run(counted, (windows, now) => windows.remaining(counted, now), false),
    close: (counted) => run(counted, (windows, now) => windows.close(counted, now)),
    isClosed: (counted) =>
      Effect.orElseSucceed(
        run(counted, (windows, now) => windows.isClosed(counted, now), false),
        () => false
      )
  })
}
