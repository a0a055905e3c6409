import { sameSecret } from "@qq-mini/core/adapter/secrets"
import type * as Endpoint from "@qq-mini/core/Endpoint"
import { type Limit, windowMillis } from "@qq-mini/core/Quota"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Random from "effect/Random"
import { Exchanges } from "./exchanges.ts"
import type { LogEntry } from "./log.ts"
import { defaultPrograms, type Program } from "./program.ts"
import { type Coins, Shop } from "./shop.ts"
import { defaultSwitches, type Switches } from "./switches.ts"

/** The options of the simulated platform. */
export interface Options {
  /** The programs. By default {@link defaultPrograms}. The first one is the default program of the sandbox's client. */
  readonly programs?: ReadonlyArray<Program> | undefined
  /** Behaviour that QQ does not document. By default {@link defaultSwitches}. */
  readonly switches?: Partial<Switches> | undefined
  /** Limits that replace QQ's, by the name of the call. For tests that can't make 4,000 calls. */
  readonly quota?: Readonly<Record<string, ReadonlyArray<Limit>>> | undefined
  /** Texts that are risky, also as a part of a longer text. The samples in QQ's document are always risky. */
  readonly riskyTexts?: ReadonlyArray<string> | undefined
  /**
   * Looks at the content of an image, as `hasRiskyColour` of `@qq-mini/sandbox/RiskyColour`, which the server uses by
   * default. In this process by default only images that were marked are risky.
   */
  readonly isRiskyImage?: ((image: Uint8Array) => boolean | Promise<boolean>) | undefined
  /** The client that posts notifications and pushes to the developer's server. By default `fetch`. */
  readonly httpClient?: HttpClient.HttpClient | undefined
}

/** The samples of risky texts in QQ's document. */
export const riskySamples: readonly [string, string] = [
  "特3456书yuuo莞6543李zxcz蒜7782法fgnv级",
  "完2347全dfji试3726测asad感3847知qwez到"
]

/** An issued token. Times are milliseconds of the platform's clock. */
export interface Token {
  readonly value: string
  validUntil: number
}

/** An issued login code. Times are milliseconds of the platform's clock. */
export interface Login {
  readonly appid: string
  readonly openid: string
  readonly validUntil: number
  used: boolean
}

/** An issued form_id. Times are milliseconds of the platform's clock. */
export interface Form {
  readonly openid: string
  readonly validUntil: number
  used: boolean
}

/** A user of one program. */
export interface User {
  readonly appid: string
  readonly name: string
  readonly openid: string
  readonly unionid: string
  readonly sessionKey: string
  /** The key of `qq.getUserCryptoManager`, in base64. */
  readonly encryptKey: string
  /** What `setUserStorage` stored. */
  readonly storage: Map<string, string>
  /** What `setUserInteractiveData` set. */
  readonly interactive: Map<string, number>
  /** The user's coins at Midas. */
  readonly coins: Coins
  /** How many more messages the user accepts, by template. */
  readonly subscriptions: Map<string, number | "refused">
  /** The time of the last message, in milliseconds of the platform's clock. */
  lastMessage: number
}

const loginMillis = 300_000

const fingerprint = (bytes: Uint8Array) => `${bytes.length} ${bytes.join(",")}`

/** The state of the platform: programs, tokens, users, used quotas, risky content, and the log of requests. */
export class Platform {
  readonly programs: ReadonlyArray<Program>
  readonly switches: Switches
  /** The appid of the default program. */
  readonly first: string
  log: Array<LogEntry> = []
  readonly exchanges = new Exchanges()
  shop = new Shop()

  readonly #quota: NonNullable<Options["quota"]>
  readonly #riskyTexts: ReadonlyArray<string>
  readonly #looksRisky: NonNullable<Options["isRiskyImage"]>
  readonly #riskyImages = new Set<string>()
  readonly #random: typeof Random.Random.Service
  readonly #tokens = new Map<string, ReadonlyArray<Token>>()
  readonly #logins = new Map<string, Login>()
  readonly #forms = new Map<string, Form>()
  readonly #users = new Map<string, User>()
  readonly #openids = new Map<string, User>()
  readonly #used = new Map<string, Array<number>>()

  constructor(options: Options, random: typeof Random.Random.Service) {
    this.programs = options.programs ?? defaultPrograms
    this.switches = { ...defaultSwitches, ...options.switches }
    this.first = this.programs[0]?.appid ?? ""
    this.#quota = options.quota ?? {}
    this.#riskyTexts = [...riskySamples, ...(options.riskyTexts ?? [])]
    this.#looksRisky = options.isRiskyImage ?? (() => false)
    this.#random = random
  }

