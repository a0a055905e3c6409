/** What the errors' classes don't tell: their Chinese, examples, and advice where it depends on the failure. */
import * as QQError from "../packages/core/src/QQError.ts"

interface Words {
  readonly en: string
  readonly zh: string
}

/** The words of a reason. */
export interface ReasonWords {
  /** Its docstring in Chinese. */
  readonly zh: string
  /** The docstrings of its own fields in Chinese. */
  readonly fields?: Readonly<Record<string, string>>
  /** An example. Without it, the reason is made from QQ's first code for it. */
  readonly example?: QQError.Reason
  /** What the error's `endpoint` is, if it is no call. */
  readonly endpoint?: string
  /** What to do, if its help gives the details of a failure alone. */
  readonly advice?: Words
}

const timedOut = new QQError.TimedOut({ during: "answer", limit: 5_000 })

const wait = "多少毫秒之后可以再次调用；仅当由客户端限流拒绝时才有。"

/** The words of all reasons, in the order of the page. */
export const reasons: Readonly<Record<QQError.Reason["_tag"], ReasonWords>> = {
  WrongSecret: {
    zh: "AppSecret 错误（getToken 返回 `40001`）。不会重试：60 秒内，后续调用立即以同样的原因失败。"
  },
  InvalidAppId: {
    zh: "QQ 不认识该 appid（`40013`、`-101600007`）。与 {@link WrongSecret} 一样，不会重试。"
  },
  InvalidToken: {
    zh: "QQ 拒绝了 access_token。如果 access_token 由客户端管理，客户端已经刷新并重试过一次。调用方以 `access_token` 传入的不会刷新。"
  },
  InvalidCode: {
    zh: "登录 code 错误、已过期（5 分钟后），或已被使用。需要在小程序端重新登录。"
  },
  PageMissing: { zh: "页面在已发布的小程序中不存在（`41030`）。" },
  MiniCodesUsedUp: { zh: "该小程序的 50 个小程序码已全部用完（`45029`）。不会重试。" },
  NotSubscribed: { zh: "用户没有订阅该模板，或已有的订阅已被之前的消息用掉。" },
  UserRefused: { zh: "用户拒绝接收这类消息，或已收回授权。" },
  TooFrequent: {
    zh: "对同一用户或同一操作调用得过于频繁。QQ 不会说明要等多久。带有 `wait` 时，表示 QQ 刚刚这样返回过，本次调用由客户端限流拒绝，没有发送任何请求。",
    fields: { wait }
  },
  SystemBusy: { zh: "QQ 系统繁忙（`-1`）。" },
  Rejected: { zh: "QQ 拒绝了调用，而错误码没有对应的专门原因。" },
  QuotaReached: {
    zh: "配额已用完。带有 `code` 时，是 QQ 对这次或刚才的调用这样返回的；带有 `wait` 时，由客户端限流拒绝，没有发送任何请求。",
    fields: {
      code: "QQ 的错误码；仅当由 QQ 返回时才有。",
      text: "QQ 随错误码返回的说明。",
      wait,
      meaning: "该错误码对这个接口的含义；仅当比通用说明更具体时才有。"
    },
    example: new QQError.QuotaReached({ wait: 12_000 })
  },
  InvalidInput: {
    zh: "参数错误。带有 `code` 时由 QQ 拒绝；没有时由客户端拒绝，没有发送任何请求。\n\n`field` 与 `problem` 是 `problems` 中的第一个。错误信息与 `help` 会列出全部。",
    fields: {
      field: "参数的路径，如 `data.keyword1.value`。",
      problem: "问题所在；有限制时，包括限制与实际大小。不含参数的值。",
      problems: "这次调用的全部问题。",
      code: "QQ 的错误码；仅当由 QQ 拒绝时才有。",
      text: "QQ 的说明；仅当由 QQ 拒绝时才有。"
    },
    example: new QQError.InvalidInput({
      field: "touser",
      problem: { en: "is required and missing", zh: "缺少必填参数" }
    }),
    advice: {
      en: "Correct the parameter that `field` names, as `problem` says. The same call fails again.",
      zh: "按 `problem` 的说明修正 `field` 所指的参数。原样再次调用仍会失败。"
    }
  },
  InvalidConfig: {
    zh: "配置缺失或错误。没有发送任何请求。",
    fields: { setting: "选项或环境变量，如 `QQ_APPID`。", problem: "问题与修正办法。不含配置的值。" },
    example: new QQError.InvalidConfig({
      setting: "appsecret",
      problem: { en: "is required and missing", zh: "缺少必填参数" }
    }),
    endpoint: "configuration",
    advice: {
      en: "Correct the setting that `setting` names, as `problem` says, and start again.",
      zh: "按 `problem` 的说明修正 `setting` 所指的配置，然后重新启动。"
    }
  },
  UserDataInvalid: {
    zh: "不接受小程序端传来的数据。错误中不含数据的内容。",
    fields: { problem: "问题所在，见下表。", field: "有问题的部分，如 `iv`；仅当能确定时才有。" },
    example: new QQError.UserDataInvalid({ problem: "key" }),
    endpoint: "userData.decrypt",
    advice: { en: "It depends on `problem`, see below.", zh: "取决于 `problem`，见下表。" }
  },
  UnknownApp: {
    zh: "调用指定的 appid 没有 AppSecret，该小程序也没有登记。没有发送任何请求。",
    fields: { appid: "未知的 appid；没有默认小程序时为 `undefined`。", lookedIn: "查找过的位置。" },
    example: new QQError.UnknownApp({ appid: "1112345678", lookedIn: "apps" })
  },
  LookupFailed: {
    zh: "查询 AppSecret 的函数失败，而且该小程序的 AppSecret 不在内存中。没有发送任何请求。",
    fields: { problem: "该函数的错误名称，如 `ECONNREFUSED`；函数没有返回时为 `ETIMEDOUT`。" },
    example: new QQError.LookupFailed({ problem: "ECONNREFUSED" })
  },
  ConnectionFailed: {
    zh: "连接失败，因此没有返回。",
    fields: { problem: "系统给出的错误名称，如 `ECONNREFUSED`。" },
    example: new QQError.ConnectionFailed({ problem: "ECONNREFUSED" })
  },
  TimedOut: {
    zh: "调用超时。如果要发送的内容可能已到达 QQ，原因则是 {@link OutcomeUnknown}。",
    fields: {
      during:
        "超时的阶段：读取图片（`media`）、排队或等待配额（`queue`）、等待 access_token（`token`）、等待 QQ 返回（`answer`）。",
      limit: "时限，毫秒。"
    },
    example: timedOut
  },
  UnreadableAnswer: {
    zh: "返回内容既不是已知的成功，也不是 QQ 的错误。内容检测遇到这样的返回绝不视为通过。",
    fields: {
      found:
        "返回的种类：`empty`、`html`、`not JSON`、`unknown JSON`、`image`、`broken image`、`too large`；内容为成功但 HTTP 状态码不是 2xx 时为 `wrong status`。",
      status: "HTTP 状态码。",
      size: "大小，字节：超过上限时为声明的大小，否则为读到的大小。",
      wait: "返回中 `Retry-After` 的毫秒数。"
    },
    example: new QQError.UnreadableAnswer({ found: "html", status: 502, size: 1_234 })
  },
  OutcomeUnknown: {
    zh: "无法确定 QQ 是否已执行该调用：连接失败或超时之前请求已经发出，或返回内容无法识别。客户端绝不会重复这样的调用。",
    fields: { because: "无法确定的原因。", meaning: "对这个接口意味着什么。" },
    example: new QQError.OutcomeUnknown({ because: timedOut })
  },
  TokenContested: {
    zh: "该小程序的 access_token 反复提前失效，通常是因为另有服务在用同一 appid 获取。每次获取都会使对方的失效，因此客户端会暂停获取一段时间。",
    fields: {
      deaths: "连续提前失效的 access_token 的个数。",
      fetchedAgo: "最近几个 access_token 分别在多少毫秒之前获取，从最早的开始。",
      ownFetches: "存储不可用期间，本进程在最近 10 分钟内自行获取的次数。",
      wait: "客户端在多少毫秒之后再获取下一个；调用仍可用时为 0。"
    },
    example: new QQError.TokenContested({
      deaths: 3,
      fetchedAgo: [95_000, 62_000, 30_000],
      ownFetches: 0,
      wait: 570_000
    })
  },
  StoreFailed: {
    zh: "共用的存储失败：内存中没有可用的 access_token 时的 token 存储，或批量任务的存储。",
    fields: { operation: "失败的存储操作，如 `read`。", problem: "存储的错误名称，不含密钥。" },
    example: new QQError.StoreFailed({ operation: "read", problem: "ECONNREFUSED" })
  },
  ClientClosed: {
    zh: "客户端在调用之前或调用期间已关闭。",
    example: new QQError.ClientClosed({})
  }
}

