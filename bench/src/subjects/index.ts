/** All subjects by the names that the tables show, and which one of them is the floor of each group. */
import type { Start } from "../subject.ts"
import type { Transport } from "./ours.ts"

interface Listed {
  /** Loaded in the subject's own process alone. */
  readonly load: () => Promise<Start>
  /** The subject that does nothing but what must be done. */
  readonly floor: string
}

const ours = (client: "asEffects" | "asPromises", transport: Transport, floor: string): Listed => ({
  load: async () => (await import("./ours.ts"))[client](transport),
  floor
})
const floor = (name: "undici" | "fetched" | "nodeHttp" | "urllib2", floor = "undici.request"): Listed => ({
  load: async () => (await import("./floors.ts"))[name],
  floor
})
const peer = (name: "coWechatApi" | "tnwx" | "stripe"): Listed => ({
  load: async () => (await import("./peers.ts"))[name],
  floor: "undici.request"
})

export const subjects: Readonly<Record<string, Listed>> = {
  "undici.request": floor("undici"),
  "qq-mini, Effect": ours("asEffects", "node", "undici.request"),
  "qq-mini, promise": ours("asPromises", "node", "undici.request"),
  "qq-mini on an HttpClient": ours("asEffects", "httpClient", "undici.request"),
  "node:http": floor("nodeHttp"),
  "co-wechat-api": peer("coWechatApi"),
  stripe: peer("stripe"),
  tnwx: peer("tnwx"),
  fetch: floor("fetched", "fetch"),
  "qq-mini on fetch": ours("asPromises", "fetch", "fetch"),
  "urllib 2": floor("urllib2", "urllib 2"),
  "qq-mini on uniCloud": ours("asPromises", "unicloud", "urllib 2")
}
