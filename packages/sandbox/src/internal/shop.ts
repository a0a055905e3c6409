import * as Effect from "effect/Effect"
import { type Refusal, refuse } from "./refusal.ts"

/** What a program orders with `gamePay.prePay`. */
export interface Ordered {
  readonly openid: string
  readonly bill_no: string
  readonly amt: number
  readonly goodid: string
  readonly good_num: number
  readonly app_remark?: string | undefined
}

/** An order of goods. Times are milliseconds of the platform's clock. */
export interface Order extends Ordered {
  readonly appid: string
  readonly prepayId: string
  readonly validUntil: number
  /** When the user paid it. `undefined` if not paid. */
  paidAt: number | undefined
}

/** Coins of a user at Midas. */
export interface Coins {
  bought: number
  presents: number
}

/** Who has coins. */
interface Holder {
  readonly appid: string
  readonly coins: Coins
}

const prepayMillis = 48 * 3_600_000

const names = ["openid", "amt", "goodid", "good_num", "app_remark"] as const

const billExists = refuse(90012, "bill_no exists")

/** The orders and the numbers of bills of all programs. */
export class Shop {
  readonly #orders = new Map<string, Order>()
  readonly #bills = new Set<string>()

  /** All orders, oldest first. */
  get orders(): Iterable<Order> {
    return this.#orders.values()
  }

  /** The order with this number. */
  order(appid: string, bill: string): Order | undefined {
    return this.#orders.get(`${appid} ${bill}`)
  }

  /** Makes an order. A number belongs to one order. With `repeatable`, the same order again is the first one. */
  prepay(
    appid: string,
    ordered: Ordered,
    { now, prepayId, repeatable }: { readonly now: number; readonly prepayId: string; readonly repeatable: boolean }
  ): Effect.Effect<Order, Refusal> {
    return Effect.suspend(() => {
      const known = this.order(appid, ordered.bill_no)
      if (known !== undefined) {
        const isSame = names.every((name) => known[name] === ordered[name])
        return repeatable && isSame ? Effect.succeed(known) : billExists
      }
      const order: Order = { ...ordered, appid, prepayId, validUntil: now + prepayMillis, paidAt: undefined }
      this.#orders.set(`${appid} ${ordered.bill_no}`, order)
      return Effect.succeed(order)
    })
  }

  /** Takes coins from a user, once for a number. Presents are taken first. Returns how many of the coins were presents. */
  take({ appid, coins }: Holder, bill: string, count: number): Effect.Effect<number, Refusal> {
    return Effect.suspend(() => {
      if (this.#bills.has(`${appid} ${bill}`)) return billExists
      if (coins.bought + coins.presents < count) return refuse(90013, "balance not enough")
      this.#bills.add(`${appid} ${bill}`)
      const presents = Math.min(coins.presents, count)
      coins.presents -= presents
      coins.bought -= count - presents
      return Effect.succeed(presents)
    })
  }

  /** Gives coins to a user, once for a number. */
  give({ appid, coins }: Holder, bill: string, count: number): Effect.Effect<void, Refusal> {
    return Effect.suspend(() => {
      if (this.#bills.has(`${appid} ${bill}`)) return billExists
      this.#bills.add(`${appid} ${bill}`)
      coins.presents += count
      return Effect.void
    })
  }
}
