import { type Counted, windowMillis } from "../Limit.ts"

/** What the limiter needs to know a place again. Empty where it does not count. */
export type Ticket = ReadonlyArray<number>

// The window is cut into slots. A place that ended somewhere in a slot counts until a whole window after the slot's end,
// so 64/65 = 98 % of a limit can be used.
const slotsInWindow = 64
const slotsHeld = slotsInWindow + 1

/**
 * How the windows are cut, and how long a call stays closed after QQ refused one, for limiters on other stores: from
 * `first` milliseconds, doubled when QQ refuses again within `memory`, up to `longest`.
 */
export const shape = {
  slotsInWindow,
  slotsHeld,
  closed: { first: 60_000, longest: 3_600_000, memory: 300_000 }
} as const

/**
 * One limit's places. Q1: QQ counts a call at some moment between its granting and its answer, so an open place counts
 * until it ends, and then for a whole window. One whose end nobody reports ends at its deadline.
 */
class Window {
  readonly width: number
  readonly max: number
  /** Places that ended, by the slot of their end; and bookings, by the slot from which they may be exchanged. */
  readonly counts = new Map<number, number>()
  /** Places under way, by the slot of their deadline. */
  readonly open = new Map<number, number>()
  /** All places of both, also those that are over and not removed yet. */
  #places = 0
  /** The last slot in which a place was ever counted. */
  #last = -Infinity
  /** The slot in which places that are over were removed last. */
  #cleaned = -Infinity

  constructor(max: number, millis: number) {
    this.max = max
    this.width = millis / slotsInWindow
  }

  slot(time: number): number {
    return Math.floor(time / this.width)
  }

  /** How many places count in a slot. Of those under way it is hoped that they end in the slot `now`. */
  used(slot: number, now: number): number {
    let sum = 0
    for (const [end, count] of this.counts) if (end > slot - slotsHeld && end <= slot) sum += count
    for (const [end, count] of this.open) if (Math.min(end, now) > slot - slotsHeld) sum += count
    return sum
  }

  add(counts: Map<number, number>, slot: number, by: number): void {
    const before = counts.get(slot) ?? 0
    const count = Math.max(0, before + by)
    if (count > 0) counts.set(slot, count)
    else counts.delete(slot)
    this.#places += count - before
    if (counts === this.counts) this.#last = Math.max(this.#last, slot)
  }

  /** The earliest time from `time` on with room, behind the bookings unless this is one of them. */
  earliest(time: number, now: number, booked: boolean): number {
    if (this.max < 1) return Infinity
    const first = this.slot(time)
    // No bookings, and fewer places than the limit: nothing needs to be counted.
    if (this.#places < this.max && this.#last <= first) return time
    const present = this.slot(now)
    let slot = booked ? first : Math.max(first, ...this.counts.keys())
    while (this.used(slot, present) >= this.max) slot++
    return Math.max(time, slot * this.width)
  }

  /** Takes a place from now to its deadline; gives its slot. */
  take(now: number, deadline: number): number {
    this.#clean(this.slot(now))
    const slot = this.slot(deadline)
    this.add(this.open, slot, 1)
    return slot
  }

  /** Removes the places that count no more. */
  #clean(present: number): void {
    if (present === this.#cleaned) return
    this.#cleaned = present
    for (const counts of [this.counts, this.open])
      for (const [slot, count] of counts) if (slot <= present - slotsHeld) this.add(counts, slot, -count)
  }

  book(time: number): number {
    const slot = this.slot(time)
    this.add(this.counts, slot, 1)
    return slot
  }

  end(slot: number, time: number): void {
    if (!this.open.has(slot)) return
    this.add(this.open, slot, -1)
    this.add(this.counts, Math.min(slot, this.slot(time)), 1)
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

  /** Memoised: the windows of the limits that a key was last counted by. */
  readonly #last = new Map<string, { readonly limits: Counted["limits"]; readonly windows: ReadonlyArray<Window> }>()

  #kept({ key, limits }: Counted): ReadonlyArray<Window> {
    const last = this.#last.get(key)
    if (last?.limits === limits) return last.windows
    const windows = limits
      .filter((limit) => limit.keptBy === "client")
      .map((limit) => {
        const id = `${key} ${limit.max}/${limit.per}`
        let window = this.#windows.get(id)
        if (window === undefined) {
          window = new Window(limit.max, windowMillis(limit.per))
          this.#windows.set(id, window)
        }
        return window
      })
    this.#last.set(key, { limits, windows })
    return windows
  }

  #closedUntil({ key }: Counted): number {
    return this.#closings.get(key)?.until ?? -Infinity
  }

  /** The earliest time from `now` on at which there is room. One who has `booked` need not queue again. */
  earliest(counted: Counted, now: number, booked = false): number {
    const all = this.#kept(counted)
    let time = Math.max(now, this.#closedUntil(counted))
    for (let moved = true; moved;) {
      moved = false
      for (const window of all) {
        const next = window.earliest(time, now, booked)
        if (next > time) {
          time = next
          moved = true
        }
      }
    }
    return time
  }

  /** Takes a place now, until its deadline at the latest. */
  take(counted: Counted, now: number, deadline: number): Ticket {
    return [1, ...this.#kept(counted).map((window) => window.take(now, deadline))]
  }

  /** Books a place for later. */
  book(counted: Counted, time: number): Ticket {
    return [0, ...this.#kept(counted).map((window) => window.book(time))]
  }

  /** Takes back what was not used. */
  giveBack(counted: Counted, [taken, ...slots]: Ticket): void {
    for (const [i, window] of this.#kept(counted).entries()) {
      if (slots[i] !== undefined) window.add(taken === 1 ? window.open : window.counts, slots[i], -1)
    }
  }

  /** A place that was taken ended. */
  end(counted: Counted, ticket: Ticket, time: number): void {
    const windows = this.#kept(counted)
    for (let i = 0; i < windows.length; i++) {
      const slot = ticket[i + 1]
      if (slot !== undefined) windows[i]!.end(slot, time)
    }
  }

  left(counted: Counted, now: number): number {
    if (this.isClosed(counted, now)) return 0
    return Math.min(Infinity, ...this.#kept(counted).map((w) => Math.max(0, w.max - w.used(w.slot(now), w.slot(now)))))
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
