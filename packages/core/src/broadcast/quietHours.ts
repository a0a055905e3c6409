/** PURE. The hours of the day in which nothing is sent. */

/** The hours in which nothing is sent: `{ from: "22:00", to: "08:00" }`. They may pass midnight. */
export interface QuietHours {
  /** The time of day at which they begin, as `HH:MM`. */
  readonly from: string
  /** The time of day at which they end, as `HH:MM`. */
  readonly to: string
  /** The time zone of both. By default `Asia/Shanghai`. */
  readonly timeZone?: string | undefined
}

const dayMillis = 86_400_000

/** The milliseconds of a time of day since midnight. `NaN` if it is none. */
export const timeOfDay = (text: unknown): number => {
  const found = typeof text === "string" ? /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) : null
  return found === null ? NaN : (Number(found[1]) * 60 + Number(found[2])) * 60_000
}

/** Makes the function that gives the milliseconds until sending is allowed: 0 outside of the quiet hours. */
export const make = ({ from, timeZone = "Asia/Shanghai", to }: QuietHours): ((now: number) => number) => {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit"
  })
  const begin = timeOfDay(from)
  const length = (timeOfDay(to) - begin + dayMillis) % dayMillis
  return (now) => {
    const [hours = 0, minutes = 0, seconds = 0] = format.format(now).split(":").map(Number)
    const since = ((hours * 3_600 + minutes * 60 + seconds) * 1_000 - begin + dayMillis) % dayMillis
    return since < length ? length - since : 0
  }
}
