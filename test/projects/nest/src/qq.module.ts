import { Global, Inject, Module, type OnApplicationShutdown } from "@nestjs/common"
import { createQQMini, type PromiseClient } from "qq-mini"

/** The client: `constructor(@Inject(QQ) private readonly qq: PromiseClient) {}`. */
export const QQ = Symbol("QQ")

/** One client for the whole app, with QQ_APPID and QQ_APPSECRET. */
@Global()
@Module({ providers: [{ provide: QQ, useFactory: () => createQQMini() }], exports: [QQ] })
export class QQModule implements OnApplicationShutdown {
  constructor(@Inject(QQ) private readonly qq: PromiseClient) {}

  // Not `onModuleDestroy`: then the requests that are still here would find the client closed.
  async onApplicationShutdown(): Promise<void> {
    await this.qq.close()
  }
}
