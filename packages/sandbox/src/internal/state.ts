import type { Limit } from "@qq-mini/core/Quota"
import type * as Fault from "../Fault.ts"
import { endpoints } from "./calls.ts"
import type { Faults } from "./faults.ts"
import { mask } from "./mask.ts"
import type { Platform } from "./platform.ts"
import { defaultPages, defaultTemplate } from "./program.ts"
import type { Order } from "./shop.ts"

/** How much of a limit is used. */
export interface UsedQuota {
  readonly endpoint: string
  /** The window. A number is milliseconds. */
  readonly window: Limit["window"]
  readonly max: number
  readonly used: number
}

/** What there is on the platform, for people: without secrets. Times are milliseconds of the platform's clock. */
export interface State {
  readonly programs: ReadonlyArray<{
    readonly appid: string
    /** The valid tokens, oldest first. Of a token only the end is shown. */
    readonly tokens: ReadonlyArray<{ readonly token: string; readonly validUntil: number }>
    readonly pages: ReadonlyArray<string>
    readonly templates: ReadonlyArray<string>
    readonly quotas: ReadonlyArray<UsedQuota>
    /** Where its payments are notified and its form_ids are pushed. */
    readonly notify: string | undefined
    readonly push: string | undefined
  }>
  /** The last 200 users, newest first. */
  readonly users: ReadonlyArray<{
    readonly appid: string
    readonly user: string
    readonly openid: string
    readonly coins: number
    /** How many more messages the user accepts, by template. */
    readonly subscriptions: Readonly<Record<string, number | "refused">>
    readonly storage: Readonly<Record<string, string>>
    readonly interactive: Readonly<Record<string, number>>
  }>
  /** The last 200 orders, newest first. */
  readonly orders: ReadonlyArray<Order>
  /** The faults that may still hit, oldest first. `left` and `until` are `undefined` if there is no end. */
  readonly faults: ReadonlyArray<{
    readonly kind: Fault.FaultKind
    readonly endpoint: string | undefined
    readonly share: number | undefined
    readonly code: number | undefined
    readonly left: number | undefined
    readonly until: number | undefined
  }>
}

const shownItems = 200

const newest = <A>(all: Iterable<A>): ReadonlyArray<A> => [...all].slice(-shownItems).toReversed()

const finite = (number: number) => (number === Infinity ? undefined : number)

/** What there is on a platform now. */
export const stateOf = (platform: Platform, faults: Faults, now: number): State => ({
  programs: platform.programs.map((program) => ({
    appid: program.appid,
    tokens: platform.tokens(program.appid, now).map(({ validUntil, value }) => ({ token: mask(value), validUntil })),
    pages: program.pages ?? defaultPages,
    templates: Object.keys(program.templates ?? { [defaultTemplate]: "any" }),
    quotas: endpoints.flatMap((endpoint) =>
      platform
        .limits(endpoint)
        .filter(({ scope }) => scope === "app")
        .map((limit) => ({
          endpoint: endpoint.name,
          window: limit.window,
          max: limit.max,
          used: platform.used(`${endpoint.name} ${program.appid}`, limit, now)
        }))
    ),
    notify: program.notify?.url,
    push: program.push?.url
  })),
  users: newest(platform.users).map((user) => ({
    appid: user.appid,
    user: user.name,
    openid: user.openid,
    coins: user.coins.bought + user.coins.presents,
    subscriptions: Object.fromEntries(user.subscriptions),
    storage: Object.fromEntries(user.storage),
    interactive: Object.fromEntries(user.interactive)
  })),
  orders: newest(platform.shop.orders),
  faults: faults.pending(now).map(({ fault, left, until }) => ({
    kind: fault.kind,
    endpoint: fault.endpoint,
    share: fault.share,
    code: fault.code,
    left: finite(left),
    until: finite(until)
  }))
})
