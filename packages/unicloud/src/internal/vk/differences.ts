/**
 * Where the facade differs from vk 2.25 on purpose: the one list from which both READMEs are made, and which the tests
 * use. Everything else that vk answers is answered the same.
 */

/** A text in two languages. */
export interface Text {
  readonly en: string
  readonly zh: string
}

/**
 * The switches of `compat`, with their defaults: `true` is vk's way. It is the default unless it loses data, money or
 * safety.
 */
export const defaults = {
  formTextCheck: true,
  ignoreAccessToken: false,
  ignorePage: false,
  mutateInput: false,
  noRetries: false,
  secretInEncryptedKey: false,
  secretInSession: false,
  sendOverQuota: false,
  sendUnchecked: false
}

/** The value of every switch. */
export type Switches = Readonly<typeof defaults>

/** A difference on purpose. */
export interface Difference {
  /** Its name. If it is that of a switch, the switch brings vk's way back. Otherwise no caller can rely on vk's way. */
  readonly id: string
  /** The call or the situation. */
  readonly when: Text
  /** What vk does. */
  readonly vk: Text
  /** What the facade does. */
  readonly ours: Text
  /** Why. */
  readonly why: Text
}

/** All differences on purpose. */
export const differences = [
  {
    id: "emptyAnswer",
    when: { en: "a text or image check gets an empty answer", zh: "检测的返回为空" },
    vk: { en: "`code: 0`, the content passed", zh: "`code: 0`，视为通过" },
    ours: { en: "throws a QQError", zh: "抛出 QQError" },
    why: { en: "nothing was checked", zh: "没有检测，不能放行" }
  },
  {
    id: "noStatus",
    when: {
      en: "an answer without QQ's status, or with `code` alone, such as a gateway's `{\"code\": 500}`",
      zh: '返回中没有 QQ 的状态，或只有 `code`（如网关的 `{"code": 500}`）'
    },
    vk: { en: "`code: 0`", zh: "`code: 0`" },
    ours: { en: "throws a QQError; `code` stays as it is", zh: "抛出 QQError；`code` 原样返回" },
    why: { en: "it is no success", zh: "不是成功" }
  },
  {
    id: "notJson",
    when: { en: "an answer that is not JSON, such as a 502 page", zh: "返回不是 JSON（如 502 页面）" },
    vk: { en: "throws a TypeError", zh: "抛出 TypeError" },
    ours: { en: "throws a QQError that says what came", zh: "抛出 QQError，说明收到了什么" },
    why: { en: "it can be handled", zh: "可据以处理" }
  },
  {
    id: "wrongStatus",
    when: { en: "a success with an HTTP status other than 2xx", zh: "成功的返回，但 HTTP 状态不是 2xx" },
    vk: { en: "`code: 0`", zh: "`code: 0`" },
    ours: { en: "throws a QQError", zh: "抛出 QQError" },
    why: { en: "a gateway says so, not QQ", zh: "来自网关，而不是 QQ" }
  },
  {
    id: "textEncoding",
    when: { en: "QQ's text is in GBK", zh: "QQ 的说明是 GBK 编码" },
    vk: { en: "garbles it", zh: "乱码" },
    ours: { en: "decodes it, or returns none", zh: "解码，无法解码时为空" },
    why: { en: "people read it", zh: "说明是给人看的" }
  },
  {
    id: "network",
    when: { en: "timeouts and broken connections", zh: "超时、连接失败" },
    vk: {
      en: "throws an error with the whole URL, and so the AppSecret or the access_token",
      zh: "抛出的错误含完整网址，其中有 AppSecret 或 access_token"
    },
    ours: { en: "throws a QQError without it", zh: "抛出 QQError，不含网址" },
    why: { en: "errors are logged", zh: "错误会写入日志" }
  },
  {
    id: "secretInText",
    when: { en: "QQ's text repeats the AppSecret or the access_token", zh: "QQ 的说明中有 AppSecret 或 access_token" },
    vk: { en: "hands it on", zh: "原样返回" },
    ours: { en: "writes `<redacted>`", zh: "替换为 `<redacted>`" },
    why: { en: "results go to clients", zh: "返回值会下发到客户端" }
  },
  {
    id: "imageByContent",
    when: { en: "mini code", zh: "小程序码" },
    vk: { en: "an answer below 500 bytes is an error, any other an image", zh: "按返回的长度判断是图片还是错误" },
    ours: { en: "its content decides", zh: "按内容判断" },
    why: {
      en: "a small image throws, a long error is taken for an image",
      zh: "小图片会报错，长的错误会被当作图片"
    }
  },
  {
    id: "ignorePage",
    when: { en: "`getMiniCode({ page })`", zh: "`getMiniCode({ page })`" },
    vk: { en: "ignores it", zh: "忽略" },
    ours: { en: "is the same as `path`", zh: "同 `path`" },
    why: {
      en: "vk's documents write `page`; one of 50 codes would open the wrong page",
      zh: "vk 的文档写的是 `page`；忽略时会用掉 50 个中的一个，且打开的页面不对"
    }
  },
  {
    id: "secretInEncryptedKey",
    when: { en: "`encryptedKey`", zh: "`encryptedKey`" },
    vk: { en: "contains the AppSecret", zh: "含 AppSecret" },
    ours: { en: "does not", zh: "不含" },
    why: { en: "it is given to clients", zh: "它会下发到客户端" }
  },
  {
    id: "secretInSession",
    when: { en: "`code2SessionMpQQ`", zh: "`code2SessionMpQQ`" },
    vk: { en: "returns `appsecret`", zh: "返回值中有 `appsecret`" },
    ours: { en: "does not", zh: "没有" },
    why: { en: "results are logged and given to clients", zh: "返回值会写入日志、下发到客户端" }
  },
  {
    id: "ignoreAccessToken",
    when: { en: "a string as `access_token`", zh: "传入字符串 `access_token`" },
    vk: { en: "sends it where QQ does not read it, or ignores it", zh: "放错位置，或被忽略" },
    ours: { en: "uses it", zh: "使用它" },
    why: {
      en: "otherwise another program makes the call. With the switch it is ignored",
      zh: "否则会以另一个小程序的身份调用。打开开关后忽略它"
    }
  },
  {
    id: "mutateInput",
    when: { en: "the caller's object", zh: "传入的对象" },
    vk: { en: "gets an `appid`", zh: "会被写入 appid" },
    ours: { en: "stays as it is", zh: "不变" },
    why: {
      en: "used again, it would call for the program of the first call",
      zh: "再次使用时会以第一次的小程序调用"
    }
  },
  {
    id: "formTextCheck",
    when: { en: "the encoding of a text check", zh: "文本检测的发送格式" },
    vk: { en: "a form", zh: "表单" },
    ours: { en: "JSON, if the switch is `false`", zh: "开关为 `false` 时为 JSON" },
    why: { en: "QQ's document says so; the form works too", zh: "QQ 的文档如此；表单同样可用" }
  },
  {
    id: "imageType",
    when: { en: "the type and name of an image", zh: "图片的类型与名称" },
    vk: { en: "always a PNG, named after the time", zh: "一律称为 PNG，以时间命名" },
    ours: { en: "by its content", zh: "按内容判断" },
    why: { en: "it may be a JPEG or a GIF", zh: "图片也可能是 JPEG 或 GIF" }
  },
  {
    id: "loginCode",
    when: { en: "the login code", zh: "登录 code" },
    vk: { en: "is not encoded in the URL", zh: "未经编码放入网址" },
    ours: { en: "is encoded", zh: "经过编码" },
    why: { en: "a client's code could add parameters", zh: "客户端传来的 code 可以加入参数" }
  },
  {
    id: "sendUnchecked",
    when: {
      en: "parameters that QQ refuses: a missing text, no image or over 1 MB, a path with `/` in front, no openid, template or data",
      zh: "QQ 会拒绝的参数：没有文本，不是图片或超过 1 MB，路径以 / 开头，没有 openid、模板或数据"
    },
    vk: { en: "sends them, or throws a TypeError", zh: "发送，或抛出 TypeError" },
    ours: {
      en: "sends nothing; the result has QQ's code for it with vk's text, or `code: -1` and what is wrong",
      zh: "不发送；返回 QQ 对应的错误码与 vk 的说明，没有时为 `code: -1` 与原因"
    },
    why: { en: "a misspelt parameter must not count as checked", zh: "参数名写错时，不能算作已检测" }
  },
  {
    id: "parallelFetches",
    when: { en: "several callers need a token at once", zh: "多处同时需要 access_token" },
    vk: { en: "each fetches one", zh: "各自获取" },
    ours: { en: "one is fetched", zh: "只获取一次" },
    why: { en: "each fetch ends the token before", zh: "获取会使旧的失效" }
  },
  {
    id: "refusedSecret",
    when: { en: "QQ refused to issue an access_token", zh: "QQ 拒绝发放 access_token 之后" },
    vk: { en: "asks again with every call", zh: "每次调用都再问" },
    ours: {
      en: "not for 60 seconds if the AppSecret, the appid or the number of requests was refused, otherwise not for 5; the same error is returned. Another secret is tried at once, and a stored token is used",
      zh: "AppSecret、appid 或次数被拒绝时 60 秒内、其他错误 5 秒内不再问，返回同样的错误；换了 AppSecret 会立即再试，已存放的仍然使用"
    },
    why: { en: "QQ limits these requests", zh: "QQ 限制该请求的次数" }
  },
  {
    id: "tokenInMemory",
    when: { en: "the token in `vk-global-data` is removed", zh: "`vk-global-data` 中的 access_token 被删除" },
    vk: { en: "the next call fetches one", zh: "下次调用重新获取" },
    ours: { en: "an instance goes on with its own, at most 240 seconds", zh: "各实例继续使用自己的，最多 240 秒" },
    why: { en: "a database read less for each call", zh: "每次调用少读一次数据库" }
  },
  {
    id: "missingCollection",
    when: { en: "the collection `vk-global-data` does not exist", zh: "集合 `vk-global-data` 不存在" },
    vk: { en: "fetches a token for every call", zh: "每次调用都获取 access_token" },
    ours: {
      en: "throws a QQError that says how to create it (or set `store`)",
      zh: "抛出 QQError，说明如何新建（也可另设 `store`）"
    },
    why: { en: "each fetch ends the token of another call", zh: "每次获取都会使其他调用的失效" }
  },
  {
    id: "noRetries",
    when: {
      en: "QQ refuses the token (40001), or a check is not answered",
      zh: "access_token 失效（40001），或检测没有得到返回"
    },
    vk: { en: "returns 40001, or throws", zh: "返回 40001，或抛出错误" },
    ours: {
      en: "renews the token once; repeats what may be repeated, never a message or a mini code",
      zh: "刷新一次；可以重复的会重试，订阅消息与小程序码从不重发"
    },
    why: { en: "another service may have ended the token early", zh: "其他服务可能使它提前失效" }
  },
  {
    id: "sendOverQuota",
    when: { en: "the quota that QQ publishes is full", zh: "配额（QQ 公布的次数）已满" },
    vk: { en: "sends all the same", zh: "发送" },
    ours: {
      en: "sends nothing; returns QQ's code and text, or 45009 if QQ has not said one",
      zh: "不发送；返回 QQ 给出过的错误码与说明，没有时为 45009"
    },
    why: { en: "QQ would refuse it", zh: "QQ 会拒绝" }
  },
  {
    id: "foreignHost",
    when: { en: "`request` with another host in its url", zh: "`request` 的 url 是其他主机" },
    vk: { en: "sends the token there", zh: "把 access_token 发送过去" },
    ours: { en: "sends nothing; `code: -1`", zh: "不发送，返回 `code: -1`" },
    why: { en: "the token is QQ's alone", zh: "access_token 只能发给 QQ" }
  }
] as const satisfies ReadonlyArray<Difference>