/** The docstrings of the fields that come from QQ's answer, in Chinese. */
export const answered: Readonly<Record<string, string>> = {
  code: "QQ 的错误码：返回中的 `errcode`、`errCode` 或 `code`。",
  text: "QQ 的说明，最长 300 字符，其中的密钥均已去除。",
  meaning: "该错误码对这个接口的含义；仅当比通用说明更具体时才有。"
}

/** The docstrings of the error's own fields in Chinese. */
export const fieldsOfError: Readonly<Record<string, string>> = {
  endpoint: "接口，如 `security.msgSecCheck`。",
  app: "调用的小程序 appid；未知时为 `undefined`。",
  reason: "失败的原因；`reason._tag` 为下文中的名称。",
  attempts: "为这次调用发送的请求数，不含获取 access_token 的请求，因为它由所有调用共用。",
  elapsed: "从调用开始到失败的毫秒数。",
  code: "QQ 的错误码；QQ 没有返回错误码时为 `undefined`。",
  isRetryable: "再次进行同样的调用是否可能成功。",
  retryAfter: "多少毫秒之后再试；未知时为 `undefined`。",
  help: "发生了什么、该怎么做：`en` 为英文，`zh` 为中文，`url` 为本页上该原因的地址。"
}

/** The sentences of the page. */
export const page = {
  title: { en: "Errors", zh: "错误" },
  other: { en: "[简体中文](zh-CN/errors.md)", zh: "[English](../errors.md)" },
  introduction: {
    en: "A call that fails gives a `QQError`: `isQQError(error)` tells. Its `reason` says what happened, and `error.help` what to do, in English and Chinese. No error shows a secret, however it is printed. An app can show `help` to its operators, not to its users.",
    zh: "调用失败时得到 `QQError`，可用 `isQQError(error)` 判断。`reason` 说明发生了什么，`error.help` 用中英文说明该怎么做。无论怎样输出，错误中都不会出现密钥。`help` 供开发与运维人员查看，不必展示给用户。"
  },
  fields: { en: "The error", zh: "错误对象" },
  reasons: { en: "By reason", zh: "按原因" },
  aboutReasons: {
    en: "Reasons that come from QQ's answer have these fields, and some have more:",
    zh: "来自 QQ 返回的原因都有以下字段，部分另有其他字段："
  },
  codes: { en: "By QQ's code", zh: "按 QQ 错误码" },
  aboutCodes: {
    en: "`error.code` is the number that QQ answered with. Another number than these is [Rejected](#rejected), with QQ's own words in `reason.text`; QQ may change them, so read the number. The same number can mean different things at different calls. What is not in QQ's documents was seen in answers, or comes from the code of other clients.",
    zh: "`error.code` 是 QQ 返回的错误码。未列出的错误码均为 [Rejected](#rejected)，QQ 的说明在 `reason.text` 中；说明可能变化，请以错误码为准。同一错误码在不同接口可能含义不同。QQ 文档未列出的，来自真实返回或其他客户端的代码。"
  },
  byOthers: { en: "(Not in QQ's documents.)", zh: "（QQ 文档未列出。）" },
  field: { en: "field", zh: "字段" },
  meaning: { en: "meaning", zh: "含义" },
  meaningAndAdvice: { en: "meaning, and what to do", zh: "含义与处理" },
  reason: { en: "reason", zh: "原因" },
  call: { en: "call", zh: "接口" },
  retryable: { en: "retryable", zh: "可重试" },
  all: { en: "all", zh: "所有接口" },
  others: { en: "all others", zh: "其他接口" },
  advice: { en: "what to do", zh: "处理" },
  yes: { en: "yes", zh: "是" },
  no: { en: "no", zh: "否" },
  retryAfter: { en: "yes, after", zh: "是，等待" },
  millis: { en: "ms", zh: "毫秒" },
  qqCodes: { en: "QQ's codes", zh: "QQ 错误码" },
  code: { en: "Code", zh: "错误码" },
  noError: { en: "Not an error: the result is `{ risky: true }`.", zh: "不是错误：结果为 `{ risky: true }`。" }
} satisfies Readonly<Record<string, Words>>
