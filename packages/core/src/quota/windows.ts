import { type CountedCall, windowMillis } from "../Limit.ts"

/** Identifies a place or booking for the limiter that granted it. Empty if the limiter does not count the call. */
export type Ticket = ReadonlyArray<number>

// The window is divided into slots. A place that ended within a slot counts until a whole window after the slot's end,
// so 64/65 = 98 % of a limit can be used.
const slotsInWindow = 64
const slotsHeld = slotsInWindow + 1

/**
 * The constants of the limiter, which limiters on other stores share: how windows are divided into slots, and how long
 * a call stays closed after QQ refused it. That time is `firstMillis`. It doubles if QQ refuses again within
 * `memoryMillis` after it has ended, up to `longestMillis`.
 */
export const constants = {
  slotsInWindow,
  slotsHeld,
  closed: { firstMillis: 60_000, longestMillis: 3_600_000, memoryMillis: 300_000 }
} as const

type Slots = ReadonlyArray<readonly [slot: number, count: number]>
type SavedWindow = readonly [counts: Slots, open: Slots]

/** The windows of one key, for a store that keeps them as text. */
export interface SavedWindows {
  readonly windows: Readonly<Record<string, SavedWindow>>
  readonly closing?: Closing | undefined
}

/**
 * The places of one limit. Q1: QQ counts a call at an unknown moment between the granting of its place and its answer.
 * So a place counts while it is open, and for a whole window after it has ended. An unreported place ends at its
 * deadline.
 */
class Window {
  readonly width: number
  readonly max: number
  /** Tells the limits of a key apart. */
  readonly id: string
  /**
   * The number of ended places by the slot of their end, and of bookings by the slot from which they can be exchanged.
   */
  readonly counts = new Map<number, number>()
  /** The number of open places, by the slot of their deadline. */
  readonly open = new Map<number, number>()
  /** The number of all places in both maps, including old ones that have not been removed yet. */
  #places = 0
  /** The last slot in which a place was ever counted. */
  #last = -Infinity
  /** The slot in which old places were removed last. */
  #cleaned = -Infinity

  constructor(max: number, millis: number) {
    this.max = max
    this.width = millis / slotsInWindow
    this.id = `${max}/${millis}`
  }

  /** The slot of a time. */
  slot(time: number): number {
    return Math.floor(time / this.width)
  }

  /**
   * How many places count in a slot. Assumes that open places end in the slot `now`, or at their deadline if earlier.
   */
  used(slot: number, now: number): number {
    let sum = 0
    for (const [end, count] of this.counts) if (end > slot - slotsHeld && end <= slot) sum += count
    for (const [end, count] of this.open) if (Math.min(end, now) > slot - slotsHeld) sum += count
    return sum
  }

  /** Changes the number of places in a slot. It never falls below 0. */
  add(counts: Map<number, number>, slot: number, by: number): void {
    const before = counts.get(slot) ?? 0
    const count = Math.max(0, before + by)
    if (count > 0) counts.set(slot, count)
    else counts.delete(slot)
    this.#places += count - before
    if (counts === this.counts) this.#last = Math.max(this.#last, slot)
  }

  /**
   * The earliest time at or after `time` with a free place. It is after all bookings, unless the caller has `booked`.
   */
  earliest(time: number, now: number, booked: boolean): number {
    if (this.max < 1) return Infinity
    const first = this.slot(time)
    // No later bookings and fewer places than the limit: there is no need to count.
    if (this.#places < this.max && this.#last <= first) return time
    const present = this.slot(now)
    let slot = booked ? first : Math.max(first, ...this.counts.keys())
    while (this.used(slot, present) >= this.max) slot++
    return Math.max(time, slot * this.width)
  }

  /** All places, for a store that keeps them as text. */
  get saved(): SavedWindow {
    return [[...this.counts], [...this.open]]
  }

  /** Adds the places of a saved window to this one, which is empty. */
  restore([counts, open]: SavedWindow): void {
    for (const [slot, count] of counts) this.add(this.counts, slot, count)
    for (const [slot, count] of open) this.add(this.open, slot, count)
  }

  /** Takes a place from now until its deadline. Returns the slot of the deadline. */
  take(now: number, deadline: number): number {
    this.#clean(this.slot(now))
    const slot = this.slot(deadline)
    this.add(this.open, slot, 1)
    return slot
  }

  /** Removes the places that no longer count. */
  #clean(present: number): void {
    if (present === this.#cleaned) return
    this.#cleaned = present
    for (const counts of [this.counts, this.open])
      for (const [slot, count] of counts) if (slot <= present - slotsHeld) this.add(counts, slot, -count)
  }

  /** Books a place at a time. Returns its slot. */
  book(time: number): number {
    const slot = this.slot(time)
    this.add(this.counts, slot, 1)
    return slot
  }

  /** Ends an open place with this slot of its deadline, at a time. */
  complete(slot: number, time: number): void {
    if (!this.open.has(slot)) return
    this.add(this.open, slot, -1)
    this.add(this.counts, Math.min(slot, this.slot(time)), 1)
  }
}

/** A key that is closed because QQ refused a call for its quota. */
interface Closing {
  /** The time until which it is closed. */
  until: number
  /** How many times in a row it was closed. */
  times: number
}

/** The rolling windows of all keys, and the keys that are closed. All times are milliseconds of one clock. */
export class Windows {
  readonly #windows = new Map<string, Window>()
  readonly #closings = new Map<string, Closing>()

