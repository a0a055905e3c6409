/** Connects once, over the npm package `redis`: to a server, to a cluster, or to the master that Sentinel names. */
import { matches } from "@qq-mini/core/adapter/shown"
import type { Address, Node } from "./address.ts"
import type { Client } from "./client.ts"

/** The npm package `redis`. */
export type Package = Pick<typeof import("redis"), "createClient" | "createCluster" | "createSentinel" | "ErrorReply">

// On a busy machine an answer may wait for seconds before this process reads it, so the timeouts are long.
const connectTimeoutMillis = 5_000
/** The time between two pings, and the time in which each must be answered. */
export const pingIntervalMillis = 2_000
export const socketTimeoutMillis = 5_000
// The client of Sentinel also listens to the Sentinels. This is in case it misses a message.
const scanIntervalMillis = 10_000

/** What is wrong with an address at which a server answers. */
export type Wrong = "sentinel" | "replica" | "database" | "no redis" | "no cluster" | "no sentinel" | "no master"

/** The error of an address at which a server of another kind answers. */
export class WrongAddress extends Error {
  readonly wrong: Wrong
  constructor(wrong: Wrong) {
    super(wrong)
    this.wrong = wrong
  }
}

/** A client that is connected. */
export interface Opened {
  readonly client: Client
  readonly ping: () => Promise<unknown>
  readonly destroy: () => void
  /** The nodes of a cluster. */
  readonly nodes: ReadonlyArray<Node>
}

const ignore = () => {}

/** What a server says of itself. Nothing, if it does not know the command. */
const greet = async (client: { sendCommand(command: Array<string>): Promise<unknown> }) => {
  const reply: unknown = await client.sendCommand(["HELLO"]).catch(ignore)
  const field = (name: string): unknown => {
    if (Array.isArray(reply)) return reply[reply.indexOf(name) + 1]
    return typeof reply === "object" && reply !== null ? Reflect.get(reply, name) : undefined
  }
  return { mode: field("mode"), role: field("role") }
}

const wrongOf = (error: unknown, { kind }: Address): Wrong | undefined => {
  if (matches(error, /Unknown RESP type/)) return "no redis"
  if (matches(error, /cluster support disabled/)) return "no cluster"
  if (matches(error, /not allowed in cluster mode/)) return "database"
  if (matches(error, /No such master/)) return "no master"
  if (!matches(error, /unknown command/)) return undefined
  return kind === "cluster" ? "no cluster" : kind === "sentinel" ? "no sentinel" : undefined
}

/** Connects a client. Returns the function that destroys it. It is destroyed at once if connecting fails. */
const connect = async (
  client: {
    connect(): Promise<unknown>
    destroy(): unknown
    on(event: "error", listener: (error: unknown) => void): unknown
  },
  address: Address,
  signal: AbortSignal
): Promise<() => void> => {
  const destroy = () => {
    // Some versions throw if the client is closed already.
    new Promise((resolve) => resolve(client.destroy())).catch(ignore)
  }
  // The clients of clusters and of Sentinels emit the reason, and then reject with less.
  const emitted: Array<unknown> = []
  let connecting = true
  client.on("error", (error) => {
    if (connecting) emitted.push(error)
  })
  signal.addEventListener("abort", destroy, { once: true })
  try {
    await client.connect()
    return destroy
  } catch (error) {
    destroy()
    const wrong = [error, ...emitted].map((one) => wrongOf(one, address)).find((one) => one !== undefined)
    throw wrong === undefined ? (emitted.at(-1) ?? error) : new WrongAddress(wrong)
  } finally {
    connecting = false
    signal.removeEventListener("abort", destroy)
  }
}

const settingsOf = ({ password, tls, username }: Address) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  // Do not queue commands while there is no connection: their callers may no longer wait when they are executed.
  disableOfflineQueue: true,
  pingInterval: pingIntervalMillis,
  socket: {
    connectTimeout: connectTimeoutMillis,
    // A connection on which nothing happens, since a ping is not answered, is dead.
    socketTimeout: socketTimeoutMillis,
    reconnectStrategy: false as const,
    ...(tls ? { tls: true as const } : {})
  }
})

/** Connects once. `onLost` is called when the client says that a connection is lost. */
type Open = (redis: Package, address: Address, signal: AbortSignal, onLost: () => void) => Promise<Opened>

const openServer: Open = async (redis, address, signal, onLost) => {
  const settings = settingsOf(address)
  const { database, nodes } = address
  const client = redis.createClient({ ...settings, database, socket: { ...settings.socket, ...nodes[0]! } })
  client.on("error", onLost)
  const destroy = await connect(client, address, signal)
  const { mode, role } = await greet(client)
  if (mode !== "cluster" && mode !== "sentinel" && role !== "replica") {
    return { client, nodes, destroy, ping: () => client.ping() }
  }
  destroy()
  if (mode !== "cluster") throw new WrongAddress(mode === "sentinel" ? mode : "replica")
  return openCluster(redis, { ...address, kind: "cluster" }, signal, onLost)
}

const openCluster: Open = async (redis, address, signal, onLost) => {
  const settings = settingsOf(address)
  const cluster = redis.createCluster({
    rootNodes: address.nodes.map((node) => ({ ...settings, socket: { ...settings.socket, ...node } })),
    defaults: settings,
    // Otherwise it could not connect while a node is dead.
    minimizeConnections: true
  })
  cluster.on("node-error", onLost)
  const destroy = await connect(cluster, address, signal)
  // The first command to a node does not have the time to connect.
  await Promise.allSettled(cluster.masters.map(async (node) => cluster.nodeClient(node)))
  return {
    client: cluster,
    destroy,
    nodes: cluster.masters.map(({ host, port }) => ({ host, port })),
    ping: () => Promise.all(cluster.masters.map(({ client }) => (client?.isReady === true ? client.ping() : undefined)))
  }
}

const openSentinel: Open = async (redis, address, signal) => {
  const settings = settingsOf(address)
  const { database, master, nodes } = address
  const sentinel = redis.createSentinel({
    name: master,
    sentinelRootNodes: [...nodes],
    nodeClientOptions: { ...settings, database },
    sentinelClientOptions: { socket: settings.socket },
    // Otherwise, of two first commands the second waits until no other is on its way.
    reserveClient: true,
    // No attempts of its own: each would wait for a second.
    maxCommandRediscovers: 0,
    scanInterval: scanIntervalMillis
  })
  const destroy = await connect(sentinel, address, signal)
  return { client: sentinel, nodes, destroy, ping: () => sentinel.ping() }
}

/** Connects to whatever the address names. */
export const open: Open = async (redis, address, signal, onLost) => {
  const by = { server: openServer, cluster: openCluster, sentinel: openSentinel }
  const opened = await by[address.kind](redis, address, signal, onLost)
  if (signal.aborted) opened.destroy()
  return opened
}
