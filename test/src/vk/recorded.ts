/** The recorded calls of vk-unicloud 2.25.1, and what QQ said in them. */
import { readFileSync } from "node:fs"
import { json, usual } from "./replies.ts"
import type { Reply, Script } from "./exchange.ts"

/** A request as it was recorded. */
export interface RecordedRequest {
  readonly method: string
  readonly url: string
  readonly contentType?: string
  readonly body: string
}

/** A recorded call. */
export interface Recorded {
  readonly title: string
  /** JavaScript, in which `q` is `vk.openapi.qq` and `store` the database. */
  readonly call: string
  readonly requests: ReadonlyArray<RecordedRequest>
  readonly result?: unknown
  readonly throws?: string
}

export const { cases: recorded }: { readonly cases: ReadonlyArray<Recorded> } = JSON.parse(
  readFileSync(new URL("../../fixtures/vk-openapi-qq-golden-2.25.1.json", import.meta.url), "utf8")
)

const token = json({ access_token: "TK", expires_in: 7200 })
const refusedSecret = json({ errcode: 40001, errmsg: "invalid secret" })

/** What QQ said in the recorded calls, as far as it was not the usual. */
const scripts: Readonly<Record<string, Script>> = {
  "code2Session bad code": { session: [json({ errcode: -2100, errmsg: "invalid code" })] },
  "msgSecCheck 87014": { text: [json({ errCode: 87014, errMsg: "risky" })] },
  "msgSecCheck 40001 (retry?)": { text: [json({ errcode: 40001, errmsg: "bad token" })] },
  "msgSecCheck 502 html": { text: [{ body: Buffer.from("<html>502</html>"), status: 502 }] },
  "msgSecCheck empty body": { text: [{ body: Buffer.alloc(0) }] },
  "getMiniCode 41030": { code: [json({ errcode: 41030, errmsg: "invalid page" })] },
  "getMiniCode small binary (300B)": { code: [{ body: Buffer.alloc(300, 0x89) }] },
  "getMiniCode long JSON error (>500B)": { code: [json({ errcode: 40035, errmsg: "x".repeat(600) })] },
  "subscribeMessage.send 43101": { message: [json({ errcode: 43101, errmsg: "refuse" })] },
  "token failure -> msgSecCheck A2 fresh": { token: [refusedSecret] },
  "token failure -> getAccessToken": { token: [refusedSecret] },
  "token failure -> getMiniCode": { token: [refusedSecret] }
}

/** What QQ says in a recorded call. */
export const scriptOf = ({ title }: Recorded): Required<Script> => ({
  ...usual,
  token: [token as Reply],
  ...scripts[title]
})
