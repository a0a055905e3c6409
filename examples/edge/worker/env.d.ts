// What `npx wrangler types` writes for a project of yours, as far as it is used here.
interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void
}

interface Database {
  prepare(sql: string): Statement
}
interface Statement {
  bind(...values: ReadonlyArray<unknown>): Statement
  first(): Promise<Readonly<Record<string, unknown>> | null>
  run(): Promise<unknown>
}

declare module "cloudflare:workers" {
  export const waitUntil: (work: Promise<unknown>) => void
  export const env: {
    readonly QQ_TOKENS: import("@qq-mini/edge/DurableObjectTokenCache").Namespace
    readonly QQ_BROADCASTS: import("@qq-mini/edge/DurableObjectSendLedger").Namespace
    readonly QQ_KV: import("@qq-mini/edge/KvTokenCache").Namespace
    readonly QQ_TOKEN_KEY: string
    readonly QQ_APPID: string
    readonly QQ_APPSECRET: string
    readonly ORDERS: Database
    readonly IMAGES: import("@qq-mini/edge/ImagesPreparer").ImagesBinding
  }
}
