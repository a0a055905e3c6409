/**
 * Content checks in the form of DCloud's module `uni-sec-check`, which has only WeChat's.
 *
 * Known from its document and its source, version 2.0.2: the constructor's `provider`, `requestId` and `appId`; the
 * parameters; `errCode`, which is 0 for a pass, and `errMsg`; `result.suggest` and `result.label`; the error codes, and
 * `ErrorCode`. What QQ's checks do not have is inferred, and is said where it is.
 */
import type { Calls, PromiseOptions } from "@qq-mini/core/Promise"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { isObject } from "effect/Predicate"
import * as ImageSource from "./internal/imageSource.ts"
import * as UniModule from "./internal/uniModule.ts"
import { optionsOf, uniCloudOf } from "./UniCloudQQMini.ts"
import { toUniError } from "./UniResult.ts"

/** The error codes of `uni-sec-check`. */
export const ErrorCode = {
  /** QQ is busy. */
  SYSTEM_ERROR: "uni-sec-check-system-error",
  /** QQ says that the content must not be shown. */
  RISK_CONTENT: "uni-sec-check-risk-content",
  INVALID_APPID: "uni-sec-check-invalid-appid",
  INVALID_APPSECRET: "uni-sec-check-invalid-appsecret",
  INVALID_ACCESS_TOKEN: "uni-sec-check-invalid-access-token",
  /** The content is not an image that QQ takes. */
  INVALID_FILE_TYPE: "uni-sec-check-invalid-file-type",
  /** The image is larger than 1 MB or 750 × 1334 pixels. */
  INVALID_IMAGE_SIZE: "uni-sec-check-invalid-image-size",
  /** The image can't be downloaded. */
  INVALID_REQUEST_URL: "uni-sec-check-invalid-request-url",
  /** Another parameter is wrong, such as a text above 500 KB. */
  INVALID_REQUEST_PARAM: "uni-sec-check-invalid-request-param",
  PARAM_REQUIRED: "uni-sec-check-param-required",
  EMPTY_IMAGE: "uni-sec-check-empty-image",
  EMPTY_CONTENT: "uni-sec-check-empty-content",
  /** A quota is used up. */
  INVOKE_OUT_OF_LIMIT: "uni-sec-check-invoke-out-of-limit"
} as const

/** The result of a check. Only `errCode: 0` is a pass. */
export interface CheckResult {
  /**
   * 0 for a pass; `uni-sec-check-risk-content` for content that must not be shown. Other codes say why there was no
   * check. For a code of QQ's without a name of its own it is `uni-sec-check-mp-qq-<code>`.
   */
  readonly errCode: 0 | string
  /** `ok`, or what happened. */
  readonly errMsg: string
}

/** The result of a text check. */
export interface TextCheckResult extends CheckResult {
  /**
   * Present if QQ has checked the text. QQ does not say what is wrong with a text, so `label` is `正常` or `未知`
   * (inferred: the label of `uni-sec-check` for a category that it does not know).
   */
  readonly result?: { readonly suggest: "pass" | "risky"; readonly label: string }
}

/** Options of {@link UniSecCheck}. */
export interface Options extends UniModule.Options {
  /** The id of the request, from which the DCloud app follows. Needed only if an instance serves several requests. */
  readonly requestId?: string | undefined
  /** The DCloud app, `__UNI__…`, if the function was not called by a client, as by a timer. */
  readonly appId?: string | undefined
}

