/** A platform and the processes that call it. */
import { defaultPrograms } from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import type { Config } from "./holder.ts"
import { Holder } from "./processes.ts"

export interface Deployment {
  readonly sandbox: SandboxServer.Running
  /** How often getToken was called. */
  readonly fetches: () => Promise<number>
  readonly start: (count: number, more?: Partial<Config>, fileBlocks?: number) => Promise<Array<Holder>>
  /** A user of the platform, who did not subscribe. */
  readonly openid: string
}

/** Sets all up on one store, and takes it down in the end. */
export const deploy = async (
  store: string,
  body: (deployment: Deployment) => Promise<void>,
  platform?: Parameters<typeof SandboxServer.start>[0]
): Promise<void> => {
  const holders: Array<Holder> = []
  const sandbox = await SandboxServer.start(platform)
  try {
    await body({
      sandbox,
      openid: (await sandbox.run((platform) => platform.login())).openid,
      fetches: () => sandbox.run((platform) => platform.count("auth.getAccessToken")),
      start: async (count, more, fileBlocks) => {
        const one = async () => {
          const config = { baseUrl: sandbox.url, apps: defaultPrograms, store, ...more }
          const holder = await Holder.start(config, fileBlocks)
          holders.push(holder)
          return holder
        }
        // all are known before one that could not start fails the test, so that all are ended
        const some = await Promise.allSettled(Array.from({ length: count }, one))
        return some.map((result) => {
          if (result.status === "rejected") throw result.reason
          return result.value
        })
      }
    })
  } finally {
    await Promise.all(holders.map((holder) => holder[Symbol.asyncDispose]()))
    await sandbox.close()
  }
}
