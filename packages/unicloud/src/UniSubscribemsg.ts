/**
 * Subscription and template messages in the form of DCloud's module `uni-subscribemsg`, which has only WeChat's.
 *
 * Known from its document and its source, version 1.0.2: the constructor's `dcloudAppid` and `provider`; the parameters
 * of `sendSubscribeMessage`; its result `{ errCode, errMsg, result }`, in which `errCode` is the platform's number.
 */
import type { Calls, PromiseOptions } from "@qq-mini/core/Promise"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import * as UniModule from "./internal/uniModule.ts"
import { codeOf } from "./UniResult.ts"

/** Options of {@link UniSubscribemsg}. */
export interface Options extends UniModule.Options {
  /** The DCloud app, `__UNI__…`. By default the current one. */
  readonly dcloudAppid?: string | undefined
}

const names = { ...UniModule.names, dcloudAppid: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/** A subscription message. */
export interface SubscribeMessage {
  /** The user's openid. */
  readonly touser: string
  readonly template_id: string
  /** The page that opens when the user taps the message. */
  readonly page?: string | undefined
  /** The template's keywords, `{ keyword1: { value: "…" } }`. */
  readonly data: { readonly [keyword: string]: { readonly value: string | number | boolean | bigint } }
  /** The keyword to show in large print. Only QQ has it. */
  readonly emphasis_keyword?: string | undefined
  /** Ignored, because QQ does not take it. */
  readonly miniprogram_state?: string | undefined
  /** Ignored, because QQ does not take it. */
  readonly lang?: string | undefined
}

/** A template message. */
export interface TemplateMessage {
  /** The user's openid. */
  readonly touser: string
  readonly template_id: string
  /** The id that the `submit` event of the program's form gave. It allows one message. Only QQ has it. */
  readonly form_id: string
  /** The page that opens when the user taps the message. */
  readonly page?: string | undefined
  /** The template's keywords, `{ keyword1: { value: "…" } }`. */
  readonly data: SubscribeMessage["data"]
  /** The keyword to show in large print. Only QQ has it. */
  readonly emphasis_keyword?: string | undefined
}

/** The result of a send. */
export interface SendResult {
  /** 0 if the message was sent, or else QQ's code. */
  readonly errCode: number
  /** `ok`, or QQ's text. */
  readonly errMsg: string
  /** QQ's answer. */
  readonly result: { readonly errcode: number; readonly errmsg: string }
}

const resultOf = (errCode: number, errMsg: string): SendResult => ({
  errCode,
  errMsg,
  result: { errcode: errCode, errmsg: errMsg }
})

/** What QQ answers is a result. Other errors are thrown. */
const toResult = (sent: Promise<void>): Promise<SendResult> =>
  sent.then(
    () => resultOf(0, "ok"),
    (error) => {
      const code = isQQError(error) ? codeOf(error) : undefined
      if (code === undefined) throw error
      const { help, reason } = error as QQError
      return resultOf(code, ("text" in reason && reason.text) || help.zh)
    }
  )

/**
 * Sends messages with QQ. Use it as `uni-subscribemsg`:
 *
 * ```js
 * const uniSubscribemsg = new UniSubscribemsg({ qq, dcloudAppid: "__UNI__XXXXXXX", provider: "qq-mp" })
 * const { errCode } = await uniSubscribemsg.sendSubscribeMessage({ touser, template_id, page, data })
 * ```
 *
 * What QQ answers is a result. If it is unknown whether the message was sent, and for a wrong parameter or configuration,
 * the promise is rejected with a `QQError`. A message is never sent twice.
 */
export class UniSubscribemsg {
  readonly #qq: Calls
  readonly #request: UniModule.Request

  /** Throws a `QQError` if `qq` is missing, or an option is not known. */
  constructor(options: Options) {
    UniModule.check(options, names)
    this.#qq = options.qq
    this.#request = { dcloudAppid: options.dcloudAppid }
  }

  /** Sends a message to a user who subscribed to it. The second parameter has the options of one call. */
  async sendSubscribeMessage(message: SubscribeMessage, options?: PromiseOptions): Promise<SendResult> {
    const program = await UniModule.programOf(this.#qq, this.#request)
    const ignored = { lang: undefined, miniprogram_state: undefined }
    const input = UniModule.withFields(message, { ...ignored, ...program })
    return toResult(this.#qq.subscribeMessage.send(input, options))
  }

  /**
   * Sends a message to a user who submitted a form of the program. The second parameter has the options of one call.
   * `uni-subscribemsg` sends WeChat's template messages here, which need no `form_id`.
   */
  async sendTemplateMessage(message: TemplateMessage, options?: PromiseOptions): Promise<SendResult> {
    const program = await UniModule.programOf(this.#qq, this.#request)
    return toResult(this.#qq.templateMessage.send(UniModule.withFields(message, program), options))
  }
}
