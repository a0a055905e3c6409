/** The clients of the npm packages `redis` and `ioredis`, as far as the stores use them. */
import { matches } from "@qq-mini/core/adapter/shown"
import { createHash } from "node:crypto"
import { setTimeout } from "node:timers/promises"

/** The keys and other parameters of a script. */
export interface ScriptParameters {
  keys: Array<string>
  arguments: Array<string>
}

/** A client of the npm package `redis`: `createClient`, `createClientPool`, `createCluster` or `createSentinel`. */
export interface NodeRedisClient {
  eval(lua: string, parameters: ScriptParameters): Promise<unknown>
  evalSha(sha1: string, parameters: ScriptParameters): Promise<unknown>
}

/** A client of the npm package `ioredis`: `Redis`, also over Sentinel, or `Cluster`. */
export interface IoRedisClient {
  eval(lua: string, numberOfKeys: number, ...parameters: Array<string>): Promise<unknown>
  evalsha(sha1: string, numberOfKeys: number, ...parameters: Array<string>): Promise<unknown>
}

/** A client of Redis. */
export type Client = NodeRedisClient | IoRedisClient

// What both packages have, too. It is not in the types above: the packages' own types of it differ too much.
interface More {
  readonly isCluster?: boolean
  readonly isOpen?: boolean
  readonly isPubSubActive?: boolean
  readonly status?: string
  withCommandOptions(options: { readonly abortSignal: AbortSignal }): NodeRedisClient
  duplicate(): More
  connect(): Promise<unknown>
  subscribe(channel: string, listener?: (message: string) => void): Promise<unknown>
  unsubscribe(channel: string, listener?: (message: string) => void): Promise<unknown>
  on(event: string, listener: (...parameters: Array<never>) => void): unknown
  off(event: string, listener: (...parameters: Array<never>) => void): unknown
  destroy(): void
  disconnect(): void
}
const more = (client: Client): More => client as unknown as More

const has = (value: unknown, ...methods: ReadonlyArray<string>): boolean =>
  typeof value === "object" && value !== null && methods.every((name) => typeof Reflect.get(value, name) === "function")

const isIoRedis = (client: Client): client is IoRedisClient => has(client, "evalsha")

/** Whether a value is a client. */
export const isClient = (value: unknown): value is Client =>
  has(value, "eval") && (has(value, "evalSha") || has(value, "evalsha"))

/** Whether a client can subscribe. The pool of the package `redis` can't. */
export const canSubscribe = (client: Client): boolean => has(client, "subscribe")

const hashes = new Map<string, string>()
const hashOf = (lua: string): string => {
  const hash = hashes.get(lua) ?? createHash("sha1").update(lua).digest("hex")
  hashes.set(lua, hash)
  return hash
}

const offline = () => Object.assign(new Error("the client is offline"), { code: "ClientOfflineError" })

const tryAgainMillis = 50

/** Runs a script. It is not sent any more once the signal is aborted, where the package can do this. */
export const evaluate = async (
  client: Client,
  lua: string,
  numberOfKeys: number,
  parameters: ReadonlyArray<string>,
  signal: AbortSignal
): Promise<unknown> => {
  const run = (by: "hash" | "text"): Promise<unknown> => {
    if (isIoRedis(client)) {
      // It would keep the command until it is connected again. The caller may no longer wait then.
      if (/^(reconnecting|disconnecting|close|end)$/.test(more(client).status ?? "")) return Promise.reject(offline())
      return by === "hash"
        ? client.evalsha(hashOf(lua), numberOfKeys, ...parameters)
        : client.eval(lua, numberOfKeys, ...parameters)
    }
    // This also replaces a mapping of types that the app has set.
    const sending = more(client).withCommandOptions({ abortSignal: signal })
    const options = { keys: parameters.slice(0, numberOfKeys), arguments: parameters.slice(numberOfKeys) }
    return by === "hash" ? sending.evalSha(hashOf(lua), options) : sending.eval(lua, options)
  }
  for (let by: "hash" | "text" = "hash"; ;) {
    try {
      return await run(by)
    } catch (error) {
      // Each server has its own scripts: those of a new one, or of another node of a cluster, are missing.
      if (by === "hash" && matches(error, /\bNOSCRIPT\b/)) by = "text"
      // The keys are on their way to another node of the cluster.
      else if (!signal.aborted && matches(error, /\bTRYAGAIN\b/)) await setTimeout(tryAgainMillis)
      else throw error
    }
  }
}

const ignore = () => {}

/**
 * Subscribes to a channel over another connection than that of the commands. Resolves with a function that ends the
 * subscription. `onLost` is called when it has ended for another reason.
 */
export const subscribe = async (
  client: Client,
  channel: string,
  onMessage: (message: string) => void,
  onLost: () => void
): Promise<() => void> => {
  const given = more(client)
  if (isIoRedis(client)) {
    // A cluster has a connection of its own for subscriptions.
    const subscriber = given.isCluster === true ? given : given.duplicate()
    const listener = (from: string, message: string) => {
      if (from === channel) onMessage(message)
    }
    subscriber.on("message", listener)
    if (subscriber !== given) subscriber.on("error", ignore)
    if (subscriber !== given) subscriber.on("end", onLost)
    const end = () => {
      subscriber.off("message", listener)
      subscriber.off("end", onLost)
      if (subscriber !== given) return subscriber.disconnect()
      subscriber.unsubscribe(channel).catch(ignore)
    }
    try {
      await subscriber.subscribe(channel)
    } catch (error) {
      end()
      throw error
    }
    return end
  }
  // A cluster and Sentinel have a connection of their own for subscriptions.
  if (given.isPubSubActive === undefined) {
    await given.subscribe(channel, onMessage)
    return () => void given.unsubscribe(channel, onMessage).catch(ignore)
  }
  const subscriber = given.duplicate()
  subscriber.on("error", () => {
    if (subscriber.isOpen !== true) onLost()
  })
  const end = () => {
    if (subscriber.isOpen === true) subscriber.destroy()
  }
  try {
    await subscriber.connect()
    await subscriber.subscribe(channel, onMessage)
  } catch (error) {
    end()
    throw error
  }
  return end
}
