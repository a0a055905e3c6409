import type { Counted } from "../Quota.ts"

/** Milliseconds of a limit's window. */
export const windowMillis = { minute: 60_000, day: 86_400_000, ever: Infinity } as const

// The window is cut into slots. A place counts until its slot and two more after the window are over: one because a slot
// is only known to a slot's width, one because requests do not travel equally fast. 64/66 = 97 % of the limit is usable.
const slotsInWindow = 64
const slotsHeld = slotsInWindow + 2

/**
 * How the windows are cut, and how long a call stays closed after QQ refused one, for limiters on other stores: from
 * `first` milliseconds, doubled when QQ refuses again within `memory`, up to `longest`.
 */
export const shape = {
  slotsInWindow,
  slotsHeld,
  closed: { first: 60_000, longest: 3_600_000, memory: 300_000 }
} as const

class Window {
  readonly width: number
  readonly max: number
  /** Places by slot number. Reservations only ever move forward, so the last key is the newest. */
  readonly counts = new Map<number, number>()
  newest = -Infinity

  constructor(max: number, millis: number) {
    this.max = max
    this.width = millis / slotsInWindow
  }

  slot(time: number): number {
    return Math.floor(time / this.width)
  }

  used(slot: number): number {
    let sum = 0
    for (const [key, count] of this.counts) if (key > slot - slotsHeld && key <= slot) sum += count
    return sum
  }

  /** The earliest time from `time` on with room. */
  earliest(time: number): number {
    if (this.max < 1) return Infinity
    let slot = this.slot(time)
    if (this.newest <= slot && this.used(slot) < this.max) return time
    slot = Math.max(slot, this.newest)
    let used = this.used(slot)
    while (used >= this.max) {
      slot++
      used -= this.counts.get(slot - slotsHeld) ?? 0
    }
    return Math.max(time, slot * this.width)
  }

  take(time: number, now: number): number {
    const slot = this.slot(time)
    this.newest = Math.max(this.newest, slot)
    this.counts.set(slot, (this.counts.get(slot) ?? 0) + 1)
    for (const key of this.counts.keys()) {
      if (key > this.slot(now) - slotsHeld) break
      this.counts.delete(key)
    }
    return slot
  }

  giveBack(slot: number | undefined): void {
    const count = slot === undefined ? undefined : this.counts.get(slot)
    if (count === undefined) return
    if (count > 1) {
      this.counts.set(slot!, count - 1)
    } else {
      this.counts.delete(slot!)
    }
    // whoever comes next need not queue behind a place that nobody has
    this.newest = Math.max(-Infinity, ...this.counts.keys())
  }
}

/** A call that QQ refused for its number. */
interface Closing {
  until: number
  times: number
}

/** The rolling windows of any number of calls, on one clock, and the calls that are closed. */
export class Windows {
  readonly #windows = new Map<string, Window>()
  readonly #closings = new Map<string, Closing>()

  #kept({ key, limits }: Counted): Array<Window> {
    return limits
      .filter((limit) => limit.keptBy === "client")
      .map((limit) => {
        const id = `${key} ${limit.max}/${limit.per}`
        let window = this.#windows.get(id)
        if (window === undefined) {
          window = new Window(limit.max, windowMillis[limit.per])
          this.#windows.set(id, window)
        }
        return window
      })
  }

  #closedUntil({ key }: Counted): number {
    return this.#closings.get(key)?.until ?? -Infinity
  }

  /** The earliest time from `now` on at which there is room. */
  earliest(counted: Counted, now: number): number {
    const all = this.#kept(counted)
    let time = Math.max(now, this.#closedUntil(counted))
    for (let moved = true; moved;) {
      moved = false
      for (const window of all) {
        const next = window.earliest(time)
        if (next > time) {
          time = next
          moved = true
        }
      }
    }
    return time
  }

  /** Takes a place at a time; gives what takes it back. */
  take(counted: Counted, time: number, now: number): ReadonlyArray<number> {
    return this.#kept(counted).map((window) => window.take(time, now))
  }

  giveBack(counted: Counted, ticket: ReadonlyArray<number>): void {
    for (const [i, window] of this.#kept(counted).entries()) window.giveBack(ticket[i])
  }

  left(counted: Counted, now: number): number {
    if (this.isClosed(counted, now)) return 0
    return Math.min(Infinity, ...this.#kept(counted).map((w) => Math.max(0, w.max - w.used(w.slot(now)))))
  }

  /** QQ refused a call. */
  refused(counted: Counted, now: number): void {
    const { first, longest, memory } = shape.closed
    const closing = this.#closings.get(counted.key) ?? { until: -Infinity, times: 0 }
    // calls that were under way together are refused together
    if (now < closing.until) return
    const times = now - closing.until < memory ? closing.times + 1 : 1
    this.#closings.set(counted.key, { until: now + Math.min(longest, first * 2 ** (times - 1)), times })
  }

  /** The call is known to be closed until then, if not for longer. */
  close({ key }: Counted, until: number): void {
    const closing = this.#closings.get(key) ?? { until: -Infinity, times: 1 }
    closing.until = Math.max(closing.until, until)
    this.#closings.set(key, closing)
  }

  isClosed(counted: Counted, now: number): boolean {
    return now < this.#closedUntil(counted)
  }
}
