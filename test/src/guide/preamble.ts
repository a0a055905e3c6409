/** What the blocks of the guide use without making it: an app's own names, and a client on a sandbox. */
import { createQQMini } from "@qq-mini/node"
import { defaultTemplate, startSandbox } from "@qq-mini/sandbox/testing"
import { createCipheriv, randomBytes } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { PNG } from "pngjs"

export const sandbox = await startSandbox()
Object.assign(process.env, sandbox.env)

export const qq = createQQMini(sandbox.options)
export const { appid, appsecret } = sandbox.options
export const template_id = defaultTemplate

/** The user of a block, their login code, and what `qq.getUserInfo` gave the mini program. */
export let openid = ""
export let code = ""
export let encryptedData = ""
export let iv = ""

let readers = 0

/** Makes the next block independent of those before it. */
export const renew = async (): Promise<void> => {
  await sandbox.heal()
  const { session_key, ...user } = await sandbox.login({ user: `reader-${readers++}` })
  code = user.code
  openid = user.openid
  await sandbox.subscribe({ openid, times: 10 })
  const nonce = randomBytes(16)
  const cipher = createCipheriv("aes-128-cbc", Buffer.from(session_key, "base64"), nonce)
  const watermark = { appid, timestamp: Math.floor(Date.now() / 1_000) }
  const profile = JSON.stringify({ openId: openid, nickName: "小明", watermark })
  encryptedData = Buffer.concat([cipher.update(profile), cipher.final()]).toString("base64")
  iv = nonce.toString("base64")
}

export const title = "静夜思"
export const text = "床前明月光"
export const content = text

const picture = (width: number, height: number) => {
  const white = new PNG({ width, height })
  white.data.fill(255)
  return PNG.sync.write(white)
}
export const photo = picture(900, 1_600)
export const photos = [picture(30, 30)]

export const comments = [
  { id: "1", text: "床前明月光" },
  { id: "2", text: "疑是地上霜" }
]

export const publish = async (): Promise<void> => {}
export const hide = async (comment: { readonly id: string }): Promise<void> => void comment
export const deliver = async (bill_no: string): Promise<void> => void bill_no

/** A database, as `pg` has it. */
export const db = {
  query: async (sql: string, values: ReadonlyArray<unknown>): Promise<{ readonly rows: ReadonlyArray<any> }> => ({
    rows: sql.startsWith("select secret")
      ? sandbox.options.apps.flatMap((app) => (app.appid === values[0] ? [{ secret: app.appsecret }] : []))
      : []
  })
}

/** An app of Express, as far as it is used. */
export const app = {
  post: (path: string, handler: (req: IncomingMessage, res: ServerResponse) => unknown): void => void [path, handler]
}

/** The token in the cache of an app's old client. */
export const sharedToken = (): Promise<string> => qq.auth.getAccessToken()