const names = { ...UniModule.names, requestId: [], appId: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/** The parameters of a text check. */
export interface TextCheckInput {
  /** At most 500 KB as UTF-8. */
  readonly content: string
  /** Ignored, because QQ does not take it. */
  readonly openid?: string | undefined
  /** Ignored, because QQ does not take it. */
  readonly scene?: number | undefined
  /** Ignored: QQ has one version of its checks. */
  readonly version?: number | undefined
}

/** The parameters of an image check. */
export interface ImageCheckInput {
  /**
   * A PNG, JPEG or GIF, at most 1 MB and 750 × 1334 pixels: an `https` URL, a `cloud://` id, or (not in `uni-sec-check`)
   * bytes, base64 or a data URL. Only pass URLs of your own storage: the function downloads the file.
   */
  readonly image: string | Uint8Array
  /** Ignored, because QQ does not take it. */
  readonly openid?: string | undefined
  /** Ignored, because QQ does not take it. */
  readonly scene?: number | undefined
  /** Ignored: QQ answers at once, as WeChat's version 1. There is no `traceId`. */
  readonly version?: number | undefined
}

const failed = (errCode: string, errMsg: string): CheckResult => ({ errCode, errMsg })
const risky = failed(ErrorCode.RISK_CONTENT, "内容含有违法违规信息 errCode: 87014")

/** The code of an error. `undefined` if it is unknown what QQ would say, as after a timeout. */
const codeOf = ({ code, reason }: QQError, wrongMedia: string): string | undefined => {
  switch (reason._tag) {
    case "InvalidInput":
      return reason.field === "media" ? wrongMedia : ErrorCode.INVALID_REQUEST_PARAM
    case "InvalidAppId":
      return ErrorCode.INVALID_APPID
    case "WrongSecret":
      return ErrorCode.INVALID_APPSECRET
    case "InvalidToken":
      return ErrorCode.INVALID_ACCESS_TOKEN
    case "SystemBusy":
      return ErrorCode.SYSTEM_ERROR
    case "QuotaReached":
    case "TooFrequent":
      return ErrorCode.INVOKE_OUT_OF_LIMIT
    default:
      return code === undefined ? undefined : `uni-sec-check-mp-qq-${code}`
  }
}

/** Runs a check. Rejects with the error if it has no code. */
const run = (check: Promise<{ readonly risky: boolean }>, wrongMedia = ""): Promise<CheckResult> =>
  check.then(
    (verdict) => (verdict.risky ? risky : { errCode: 0, errMsg: "ok" }),
    (error) => {
      const code = isQQError(error) ? codeOf(error, wrongMedia) : undefined
      if (code === undefined) throw error
      return failed(code, toUniError(error).errMsg)
    }
  )

/** The deadline of a call in milliseconds. `undefined` if it is unknown here, or the options are invalid. */
const deadlineOf = (qq: Calls, options: PromiseOptions | undefined): number | undefined => {
  const asked = options?.deadline ?? optionsOf(qq)?.deadline
  return asked === undefined || (options !== undefined && !isObject(options as unknown))
    ? undefined
    : Option.getOrUndefined(Option.map(Duration.fromInput(asked), Duration.toMillis))
}

const looksLikeImage = (bytes: Uint8Array): boolean =>
  /^(\x89PNG|\xff\xd8\xff|GIF8)/.test(Buffer.from(bytes.subarray(0, 4)).toString("latin1"))

/**
 * Checks texts and images with QQ. Use it as `uni-sec-check`:
 *
 * ```js
 * const uniSecCheck = new UniSecCheck({ qq, provider: "mp-qq", requestId: context.requestId })
 * const { errCode } = await uniSecCheck.textSecCheck({ content })
 * if (errCode === uniSecCheck.ErrorCode.RISK_CONTENT) …
 * ```
 *
 * - What QQ answers is a result, and so is a parameter that QQ would refuse.
 * - Without an answer (timeout, connection failed, unreadable answer, wrong configuration) the promise is rejected with a
 *   `QQError`, as `uni-sec-check` rejects. So a missing answer is never a pass.
 * - The second parameter has the options of one call, such as `deadline`.
 */
export class UniSecCheck {
  /** The error codes. */
  readonly ErrorCode = ErrorCode
  readonly #qq: Calls
  readonly #request: UniModule.Request

  /** Throws a `QQError` if `qq` is missing, or an option is not known. */
  constructor(options: Options) {
    UniModule.check(options, names)
    this.#qq = options.qq
    this.#request = { dcloudAppid: options.appId, requestId: options.requestId }
  }

  /** Checks a text. */
  async textSecCheck(input: TextCheckInput, options?: PromiseOptions): Promise<TextCheckResult> {
    const content = input?.content
    if (content === undefined || content === null) return failed(ErrorCode.PARAM_REQUIRED, "缺少参数 content")
    if (content === "") return failed(ErrorCode.EMPTY_CONTENT, "content 不能为空")
    const program = await UniModule.programOf(this.#qq, this.#request)
    const checked = await run(this.#qq.security.msgSecCheck({ content, ...program }, options))
    switch (checked.errCode) {
      case 0:
        return { ...checked, result: { suggest: "pass", label: "正常" } }
      case ErrorCode.RISK_CONTENT:
        return { ...checked, result: { suggest: "risky", label: "未知" } }
      default:
        return checked
    }
  }

  /**
   * Checks an image, prepared if the client has an `imagePreparer`. A download takes at most 3 seconds, and the deadline
   * covers it too.
   */
  async imgSecCheck(input: ImageCheckInput, options?: PromiseOptions): Promise<CheckResult> {
    const image = input?.image
    if (image === undefined || image === null) return failed(ErrorCode.PARAM_REQUIRED, "缺少参数 image")
    const start = performance.now()
    const deadline = deadlineOf(this.#qq, options)
    const settings = optionsOf(this.#qq) ?? {}
    const bytes = await ImageSource.read(uniCloudOf(settings), image, deadline ?? Infinity)
    if (bytes === "unreachable") return failed(ErrorCode.INVALID_REQUEST_URL, "无法下载 image 指向的图片")
    if (typeof bytes === "string")
      return failed(ErrorCode.INVALID_REQUEST_PARAM, "image 必须是网址、文件 ID 或图片内容")
    if (bytes.length === 0) return failed(ErrorCode.EMPTY_IMAGE, "图片内容为空")
    const program = await UniModule.programOf(this.#qq, this.#request)
    // D3: what the download has left. The check refuses an invalid deadline.
    const left =
      deadline === undefined ? options : { ...options, deadline: Math.max(1, deadline - (performance.now() - start)) }
    return run(
      this.#qq.security.imgSecCheck({ media: bytes, prepare: settings.imagePreparer, ...program }, left),
      looksLikeImage(bytes) ? ErrorCode.INVALID_IMAGE_SIZE : ErrorCode.INVALID_FILE_TYPE
    )
  }
}
