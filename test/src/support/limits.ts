/** Limits other than QQ's own, for tests that can't make thousands of calls or wait for a minute. */
import * as Quota from "@qq-mini/core/Quota"

/** The limiter with other limits in the place of those that calls bring. */
export const withLimits = (
  quota: Quota.Quota["Service"],
  limitsOf: (limits: ReadonlyArray<Quota.Limit>) => ReadonlyArray<Quota.Limit>
): Quota.Quota["Service"] => {
  const known = new WeakMap<ReadonlyArray<Quota.Limit>, ReadonlyArray<Quota.Limit>>()
  const other = <A extends Quota.CountedCall>(counted: A): A => {
    let limits = known.get(counted.limits)
    if (limits === undefined) known.set(counted.limits, (limits = limitsOf(counted.limits)))
    return { ...counted, limits }
  }
  return Quota.Quota.of({
    reserve: (options) => quota.reserve(other(options)),
    complete: (options) => quota.complete(other(options)),
    release: (options) => quota.release(other(options)),
    remaining: (options) => quota.remaining(other(options)),
    close: (options) => quota.close(other(options)),
    isClosed: (options) => quota.isClosed(other(options))
  })
}
