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
  export const env: {
    readonly QQ_TOKENS: import("@qq-mini/edge/DurableObjectTokenCache").Namespace
    readonly QQ_APPID: string
    readonly QQ_APPSECRET: string
    readonly ORDERS: Database
    readonly IMAGES: import("@qq-mini/edge/ImagesPreparer").ImagesBinding
  }
}