  /** Memoised: the windows of a key for its last list of limits. */
  readonly #last = new Map<
    string,
    { readonly limits: CountedCall["limits"]; readonly windows: ReadonlyArray<Window> }
  >()

  #windowsOf({ key, limits }: CountedCall): ReadonlyArray<Window> {
    const last = this.#last.get(key)
    if (last?.limits === limits) return last.windows
    const windows = limits
      .filter((limit) => limit.enforcedBy === "client")
      .map((limit) => {
        const id = `${key} ${limit.max}/${limit.window}`
        let window = this.#windows.get(id)
        if (window === undefined) {
          window = new Window(limit.max, windowMillis(limit.window))
          this.#windows.set(id, window)
        }
        return window
      })
    this.#last.set(key, { limits, windows })
    return windows
  }

  #closedUntil({ key }: CountedCall): number {
    return this.#closings.get(key)?.until ?? -Infinity
  }

  /** The earliest time at or after `now` with a free place. A caller that has `booked` need not queue again. */
  earliest(counted: CountedCall, now: number, booked = false): number {
    const all = this.#windowsOf(counted)
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

  /** Takes a place now. It ends at its deadline at the latest. */
  take(counted: CountedCall, now: number, deadline: number): Ticket {
    return [1, ...this.#windowsOf(counted).map((window) => window.take(now, deadline))]
  }

  /** Books a place at a later time. */
  book(counted: CountedCall, time: number): Ticket {
    return [0, ...this.#windowsOf(counted).map((window) => window.book(time))]
  }

  /** Returns an unused place or booking. */
  release(counted: CountedCall, [taken, ...slots]: Ticket): void {
    for (const [i, window] of this.#windowsOf(counted).entries()) {
      if (slots[i] !== undefined) window.add(taken === 1 ? window.open : window.counts, slots[i], -1)
    }
  }

  /** Ends a place at a time, because its call was answered. */
  complete(counted: CountedCall, ticket: Ticket, time: number): void {
    const windows = this.#windowsOf(counted)
    for (let i = 0; i < windows.length; i++) {
      const slot = ticket[i + 1]
      if (slot !== undefined) windows[i]!.complete(slot, time)
    }
  }

  /** How many calls are allowed now: the smallest remainder of all limits. */
  remaining(counted: CountedCall, now: number): number {
    if (this.isClosed(counted, now)) return 0
    return Math.min(
      Infinity,
      ...this.#windowsOf(counted).map((w) => Math.max(0, w.max - w.used(w.slot(now), w.slot(now))))
    )
  }

  /** Closes a key, because QQ refused a call for its quota. */
  close(counted: CountedCall, now: number): void {
    const { firstMillis, longestMillis, memoryMillis } = constants.closed
    const closing = this.#closings.get(counted.key) ?? { until: -Infinity, times: 0 }
    // Several calls in flight are refused together. They count as one refusal.
    if (now < closing.until) return
    const times = now - closing.until < memoryMillis ? closing.times + 1 : 1
    this.#closings.set(counted.key, { until: now + Math.min(longestMillis, firstMillis * 2 ** (times - 1)), times })
  }

  /** Closes a key until this time, unless it is already closed for longer. */
  closeUntil({ key }: CountedCall, until: number): void {
    const closing = this.#closings.get(key) ?? { until: -Infinity, times: 1 }
    closing.until = Math.max(closing.until, until)
    this.#closings.set(key, closing)
  }

  /** The windows of a key as a value of JSON. */
  save(counted: CountedCall): SavedWindows {
    const windows = this.#windowsOf(counted).map((window) => [window.id, window.saved] as const)
    return { windows: Object.fromEntries(windows), closing: this.#closings.get(counted.key) }
  }

  /** Restores the windows of a key, of which this object has none. A limit that is not saved has no places. */
  restore(counted: CountedCall, { closing, windows }: SavedWindows): void {
    for (const window of this.#windowsOf(counted)) {
      const saved = windows[window.id]
      if (saved !== undefined) window.restore(saved)
    }
    if (closing !== undefined) this.#closings.set(counted.key, closing)
  }

  /** Whether a key is closed. */
  isClosed(counted: CountedCall, now: number): boolean {
    return now < this.#closedUntil(counted)
  }
}
