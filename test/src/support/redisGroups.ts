/** Several Redis servers that belong together: a cluster, and a master with its replica and its Sentinels. */
import { Redis } from "./redis.ts"

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until a server's answer contains a text. A server that is down has no answer yet. */
const until = async (redis: Redis, command: ReadonlyArray<string>, text: string): Promise<void> => {
  while (!String(await redis.ask(...command).catch(() => "")).includes(text)) await sleep(50)
}

const slots = 16_384

/** A cluster of three masters, and a node that has nothing yet. */
export class Cluster implements AsyncDisposable {
  readonly masters: ReadonlyArray<Redis>
  readonly spare: Redis

  private constructor(masters: ReadonlyArray<Redis>, spare: Redis) {
    this.masters = masters
    this.spare = spare
  }

  static async start(): Promise<Cluster> {
    const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "3000"]
    const servers = await Promise.all([1, 2, 3, 4].map(() => Redis.start(...args)))
    const [spare, ...masters] = servers as [Redis, Redis, Redis, Redis]
    const each = Math.ceil(slots / masters.length)
    for (const [i, master] of masters.entries()) {
      const own = Array.from({ length: Math.min(each, slots - i * each) }, (_, n) => String(i * each + n))
      await master.ask("CLUSTER", "ADDSLOTS", ...own)
      await master.ask("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1))
      await spare.ask("CLUSTER", "MEET", "127.0.0.1", String(master.port))
    }
    for (const server of servers) await until(server, ["CLUSTER", "INFO"], "cluster_known_nodes:4")
    for (const server of servers) await until(server, ["CLUSTER", "INFO"], "cluster_state:ok")
    return new Cluster(masters, spare)
  }

  /** The address with all masters. */
  get url(): string {
    return `redis://${this.masters.map(({ address }) => address).join(",")}`
  }

  /** The master that has keys of this pattern, and these keys. */
  async find(pattern: string): Promise<{ readonly master: Redis; readonly keys: ReadonlyArray<string> }> {
    for (const master of this.masters) {
      const keys = (await master.ask("KEYS", pattern)) as ReadonlyArray<string>
      if (keys.length > 0) return { master, keys }
    }
    throw new Error(`no master has a key as ${pattern}`)
  }

  /** Makes the spare node the replica of a master: it takes its place when the master dies. */
  async replicate(master: Redis): Promise<void> {
    await this.spare.ask("CLUSTER", "REPLICATE", String(await master.ask("CLUSTER", "MYID")))
    await until(this.spare, ["INFO", "replication"], "master_link_status:up")
    for (const server of this.masters) await until(server, ["CLUSTER", "SLOTS"], String(this.spare.port))
  }

  /** Moves the slot of a key to another master. `between` runs when the keys are there, and the slot is not yet. */
  async move(key: string, from: Redis, to: Redis, between = () => Promise.resolve()): Promise<void> {
    const slot = String(await from.ask("CLUSTER", "KEYSLOT", key))
    const [source, target] = [String(await from.ask("CLUSTER", "MYID")), String(await to.ask("CLUSTER", "MYID"))]
    await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source)
    await from.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target)
    const keys = (await from.ask("CLUSTER", "GETKEYSINSLOT", slot, "1000")) as ReadonlyArray<string>
    await from.ask("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys)
    await between()
    for (const master of new Set([to, from, ...this.masters]))
      await master.ask("CLUSTER", "SETSLOT", slot, "NODE", target)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.masters, this.spare].map((server) => server[Symbol.asyncDispose]()))
  }
}

/** A master `mymaster`, its replica, and three Sentinels. */
export class Sentinels implements AsyncDisposable {
  readonly master: Redis
  readonly replica: Redis
  readonly sentinels: ReadonlyArray<Redis>

  private constructor(master: Redis, replica: Redis, sentinels: ReadonlyArray<Redis>) {
    this.master = master
    this.replica = replica
    this.sentinels = sentinels
  }

  static async start(): Promise<Sentinels> {
    const master = await Redis.start()
    const replica = await Redis.start("--replicaof", "127.0.0.1", String(master.port))
    await until(replica, ["INFO", "replication"], "master_link_status:up")
    const sentinels = await Promise.all(
      [1, 2, 3].map(() =>
        Redis.startSentinel(
          `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
          "sentinel down-after-milliseconds mymaster 2000",
          "sentinel failover-timeout mymaster 10000"
        )
      )
    )
    for (const sentinel of sentinels) {
      await until(sentinel, ["SENTINEL", "CKQUORUM", "mymaster"], "OK 3 usable")
      await until(sentinel, ["SENTINEL", "REPLICAS", "mymaster"], String(replica.port))
    }
    return new Sentinels(master, replica, sentinels)
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ address }) => address).join(",")}/mymaster`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.master, this.replica, ...this.sentinels].map((server) => server[Symbol.asyncDispose]()))
  }
}
