// What `npx wrangler types` writes for a project of yours, as far as it is used here.
interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void
}

declare module "cloudflare:workers" {
  export const env: {
    readonly QQ_TOKENS: import("@qq-mini/edge/DurableObjectTokenCache").Namespace
    readonly IMAGES: import("@qq-mini/edge/ImagesPreparer").ImagesBinding
  }
}