  #hex(digits: number): string {
    return Array.from({ length: digits }, () => Math.floor(this.#random.nextDoubleUnsafe() * 16).toString(16)).join("")
  }

  /** 16 random bytes, in base64. */
  #key(): string {
    return btoa(
      String.fromCharCode(...Array.from({ length: 16 }, () => Math.floor(this.#random.nextDoubleUnsafe() * 256)))
    )
  }

  /** An id that nothing else has. */
  newId(): string {
    return this.#hex(32)
  }

  /** The program with this appid. */
  program(appid: string): Program | undefined {
    return this.programs.find((one) => one.appid === appid)
  }

  /** The valid tokens of a program, oldest first. */
  tokens(appid: string, now: number): ReadonlyArray<Token> {
    return (this.#tokens.get(appid) ?? []).filter((token) => token.validUntil > now)
  }

  /** Issues a new token for a program. Old tokens expire after their grace period. */
  issue(appid: string, now: number): string {
    const { oldTokenGrace, tokenLifetime } = this.switches
    const live = this.tokens(appid, now)
    for (const token of live) token.validUntil = Math.min(token.validUntil, now + oldTokenGrace * 1_000)
    const token: Token = { value: this.#hex(64).toUpperCase(), validUntil: now + tokenLifetime * 1_000 }
    this.#tokens.set(appid, [...live, token])
    return token.value
  }

  /** Makes all tokens of a program invalid. */
  revoke(appid: string): void {
    this.#tokens.delete(appid)
  }

  /** The appid of the program to which a valid token belongs. */
  owner(value: string, now: number): string | undefined {
    for (const [appid, list] of this.#tokens) {
      if (list.some((token) => token.validUntil > now && sameSecret(token.value, value))) return appid
    }
    return undefined
  }

  /** The limits of a call. */
  limits(endpoint: Endpoint.Any): ReadonlyArray<Limit> {
    return this.#quota[endpoint.name] ?? endpoint.quota ?? []
  }

  /** Counts a call for a limit. Returns `false` if the limit is reached. */
  spend(key: string, limit: Limit, now: number): boolean {
    const id = `${key} ${limit.max}/${limit.window}`
    const window = windowMillis(limit.window)
    const times = this.#used.get(id) ?? []
    // A call no longer counts exactly one window later.
    let from = 0
    while (from < times.length && times[from]! <= now - window) from++
    const live = from === 0 ? times : times.slice(from)
    this.#used.set(id, live)
    if (live.length >= limit.max) return false
    live.push(now)
    return true
  }

  /** How many calls count for a limit now. */
  used(key: string, limit: Limit, now: number): number {
    const times = this.#used.get(`${key} ${limit.max}/${limit.window}`) ?? []
    const from = now - windowMillis(limit.window)
    return times.length - times.findLastIndex((time) => time <= from) - 1
  }

  /** All users, oldest first. */
  get users(): Iterable<User> {
    return this.#users.values()
  }

  /** Forgets all but the tokens, since clients hold them. */
  reset(): void {
    this.log = []
    this.shop = new Shop()
    for (const all of [this.#riskyImages, this.#logins, this.#forms, this.#users, this.#openids, this.#used])
      all.clear()
  }

  /** The user with this name in a program. Creates the user if necessary. */
  user(appid: string, name: string): User {
    const key = `${appid} ${name}`
    const known = this.#users.get(key)
    if (known !== undefined) return known
    const user: User = {
      appid,
      name,
      openid: this.#hex(32).toUpperCase(),
      unionid: `UID_${this.#hex(32).toUpperCase()}`,
      sessionKey: this.#key(),
      encryptKey: this.#key(),
      storage: new Map(),
      interactive: new Map(),
      coins: { bought: 0, presents: 0 },
      subscriptions: new Map(),
      lastMessage: -Infinity
    }
    this.#users.set(key, user)
    this.#openids.set(user.openid, user)
    return user
  }

  /** The user with this openid. */
  withOpenid(openid: string): User | undefined {
    return this.#openids.get(openid)
  }

  /** Issues a login code for a user. It can be used once, within 5 minutes. */
  login({ appid, openid }: User, now: number): string {
    const code = this.newId()
    this.#logins.set(code, { appid, openid, validUntil: now + loginMillis, used: false })
    return code
  }

  /** The login of a code. */
  withCode(code: string): Login | undefined {
    return this.#logins.get(code)
  }

  /** Issues a form_id for a user. It allows one template message. */
  submitForm({ openid }: User, now: number): string {
    const id = this.newId()
    this.#forms.set(id, { openid, validUntil: now + this.switches.formIdLifetime * 1_000, used: false })
    return id
  }

  /** The form of a form_id. */
  form(id: string): Form | undefined {
    return this.#forms.get(id)
  }

  /** Marks an image as risky from now on. Images are compared by their bytes. */
  markRisky(image: Uint8Array): void {
    this.#riskyImages.add(fingerprint(image))
  }

  /** Whether an image was marked as risky, or looks risky. */
  async isRiskyImage(image: Uint8Array): Promise<boolean> {
    return this.#riskyImages.has(fingerprint(image)) || this.#looksRisky(image)
  }

  /** Whether a text contains a risky text. */
  isRiskyText(content: string): boolean {
    return this.#riskyTexts.some((sample) => content.includes(sample))
  }
}
