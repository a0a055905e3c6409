/** Checks several contents that are shown together. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/**
 * Checks all, until one is risky or can't be checked. Returns for each whether it is risky, or `undefined` if it was not
 * checked. Fails if one can't be checked and none is risky. So C1: all pass only if every result is `false`.
 *
 * `inTurn` limits how many are checked at the same time.
 */
export const checkAll = <A, E>(
  all: ReadonlyArray<A>,
  check: (one: A) => Effect.Effect<{ readonly risky: boolean }, E>,
  inTurn: <B>(effect: Effect.Effect<B>) => Effect.Effect<B>
): Effect.Effect<ReadonlyArray<boolean | undefined>, E> => {
  let ended = false
  const checkOne = (one: A) =>
    Effect.suspend(() =>
      ended
        ? Effect.undefined
        : Effect.map(Effect.result(check(one)), (result) => {
            ended ||= Result.isFailure(result) || result.success.risky
            return Result.map(result, ({ risky }) => risky)
          })
    )
  return Effect.flatMap(
    Effect.forEach(all, (one) => inTurn(checkOne(one)), { concurrency: "unbounded" }),
    (results) => {
      const checked = results.map((result) => result && Result.getOrUndefined(result))
      const failure = results.find((result) => result !== undefined && Result.isFailure(result))
      return failure !== undefined && !checked.includes(true) ? Effect.fail(failure.failure) : Effect.succeed(checked)
    }
  )
}
