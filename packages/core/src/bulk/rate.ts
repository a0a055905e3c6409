/** How fast work in bulk goes. */

// The rate is that of this time (ms).
const rateMillis = 30_000

/** Makes the function that gives how many are done in a second, from what was observed before. */
export const makeRate = (): ((done: number, now: number) => number | undefined) => {
  const seen: Array<{ readonly at: number; readonly done: number }> = []
  return (done, now) => {
    seen.push({ at: now, done })
    while (seen.length > 2 && seen[1]!.at <= now - rateMillis) seen.shift()
    const first = seen[0]!
    return now <= first.at || done === first.done ? undefined : ((done - first.done) / (now - first.at)) * 1_000
  }
}
