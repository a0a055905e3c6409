/** Runs a case on vk's model and on the facade. */
import type { ConfigCenter } from "@qq-mini/unicloud/UniCloud"
import { createVkOpenapiQQ, type Options } from "@qq-mini/unicloud/VkOpenapiQQ"
import { Documents } from "../unicloud/documents.ts"
import type { Call, Case, Stored } from "./cases.ts"
import { Exchange, type Exchanged } from "./exchange.ts"
import { makeVk, type Token, type World } from "./model.ts"

/** How a call ended. */
export type End = { readonly value: any } | { readonly thrown: any }

/** What came of a call. */
export interface Outcome {
  readonly requests: ReadonlyArray<Exchanged>
  readonly end: End
  /** The caller's object after the call. */
  readonly input: any
}

const storedTokens = (stored: Stored, now: number): ReadonlyArray<Token & { readonly appid: string }> =>
  ["A1", "A2"].flatMap((appid) => {
    const value = `STORED-${appid}`
    switch (stored) {
      case "valid":
        return [{ appid, value, expired_at: now + 100_000 }]
      case "for ever":
        return [{ appid, value, expired_at: 0 }]
      case "expired":
        return [{ appid, value, expired_at: now - 1_000 }]
      default:
        return []
    }
  })

/** The tokens that are valid, by appid. */
const validOf = (tokens: ReadonlyArray<Token & { readonly appid: string }>, now: number) =>
  Object.fromEntries(
    tokens
      .filter(({ expired_at, value }) => value && (!expired_at || expired_at > now))
      .map(({ appid, value }) => [appid, value])
  )

/** The outcomes of calls at the same time: the first one has all requests, for nobody knows whose they are. */
export const together = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Outcome> => {
  const requests = outcomes
    .flatMap(({ requests }) => requests)
    .sort((one, other) => (one.path === other.path ? 0 : one.path === "token" ? -1 : 1))
  return outcomes.map((outcome, i) => ({ ...outcome, requests: i === 0 ? requests : [] }))
}

/** The function of a name such as `security.msgSecCheck`. */
const functionOf = (q: any, name: string): ((input: any) => any) => {
  const found = name.split(".").reduce((at, key) => at[key], q)
  return (input) => (input === undefined ? found() : found(input))
}

/** How a call of vk's model ends. */
export const ended = (call: () => any): End => {
  try {
    return { value: call() }
  } catch (thrown) {
    return { thrown }
  }
}

/** What vk's model does with a call, in the world that the calls before it left. */
export interface Vk {
  /** Makes a call. `token` stands in for the token of every program. */
  readonly call: (call: Call, token?: string) => Outcome
  /** Forgets this token, or all that are stored. */
  readonly forget: (token?: string) => void
  /** The valid tokens that are stored, by appid. */
  readonly stored: () => Readonly<Record<string, string>>
}

/** vk's model in the world of a case. */
export const vkOf = ({ config, script, stored }: Case): Vk => {
  const exchange = new Exchange(script)
  const now = Date.now()
  const tokens = new Map<string, Token>(storedTokens(stored, now).map(({ appid, ...token }) => [appid, token]))
  let instead: string | undefined
  const world: World = {
    ...config,
    dcloudAppid: config.dcloudAppid,
    tokens: {
      get: (appid) => (instead === undefined ? tokens.get(appid) : { value: instead }),
      set: (appid, token) => stored !== "no collection" && tokens.set(appid, token)
    },
    now: () => now,
    send: (request, timeout) => exchange.send(request, timeout)
  }
  const q = makeVk(world)
  return {
    forget: (token) => {
      for (const [appid, { value }] of tokens) if (token === undefined || value === token) tokens.delete(appid)
    },
    stored: () =>
      validOf(
        [...tokens].map(([appid, token]) => ({ appid, ...token })),
        now
      ),
    call: ({ input, name }, token) => {
      instead = token
      const before = exchange.sent.length
      const value = input()
      const end = ended(() => functionOf(q, name)(value))
      return { requests: exchange.sent.slice(before), end, input: value }
    }
  }
}

const idBefore = "mp-qq-access_token-"

const notThere = (name: string) => {
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" })
}

const centerOf =
  (uniId: unknown, vk: unknown): ConfigCenter =>
  ({ pluginId }) => ({
    config: () => (pluginId === "uni-id" ? uniId : undefined),
    requireFile: (name) => (pluginId === "vk-unicloud" && name === "index.js" && vk !== undefined ? vk : notThere(name))
  })

/** What came of a case on the facade. */
export interface Facade {
  readonly outcomes: ReadonlyArray<Outcome>
  /** The valid tokens that are stored, by appid. */
  readonly stored: Readonly<Record<string, string>>
}

/** What the facade does with the calls of a case. */
export const facadeOf = async (
  { calls, config, removed, script, stored, together: atOnce }: Case,
  options: Options
): Promise<Facade> => {
  const exchange = new Exchange(script)
  const documents = new Documents()
  const collection = "vk-global-data"
  if (stored !== "no collection") documents.createCollection(collection)
  const now = Date.now()
  for (const { appid, ...token } of storedTokens(stored, now)) {
    const _id = `${idBefore}${appid}`
    documents.put(collection, { _id, key: _id, ...token, _add_time: now - 10_000 })
  }
  const configCenter = centerOf(config.uniId, config.vkUnicloud)
  const q = createVkOpenapiQQ({
    uniCloud: exchange.uniCloud(documents, config.dcloudAppid),
    ...(config.init ? {} : { configCenter }),
    ...options
  })
  if (config.init) q.init({ config: config.vkUnicloud, configCenter })
  const make = async ({ input, name }: Call): Promise<Outcome> => {
    const before = exchange.sent.length
    const value = input()
    const end: End = await Promise.resolve()
      .then(() => functionOf(q, name)(value))
      .then(
        (value): End => ({ value }),
        (thrown: unknown): End => ({ thrown })
      )
    return { requests: exchange.sent.slice(before), end, input: value }
  }
  const storedNow = () =>
    stored === "no collection"
      ? {}
      : validOf(
          Object.entries(documents.dump(collection))
            .filter(([id]) => id.startsWith(idBefore))
            .map(([id, document]) => ({ appid: id.slice(idBefore.length), ...document })),
          Date.now()
        )
  if (atOnce) {
    const outcomes = await Promise.all(calls.map(make))
    const ends = outcomes.map((outcome) => ({ ...outcome, requests: [] }))
    return { outcomes: together([{ ...ends[0]!, requests: exchange.sent }, ...ends.slice(1)]), stored: storedNow() }
  }
  const outcomes: Array<Outcome> = []
  for (const call of calls) {
    if (removed && outcomes.length > 0) {
      documents.dropCollection(collection)
      documents.createCollection(collection)
    }
    outcomes.push(await make(call))
  }
  return { outcomes, stored: storedNow() }
}
