/**
 * qq-mini：QQ 小程序服务端接口，适用于 uniCloud 云函数与云对象。
 *
 * 每个调用失败时抛出 QQError：error.reason._tag 是原因，error.help.zh 说明发生了什么、该怎么做。
 */

/** Node 的 Buffer；项目中没有 Node 的类型时为 Uint8Array。 */
type NodeBuffer = typeof globalThis extends { Buffer: { alloc(size: number): infer B } } ? B : Uint8Array

/** AbortController 的 signal。 */
type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : { readonly aborted: boolean }

/** 小程序与调用者自己的 token，每个调用都可以传。 */
export interface CallCredentials {
  /** 调用者自己的 access_token；原样使用，不缓存、不刷新。 */
  access_token?: string
  /** 其他小程序的 appid。 */
  appid?: string
  /** 其 AppSecret；已配置的小程序不必传。 */
  appsecret?: string
}

/** 单次调用的选项。 */
export interface CallOptions {
  /** 整个调用的时限：毫秒，或 "3 seconds"。默认 4000。 */
  deadline?: number | `${number} seconds`
  /** 单次请求的时限。默认 3000 毫秒。 */
  attemptTimeout?: number | `${number} seconds`
  /** 最多尝试几次；1 表示不重试。默认 3。订阅消息与小程序码从不自动重发。 */
  attempts?: number
  /** 配额已满时：等待（默认），或立即失败。 */
  quota?: "wait" | "fail"
}

/** Promise 接口的单次调用的选项。 */
export interface PromiseOptions extends CallOptions {
  /** 中止调用：抛出 signal 的 reason。已发出的消息可能已送达。 */
  signal?: Signal
}

/** 图片，类型由其内容判断。 */
export interface Image {
  bytes: Uint8Array
  mediaType: "image/png" | "image/jpeg" | "image/gif"
  /** data:image/png;base64,… */
  dataUrl: string
}

/** 图片：字节、Blob 或 File、Web 或 Node 的字节流、base64、base64 编码的 data URL。 */
export type Media =
  | string
  | ArrayBufferLike
  | ArrayBufferView
  | { readonly size: number; readonly arrayBuffer: () => PromiseLike<ArrayBuffer> }
  | {
      readonly getReader: () => {
        readonly read: () => PromiseLike<{ readonly done: boolean; readonly value?: unknown }>
        readonly cancel: () => PromiseLike<void>
      }
    }
  | AsyncIterable<unknown>

/** 处理后的图片在原图中的位置：动图的第几帧（从 0 起），或长图中的区域（像素）。 */
export interface PartOrigin {
  frame?: number
  area?: { left: number; top: number; width: number; height: number }
}

/** 已检测的一张图片。 */
export interface CheckedPart extends PartOrigin {
  risky: boolean
  mediaType: "image/png" | "image/jpeg" | "image/gif"
  width: number
  height: number
  /** 字节数。 */
  size: number
}

/** 处理好的图片。 */
export interface PreparedImage extends PartOrigin {
  bytes: Uint8Array
}

/** 处理好的一张或多张图片。 */
export type Prepared = Uint8Array | PreparedImage | readonly (Uint8Array | PreparedImage)[]

/** 图片处理函数：把图片处理成 QQ 接受的一张或多张，每张不超过 limits。 */
export type ImagePreparer = (
  picture: Uint8Array,
  limits: { readonly maxBytes: number; readonly maxWidth: number; readonly maxHeight: number },
  signal: Signal
) => Prepared | PromiseLike<Prepared>

/** 模板消息。 */
interface TemplateMessage {
  touser: string
  template_id: string
  form_id: string
  page?: string
  data: { [keyword: string]: { value: string | number | boolean | bigint } }
  emphasis_keyword?: string
}

/** 全部接口。 */
export interface Calls {
  auth: {
    /** access_token。通常不需要自己取：每个调用会自动使用。cache: false 强制获取新的。 */
    getAccessToken(input?: { cache?: boolean } & CallCredentials, options?: PromiseOptions): Promise<string>
    /** 用 qq.login 的 code 换取 openid；needKey: true 时返回 session_key（不可下发到客户端）。 */
    code2Session(
      input: { code: string; needKey?: boolean } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ openid: string; session_key?: string; unionid?: string }>
  }
  acode: {
    /** 小程序码。每个小程序一共只有 50 个，请保存复用。path 不以 / 开头。 */
    getMiniCode(input?: { path?: string } & CallCredentials, options?: PromiseOptions): Promise<Image>
  }
  security: {
    /** 文本检测，最长 500 KB。只有 QQ 明确通过才返回 { risky: false }。 */
    msgSecCheck(input: { content: string } & CallCredentials, options?: PromiseOptions): Promise<{ risky: boolean }>
    /**
     * 图片检测：PNG、JPEG、GIF，不超过 1 MB、750 × 1334。media 为字节、Blob、字节流、base64 或 data URL。
     * prepare 为 true 或函数时，先把图片（如手机照片）处理成 QQ 接受的一张或多张，全部通过才算通过。
     */
    imgSecCheck(
      input: ({ media: Media; base64?: undefined } | { base64: string; media?: undefined }) & {
        prepare?: boolean | ImagePreparer
      } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ risky: boolean; parts?: readonly CheckedPart[] }>
    /**
     * 开始检测音频（media_type 1）或图片（2），不超过 10 MB，QQ 从 media_url 读取。只返回 trace_id，QQ 如何通知检测结果未见文档，
     * 请勿仅凭此接口展示内容。该接口的格式与限制来自其他客户端的代码，并非 QQ 现有文档。
     */
    mediaCheckAsync(
      input: { media_url: string; media_type: 1 | 2 } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ trace_id: string }>
  }
  subscribeMessage: {
    /** 订阅消息，每位用户每天一条。结果不明时抛出 OutcomeUnknown，从不自动重发。 */
    send(
      input: {
        touser: string
        template_id: string
        page?: string
        data: { [keyword: string]: { value: string | number | boolean | bigint } }
        emphasis_keyword?: string
        oac_appid?: string
        use_robot?: boolean | 0 | 1
      } & CallCredentials,
      options?: PromiseOptions
    ): Promise<void>
  }
  templateMessage: {
    /** 模板消息，每个 form_id 可发送一条。结果不明时抛出 OutcomeUnknown，从不自动重发。 */
    send(input: TemplateMessage & CallCredentials, options?: PromiseOptions): Promise<void>
  }
  /** QQ 为用户保存的数据。openid 与 session_key 来自该用户最近一次登录，签名由客户端计算。 */
  openData: {
    /** 保存数据，最多 128 项；key 不超过 128 字节，key 与 value 共不超过 1024 字节。 */
    setUserStorage(
      input: {
        openid: string
        session_key: string
        kv_list: readonly { readonly key: string; readonly value: string }[]
      } & CallCredentials,
      options?: PromiseOptions
    ): Promise<void>
    /** 删除 setUserStorage 保存的数据；key 是要删除的键的数组。 */
    removeUserStorage(
      input: { openid: string; session_key: string; key: readonly string[] } & CallCredentials,
      options?: PromiseOptions
    ): Promise<void>
    /** 设置互动数据，value 为整数。该接口的格式来自其他客户端的代码，并非 QQ 现有文档；从不自动重发。 */
    setUserInteractiveData(
      input: {
        openid: string
        session_key: string
        kv_list: readonly { readonly key: string; readonly value: number }[]
      } & CallCredentials,
      options?: PromiseOptions
    ): Promise<void>
  }
  encryption: {
    /** 用户最近的加密密钥（不可下发到客户端）。该接口的格式来自其他客户端的代码，并非 QQ 现有文档。 */
    getUserEncryptKey(
      input: { openid: string; session_key: string } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ readonly key_info_list: readonly UserEncryptKey[] }>
  }
  /** 小游戏支付。openid 与 session_key 来自该用户最近一次登录，签名由客户端计算。 */
  gamePay: {
    /**
     * 下单。bill_no 不超过 63 字节，QQ 不会重复扣款。ts（秒）默认为当前时间，zone_id 默认 "1"，pf 默认
     * qq_m_qq-2001-android-2011；app_remark 请只用 A-Za-z0-9_.-。返回丢失时以同一 bill_no 重发；若 QQ 因此返回 90012，
     * 订单已生成但没有 prepayId，抛出 OutcomeUnknown，请换用新的 bill_no。prepayId 48 小时内有效。
     */
    prePay(
      input: {
        openid: string
        session_key: string
        bill_no: string
        amt: number
        goodid: string
        good_num: number
        ts?: number
        zone_id?: string
        pf?: string
        user_ip?: string
        app_remark?: string
      } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ prepayId: string; token?: string | undefined; extInfo?: string | undefined }>
    /** 查询订单：pay_state 为 1 才是已支付。返回的字段来自其他客户端的代码与 QQ 自己的消息定义。 */
    checkPay(
      input: { openid: string; session_key: string; bill_no: string; prepay_id: string } & CallCredentials,
      options?: PromiseOptions
    ): Promise<PayState>
    /** 查询余额。该接口的格式来自其他客户端的代码，并非 QQ 现有文档。 */
    getBalance(
      input: { openid: string; session_key: string } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ readonly remainder: number }>
  }
  /**
   * 米大师的游戏币。两个签名均由客户端计算。接口的格式来自其他客户端的代码，并非 QQ 现有文档，请先在沙箱（sandbox_env: 1）中测试。
   * 只有 errcode 明确为 0 才是成功。
   */
  midasPay: {
    /** 扣除游戏币，从不自动重发。 */
    pay(
      input: MidasAccount & {
        bill_no: string
        amt: number
        user_ip?: string
        pay_item?: string
        app_remark?: string
      } & CallCredentials,
      options?: PromiseOptions
    ): Promise<MidasPayment>
    /** 查询游戏币余额。 */
    getBalance(input: MidasAccount & CallCredentials, options?: PromiseOptions): Promise<{ readonly remainder: number }>
    /** 赠送游戏币，从不自动重发。 */
    present(
      input: MidasAccount & { bill_no: string; present_counts: number; user_ip?: string } & CallCredentials,
      options?: PromiseOptions
    ): Promise<MidasPresent>
  }
  /**
   * 经由 QQ 代理的微信支付。订单由商户自行签名，body 原样发送，从不自动重发；real_notify_url 是接收支付结果的网址。微信支付拒绝时
   * 抛出 Rejected：code 为 HTTP 状态码，text 以微信的错误码开头。
   */
  wxPayProxy: {
    /** 统一下单（V2，XML），返回微信的全部字段。 */
    unifiedOrder(
      input: { body: string; real_notify_url: string } & CallCredentials,
      options?: PromiseOptions
    ): Promise<{ readonly mweb_url: string; readonly [field: string]: string }>
    /** V3 H5 下单。authorization 是商户的请求头 Authorization，签名时用微信自己的路径，不含 QQ 的参数。 */
    h5(input: WxOrder & CallCredentials, options?: PromiseOptions): Promise<{ readonly h5_url: string }>
    /** V3 服务商 H5 下单。 */
    partnerH5(input: WxOrder & CallCredentials, options?: PromiseOptions): Promise<{ readonly h5_url: string }>
    /** V3 合单 H5 下单。 */
    combineH5(input: WxOrder & CallCredentials, options?: PromiseOptions): Promise<{ readonly h5_url: string }>
  }
}

/** 小游戏订单的状态。 */
export interface PayState {
  /** 1 为已支付。 */
  pay_state: number
  pay_time?: string | number | undefined
  app_remark?: string | undefined
}

/** 米大师各接口共有的参数。 */
export interface MidasAccount {
  openid: string
  session_key: string
  /** 米大师的 AppKey，不是 AppSecret。 */
  app_key: string
  offer_id: string
  /** 秒，默认为当前时间。 */
  ts?: number
  /** 默认 "1"。 */
  zone_id?: string
  /** 默认 qqapp_qq-2001-android-2011-{appid}。 */
  pf?: string
  /** 默认 pfKey。 */
  pfkey?: string
  /** 1 为沙箱，默认 0。 */
  sandbox_env?: 0 | 1
}

/** 扣除游戏币的结果。 */
export interface MidasPayment {
  bill_no?: string | undefined
  /** 余额。 */
  balance: number
  /** 其中赠送币的数量。 */
  used_gen_amt: number
  trade_id?: string | undefined
}

/** 赠送游戏币的结果。 */
export interface MidasPresent {
  bill_no?: string | undefined
  /** 余额。 */
  balance: number
}

/** 商户签名的微信支付 V3 订单。 */
export interface WxOrder {
  /** 签名时的 JSON 文本。 */
  body: string
  authorization: string
  real_notify_url: string
}

/** 用户的加密密钥；时间均为秒。 */
export interface UserEncryptKey {
  /** 密钥，base64。 */
  encrypt_key: string
  iv?: string | undefined
  version: number
  expire_in?: number | undefined
  create_time?: number | undefined
}

/** 其他接口的请求。 */
export interface OtherRequest {
  /** 路径，如 /api/json/group/NewCall；只会发送到 QQ 的主机。 */
  path: string
  /** 默认 POST。 */
  method?: "GET" | "POST"
  /** 查询参数；access_token 由客户端添加。 */
  query?: { [name: string]: string | number | boolean | undefined }
  /** POST 的内容：对象以 JSON 发送，字符串或字节原样发送。 */
  body?: { [name: string]: unknown } | string | Uint8Array
  /** 内容的类型，默认 application/json。 */
  contentType?: string
  /** 没有得到返回时可否重发："repeatable" 可以，"once" 不可以。默认 POST 不可以，GET 可以。 */
  delivery?: "repeatable" | "once"
  /** QQ 对该路径的限制，由客户端遵守，默认没有。 */
  limits?: readonly { readonly max: number; readonly window: "minute" | "day" }[]
  /** 返回 JSON 的字段（默认），或图片等文件的字节。 */
  answer?: "json" | "bytes"
}

/** 一起展示的内容，至少一段文字或一张图片。 */
export interface Post {
  /** 文字，可超过 500 KB。 */
  texts?: readonly string[]
  /** 图片，形式与 imgSecCheck 的 media 相同，每张不超过 32 MB。 */
  images?: readonly Media[]
}

/** 检测整篇内容的选项。 */
export interface PostOptions extends PromiseOptions {
  /** 同时进行的请求数，默认 4，其他调用因此不必等待整篇内容检测完。 */
  concurrency?: number
  /** 发现一处违规即停止，默认 false。 */
  stopAtFirst?: boolean
  /** 是否先处理图片，默认 true。没有图片处理函数时，QQ 接受的图片原样检测，其余为 failed。 */
  prepare?: boolean | ImagePreparer
  /** 单次检测最多多少个字符，不小于 100，更长的文字分段检测。默认只按 500 KB 分段；较新的客户端代码中写有 2500 个字符。 */
  pieceLength?: number
  /** 相邻两段重叠多少个字符，避免词句被切断，默认 300，不超过 pieceLength 的一半。 */
  overlap?: number
}

/** 一段文字或一张图片的结果：只有 passed 可以展示。 */
export type PostVerdict<Place> =
  | { readonly verdict: "passed" }
  /** 违规，以及违规之处：文字的下标，或图片的帧、区域。 */
  | ({ readonly verdict: "risky" } & Place)
  /** 未能检测。 */
  | { readonly verdict: "failed"; readonly error: QQError }
  /** 没有检测完：另有一处违规（stopAtFirst），或时间已到。 */
  | { readonly verdict: "skipped"; readonly because: "risky" | "deadline" }

/** 整篇内容的检测结果，各项与传入的顺序相同。 */
export interface Report {
  /** QQ 明确通过了每一段文字、每一张图片。只有为 true 时才可以展示。 */
  readonly passed: boolean
  /** risky：有违规内容；unchecked：未发现违规，但没有全部检测。 */
  readonly verdict: "passed" | "risky" | "unchecked"
  readonly texts: readonly PostVerdict<{ readonly start: number; readonly end: number }>[]
  readonly images: readonly PostVerdict<PartOrigin>[]
}

/** 全部接口，QQ 的任何其他接口，以及整篇内容的检测。 */
export interface AllCalls extends Calls {
  content: {
    /** 检测整篇内容：一次调用，一个时限，相同的内容只检测一次。参数有误时抛出 QQError，列出全部问题，且未发送任何请求。 */
    check(post: Post & CallCredentials, options?: PostOptions): Promise<Report>
  }
  /**
   * 调用 QQ 的任何其他接口，同样自动使用 access_token、重试、识别错误。errcode、errCode 或 code 不为 0、HTTP 状态不是
   * 2xx、不是 JSON 时抛出 QQError；其余字段是否表示成功，请按该接口的文档判断。
   */
  request(request: OtherRequest & { answer: "bytes" } & CallCredentials, options?: PromiseOptions): Promise<Uint8Array>
  request(request: OtherRequest & CallCredentials, options?: PromiseOptions): Promise<Readonly<Record<string, unknown>>>
}

/** 客户端。 */
export interface PromiseClient extends AllCalls {
  /** 同样的接口，换一个小程序：qq.app("1112345678").security.msgSecCheck({ content })。 */
  app(app: string | { appid: string; appsecret?: string }): AllCalls
  /** 按本地计数，该接口现在还能调用几次。 */
  remaining(call: string, app?: { appid?: string }): Promise<number>
  /** 结束：等待进行中的调用，之后的调用失败。云函数中通常不需要。 */
  close(): Promise<void>
}

/** require("uni-config-center") */
export type ConfigCenter = (options: { pluginId: string }) => {
  config(): unknown
  requireFile(name: string): unknown
}

/** require("uni-open-bridge-common") */
export interface OpenBridge {
  getAccessToken(...args: never[]): Promise<unknown>
  setAccessToken(...args: never[]): Promise<unknown>
  removeAccessToken(...args: never[]): Promise<unknown>
}

/** effect 的值（Effect 或 Layer）：自己编写部件时使用。 */
export interface EffectValue {
  pipe(...operations: ((value: never) => unknown)[]): unknown
}

/** 自己的存储：具有 @qq-mini/core 的 TokenCache 的方法，每个方法返回 Effect。 */
export interface TokenCache {
  read(key: string): EffectValue
  lease(key: string, options: { owner: string; generation: number; ttl: number }): EffectValue
  write(key: string, options: object): EffectValue
  remove(key: string, options: { generation: number }): EffectValue
  release(key: string, options: { owner: string }): EffectValue
}

/** 自己的存储的两个函数；抛出错误时视为存储不可用。 */
export interface StoreFunctions {
  /** 读取该键存放的文本；没有时为 undefined 或 null。 */
  read(key: string): Promise<string | null | undefined>
  /** 存放的文本仍为 previous（undefined 表示没有）时，原子地换成 next，返回是否已换。文本中有 access_token，除非设置了 tokenKey。 */
  replace(key: string, previous: string | undefined, next: string): Promise<boolean>
}

/** 用两个函数组成自己的存储：createQQMini({ store: createTokenStore({ read, replace }) })。 */
export function createTokenStore(functions: StoreFunctions): TokenCache

/** 自己的发送方式：具有 @qq-mini/core 的 Transport 的方法。 */
export interface Transport {
  send(request: object): EffectValue
}

/** 进行全部调用的服务，见 transformClient。 */
export interface ClientService {
  /** 进行一次调用；endpoint.name 是接口名，如 security.msgSecCheck。 */
  call(endpoint: { readonly name: string }, input: unknown, options?: CallOptions): EffectValue
  remaining(endpoint: { readonly name: string }, app?: { appid?: string }): EffectValue
}

/** access_token 的变化。 */
export type TokenEvent =
  /** 已获取，或已提前续期；lifetime 为有效毫秒数，unstored 表示未经过存储。 */
  | {
      readonly _tag: "Fetched" | "Renewed"
      readonly appid: string
      readonly lifetime: number
      readonly unstored: boolean
    }
  /** 未到期即被 QQ 拒绝。 */
  | { readonly _tag: "Invalidated"; readonly appid: string }
  /** 另有服务在获取同一小程序的 access_token。 */
  | { readonly _tag: "Contested"; readonly appid: string; readonly reason: { readonly _tag: string } }
  /** 存储不可用。 */
  | { readonly _tag: "StoreLost"; readonly problem: string }
  /** 存储恢复。 */
  | { readonly _tag: "StoreBack" }

/**
 * access_token 存放处，共用它的实例只获取一次：
 * - "database"：云数据库集合 qq-mini-tokens；
 * - "opendb-open-data"：与 uni-open-bridge、uni-id-co 共用；
 * - "vk-global-data"：与仍在运行的 vk-unicloud 共用，最长使用 240 秒；
 * - "redis"：uniCloud.redis()，配额也共同计数；
 * - "memory"：仅本实例；
 * - require("uni-open-bridge-common")：经由该模块。
 */
export type Store = "database" | "opendb-open-data" | "vk-global-data" | "redis" | "memory" | OpenBridge

/** 按 appid 查询 AppSecret；没有该小程序时为 undefined 或 null。 */
export type AppLookup = (
  appid: string
) => string | null | undefined | PromiseLike<string | null | undefined> | EffectValue

/** createQQMini 的选项。 */
export interface Options {
  /** 默认使用全局 uniCloud。 */
  uniCloud?: object
  /** require("uni-config-center")：从 uni-id/config.json 的 mp-qq.oauth.qq 与 vk-unicloud/index.js 的 vk.oauth.qq.list 读取小程序。 */
  configCenter?: ConfigCenter
  /** 当前应用，uni-id 配置为数组且无法自动得知（定时触发、URL 化）时传入。 */
  dcloudAppid?: string
  /** 默认小程序，优先于配置文件。 */
  appid?: string
  appsecret?: string
  /** 其他小程序：列表，或按 appid 查询 AppSecret 的函数（如查询数据库）；没有该小程序时返回 undefined，再查配置文件。 */
  apps?: { appid: string; appsecret: string }[] | AppLookup
  /** 函数 apps 返回的密钥使用多久（毫秒）后再次查询，默认 300000；被 QQ 拒绝时立即再次查询。 */
  secretTtl?: number
  /**
   * access_token 存放处，默认 "database"；也可以是自己的存储：createTokenStore({ read, replace })，用 effect 编写时为具有 TokenCache
   * 的方法的对象，或提供它的 Layer。
   */
  store?: Store | TokenCache | EffectValue
  /** store 为 "database" 时的集合名。 */
  collection?: string
  /** 在存储中加密 access_token：32 字节，以 base64 或十六进制给出，可用 openssl rand -base64 32 生成。 */
  tokenKey?: string | Uint8Array
  /** 使用 uniCloud.httpclient（默认）或 uniCloud.request。 */
  http?: "httpclient" | "request"
  /** 代替 uniCloud 的 HTTP 发送：具有方法 send 的对象，或提供 Transport 的 Layer；不可自动重发。 */
  transport?: Transport | EffectValue
  /** 包装进行调用的服务：传入原有的，返回要使用的。 */
  transformClient?: (client: ClientService) => ClientService
  /** 图片处理函数，用于 imgSecCheck({ media, prepare: true })。 */
  imagePreparer?: ImagePreparer
  /** access_token 变化时调用，用于日志与监控。 */
  onTokenEvent?: (event: TokenEvent) => void
  /** QQ 的地址，默认 https://api.q.qq.com。 */
  baseUrl?: string
  /** 整个调用的时限，毫秒，默认 4000；云函数默认 5 秒超时，调大时请一并调整云函数的超时时间。 */
  deadline?: number
  /** 单次请求的时限，毫秒，默认 3000。 */
  attemptTimeout?: number
  /** 最多尝试几次，默认 3。 */
  attempts?: number
  /** 云函数剩余的毫秒数；给出时任何调用都不会超过它。 */
  timeLeft?: () => number
}

/** 创建客户端。请在处理函数之外创建一次；第一次调用之前不会做任何事。 */
export function createQQMini(options?: Options): PromiseClient

/** 两种语言的说明。 */
export interface Help {
  readonly en: string
  readonly zh: string
}

/** QQ 拒绝的原因：错误码、QQ 的说明（最长 300 字符，不含密钥），以及该错误码在此接口的含义。 */
type Answered<Tag> = Tag extends string
  ? { readonly _tag: Tag; readonly code: number; readonly text: string; readonly meaning?: Help }
  : never

/** 除 OutcomeUnknown 以外的原因。时间均为毫秒。 */
type Certain =
  | Answered<
      | "WrongSecret"
      | "InvalidAppId"
      | "InvalidToken"
      | "InvalidCode"
      | "PageMissing"
      | "MiniCodesUsedUp"
      | "NotSubscribed"
      | "UserRefused"
      | "SystemBusy"
      | "Rejected"
    >
  /** 请求过于频繁。有 wait 时由客户端拒绝，未发送请求。 */
  | (Answered<"TooFrequent"> & { readonly wait?: number })
  /** 未找到该小程序的 AppSecret。 */
  | { readonly _tag: "UnknownApp"; readonly appid: string | undefined; readonly lookedIn: string }
  /** 查询 AppSecret 的函数失败，也没有记住该小程序的密钥；problem 如 ECONNREFUSED。 */
  | { readonly _tag: "LookupFailed"; readonly problem: string }
  /** 配额已用完。有 code 时是 QQ 的判断；有 wait 时由客户端拒绝，未发送请求，wait 之后再试。 */
  | {
      readonly _tag: "QuotaReached"
      readonly code?: number
      readonly text?: string
      readonly wait?: number
      readonly meaning?: Help
    }
  /** 参数有误；QQ 拒绝时有 code，否则未发送。problems 是全部问题，field 与 problem 是其中第一个。 */
  | {
      readonly _tag: "InvalidInput"
      readonly field: string
      readonly problem: Help
      readonly problems: readonly { readonly field: string; readonly problem: Help }[]
      readonly code?: number
      readonly text?: string
    }
  /** 配置缺失或有误。 */
  | { readonly _tag: "InvalidConfig"; readonly setting: string; readonly problem: Help }
  /** 小程序端传来的数据有误：格式、签名、session_key、被改动、其他小程序的、过期，或种类不符。 */
  | {
      readonly _tag: "UserDataInvalid"
      readonly problem: "format" | "signature" | "key" | "tampered" | "appid" | "age" | "kind"
      readonly field?: string
    }
  /** 无法识别返回内容。 */
  | {
      readonly _tag: "UnreadableAnswer"
      readonly found: string
      readonly status: number
      readonly size: number
      readonly wait?: number
    }
  /** 连接失败；problem 如 ECONNREFUSED。 */
  | { readonly _tag: "ConnectionFailed"; readonly problem: string }
  /** 超时：等待配额或发送、等待 access_token、等待返回。 */
  | { readonly _tag: "TimedOut"; readonly during: "media" | "queue" | "token" | "answer"; readonly limit: number }
  /** access_token 反复提前失效，另有服务在获取。 */
  | {
      readonly _tag: "TokenContested"
      readonly deaths: number
      readonly fetchedAgo: readonly number[]
      readonly ownFetches: number
      readonly wait: number
    }
  /** 存储不可用，内存中也没有可用的 access_token。 */
  | { readonly _tag: "StoreFailed"; readonly operation: string; readonly problem: string }
  /** 客户端已关闭。 */
  | { readonly _tag: "ClientClosed" }

/** 调用失败的原因，以 _tag 区分。 */
export type Reason = (
  | Certain
  /** 无法确定 QQ 是否已执行，请勿直接重发。 */
  | { readonly _tag: "OutcomeUnknown"; readonly because: Certain; readonly meaning?: Help }
) & {
  readonly message: string
  /** 稍后重试是否可能成功。 */
  readonly isRetryable: boolean
  /** 多少毫秒之后重试。 */
  readonly retryAfter: number | undefined
  /** 发生了什么、该怎么做。 */
  readonly help: Help
  /** 失败的事实（英文），不含建议。 */
  readonly detail: string
}

/** 调用失败时抛出的错误。 */
export class QQError extends Error {
  readonly _tag: "QQError"
  /** 接口，如 security.msgSecCheck。 */
  readonly endpoint: string
  /** 小程序 appid。 */
  readonly app: string | undefined
  /** 原因。 */
  readonly reason: Reason
  /** QQ 返回的错误码；QQ 没有给出时为 undefined。 */
  readonly code: number | undefined
  /** 为这次调用发出的请求数，不含获取 access_token 的请求。 */
  readonly attempts: number
  /** 从调用开始到失败的毫秒数。 */
  readonly elapsed: number
  /** 稍后重试是否可能成功。 */
  readonly isRetryable: boolean
  /** 多少毫秒之后重试。 */
  readonly retryAfter: number | undefined
  /** 发生了什么、该怎么做。 */
  readonly help: Help & {
    /** 文档中说明该原因的地址。 */
    readonly url: string
  }
}

/** 是否为 QQError。 */
export function isQQError(error: unknown): error is QQError

/** 云对象的错误返回值。 */
export interface UniError {
  errSubject: string
  errCode: string
  errMsg: string
}

/** vk 云函数的错误返回值。 */
export interface VkError {
  code: number
  msg: string
}

/** 云对象的返回值。不是 QQError 的错误会继续抛出。 */
export function toUniError(error: unknown): UniError

/** vk 云函数的返回值。不是 QQError 的错误会继续抛出。 */
export function toVkError(error: unknown): VkError

/** 小程序得到的明文数据与签名。 */
export interface SignedUserData {
  rawData: string
  signature: string
  /** auth.code2Session 返回的 session_key。 */
  session_key: string
}

/** 小程序得到的加密数据。 */
export interface EncryptedUserData {
  encryptedData: string
  iv: string
  /** auth.code2Session 返回的 session_key。 */
  session_key: string
  /** 自己小程序的 appid；属于其他小程序的数据会被拒绝。 */
  appid: string
  /** 数据的最长有效时间，毫秒。 */
  maxAge?: number
  rawData?: string
  signature?: string
}

/** 解密得到的数据，包含 QQ 返回的全部字段。 */
export interface DecryptedUserData {
  readonly [field: string]: unknown
  readonly watermark: { readonly appid: string; readonly timestamp?: number }
}

/** 校验并解密小程序传来的数据，失败时抛出 QQError（UserDataInvalid）。 */
export const userData: {
  /** 校验 rawData 的签名，返回其中的内容。 */
  verify(signed: SignedUserData): Promise<{ readonly [field: string]: unknown }>
  decrypt(encrypted: EncryptedUserData): Promise<DecryptedUserData>
  /** qq.getUserInfo 的数据。 */
  userInfo(encrypted: EncryptedUserData): Promise<DecryptedUserData & { readonly openId: string }>
  /** 手机号按钮的数据。 */
  phoneNumber(encrypted: EncryptedUserData): Promise<DecryptedUserData & { readonly phoneNumber: string }>
  /** qq.getShareInfo 的数据。 */
  shareInfo(encrypted: EncryptedUserData): Promise<DecryptedUserData & { readonly openGId: string }>
}

/** uni-id-co 登录时存下的 session_key；没有或已过期时为 undefined。不可下发到客户端。 */
export function readSessionKey(database: object, user: { appid: string; openid: string }): Promise<string | undefined>

/** 检测结果。只有 errCode 为 0 才是通过。 */
export interface CheckResult {
  /** 0，或 uni-sec-check-risk-content（违规）等错误码；QQ 的其他错误码为 uni-sec-check-mp-qq-错误码。 */
  errCode: 0 | string
  errMsg: string
}

/** 文本检测的结果。 */
export interface TextCheckResult extends CheckResult {
  /** QQ 检测过才有。QQ 不给出分类，违规时 label 为“未知”。 */
  result?: { suggest: "pass" | "risky"; label: string }
}

/** 与 uni-sec-check 相同形式的内容检测。没有得到 QQ 的答复时抛出 QQError。 */
export class UniSecCheck {
  constructor(options: {
    /** createQQMini 创建的客户端；在处理函数之外创建一次。 */
    qq: Calls
    provider?: string
    /** context.requestId 或 this.getUniCloudRequestId()；一个实例同时处理多个请求时需要。 */
    requestId?: string
    /** DCloud 应用（__UNI__…）；不是由客户端调用时传入，如定时触发。 */
    appId?: string
  })
  /** 错误码。 */
  readonly ErrorCode: {
    readonly SYSTEM_ERROR: "uni-sec-check-system-error"
    readonly RISK_CONTENT: "uni-sec-check-risk-content"
    readonly INVALID_APPID: "uni-sec-check-invalid-appid"
    readonly INVALID_APPSECRET: "uni-sec-check-invalid-appsecret"
    readonly INVALID_ACCESS_TOKEN: "uni-sec-check-invalid-access-token"
    readonly INVALID_FILE_TYPE: "uni-sec-check-invalid-file-type"
    readonly INVALID_IMAGE_SIZE: "uni-sec-check-invalid-image-size"
    readonly INVALID_REQUEST_URL: "uni-sec-check-invalid-request-url"
    readonly INVALID_REQUEST_PARAM: "uni-sec-check-invalid-request-param"
    readonly PARAM_REQUIRED: "uni-sec-check-param-required"
    readonly EMPTY_IMAGE: "uni-sec-check-empty-image"
    readonly EMPTY_CONTENT: "uni-sec-check-empty-content"
    readonly INVOKE_OUT_OF_LIMIT: "uni-sec-check-invoke-out-of-limit"
  }
  /** 文本检测，最长 500 KB。openid、scene、version 可以传，QQ 不需要。 */
  textSecCheck(
    input: { content: string; openid?: string; scene?: number; version?: number },
    options?: PromiseOptions
  ): Promise<TextCheckResult>
  /** 图片检测，立即得到结果。image 为网址、cloud:// 文件 ID、字节、base64 或 data URL。 */
  imgSecCheck(
    input: { image: string | Uint8Array; openid?: string; scene?: number; version?: number },
    options?: PromiseOptions
  ): Promise<CheckResult>
}

/** 发送结果。 */
export interface SendResult {
  /** 0 为已发送，否则为 QQ 的错误码。 */
  errCode: number
  errMsg: string
  /** QQ 的返回。 */
  result: { errcode: number; errmsg: string }
}

/** 与 uni-subscribemsg 相同形式的订阅消息。参数错误、无法确定是否已发送时抛出 QQError；从不重发。 */
export class UniSubscribemsg {
  constructor(options: {
    /** createQQMini 创建的客户端；在处理函数之外创建一次。 */
    qq: Calls
    /** DCloud 应用（__UNI__…），默认为当前应用。 */
    dcloudAppid?: string
    provider?: string
  })
  /** 发送订阅消息。miniprogram_state、lang 可以传，QQ 不需要。 */
  sendSubscribeMessage(
    message: {
      touser: string
      template_id: string
      page?: string
      data: { [keyword: string]: { value: string | number | boolean | bigint } }
      emphasis_keyword?: string
      miniprogram_state?: string
      lang?: string
    },
    options?: PromiseOptions
  ): Promise<SendResult>
  /** 发送模板消息。form_id 由小程序表单的 submit 事件给出，可发送一条。 */
  sendTemplateMessage(message: TemplateMessage, options?: PromiseOptions): Promise<SendResult>
}

/** 群发的一位接收者的消息；各人相同的参数可以写在群发的选项中。 */
export interface RecipientMessage {
  touser: string
  data: { [keyword: string]: { value: string | number | boolean | bigint } }
  template_id?: string
  page?: string
  emphasis_keyword?: string
  oac_appid?: string
  use_robot?: boolean | 0 | 1
}

/** 群发的接收者：数组等可迭代对象，或函数（读取数据库时使用，见 readRecipients）。每次读取的顺序必须相同。 */
export type Recipients<A> =
  | Iterable<A>
  | AsyncIterable<A>
  /** 返回 skip 位接收者之后的接收者；after 为其中最后一位的标记（readRecipients 用它继续）。 */
  | ((skip: number, after: string | undefined) => Iterable<A> | AsyncIterable<A>)

/** 群发的选项。 */
export interface BroadcastOptions<A> {
  /** 群发的名称，不超过 64 个字母、数字、-、_、.。换一个名称就是另一次群发，每个人会再次收到。 */
  id: string
  /** 不传时只能查看与控制，不能开始。 */
  recipients?: Recipients<A>
  /** 由接收者得到消息。默认接收者具有 openid（或 touser），以及 data 或 keyword1、keyword2 …。 */
  message?: (recipient: A) => RecipientMessage
  template_id?: string
  page?: string
  emphasis_keyword?: string
  oac_appid?: string
  use_robot?: boolean | 0 | 1
  /** 发送的小程序，默认为客户端的默认小程序。 */
  appid?: string
  /** 同时发送多少条，默认 16。 */
  concurrency?: number
  /** 每批多少位接收者，1 到 1000，默认 500；开始之后不能改变。 */
  chunkSize?: number
  /** 自己的频率限制。客户端的 store 为 "redis" 时所有实例共同计数，否则每个实例各自计数。 */
  rate?: { max: number; window: "second" | "minute" | "hour" | "day" | number }
  /** 免打扰时段，如 { from: "22:00", to: "08:00" }；timeZone 默认 Asia/Shanghai。 */
  quietHours?: { from: string; to: string; timeZone?: string }
  /** 一条消息的时限，默认与客户端的 deadline 相同。 */
  deadline?: number | `${number} seconds`
}

/** 群发的进度。new、sending、sent、unknown 与 refused 各项之和为 recipients。 */
export interface Progress {
  readonly id: string
  /** loading：名单尚未读完；sending：已读完；paused、cancelled：已暂停、已取消；finished：每位接收者都有结果。 */
  readonly state: "loading" | "sending" | "paused" | "cancelled" | "finished"
  /** 暂停的原因；QQ 拒绝全部消息而暂停时，为 QQError 的 JSON。 */
  readonly why: string
  /** 已读取的行数。 */
  readonly rows: number
  /** 其中有误或重复、未发送的行数，以及前 100 项。 */
  readonly bad: number
  readonly badRows: readonly { readonly line: number; readonly field: string; readonly problem: Help }[]
  /** 接收者数，以及其中已有结果的。 */
  readonly recipients: number
  readonly done: number
  readonly new: number
  readonly sending: number
  readonly sent: number
  /** 无法确定是否已收到，不会自动再次发送。 */
  readonly unknown: number
  /** QQ 拒绝的，按原因计数，如 "NotSubscribed 46001"。 */
  readonly refused: { readonly [reason: string]: number }
}

/** 群发。 */
export interface UniCloudBroadcast {
  readonly id: string
  /**
   * 发送一段时间，并记住进度；反复调用，直到 state 为 finished。budget 为这次最多用多久：毫秒，或 "50 seconds"，应比云函数的超时
   * 时间少几秒；默认为 createQQMini 的 timeLeft，没有时为其 deadline（4 秒）。已暂停、或在此期间不能发送（如免打扰时段）时提前返回。
   */
  step(options?: { budget?: number | `${number} seconds` }): Promise<Progress>
  /** 检查名单的每一行，不发送；名单较大时可能超过云函数的时限。 */
  dryRun(): Promise<Progress>
  /** 所有实例的进度。 */
  progress(): Promise<Progress>
  /** 暂停所有实例，返回之前是否在进行。 */
  pause(): Promise<boolean>
  /** 继续，返回之前是否已暂停。 */
  resume(): Promise<boolean>
  /** 取消，不能恢复。 */
  cancel(): Promise<boolean>
  /** 向结果不明的接收者再次发送，其中有的人可能收到两次。 */
  resendUnknown(): Promise<Progress>
  /** 删除记录。之后以同一名称群发，每个人会再次收到。 */
  remove(): Promise<void>
}

/**
 * 群发订阅消息，每位接收者最多一次：由定时触发器反复调用 step。进度记在云数据库的集合 qq-mini-broadcasts。qq 为 createQQMini
 * 创建的客户端；请在处理函数之外创建一次，发送之前不会做任何事。
 */
export function createBroadcast<A>(qq: PromiseClient, options: BroadcastOptions<A>): UniCloudBroadcast

/**
 * 以云数据库集合中的文档为接收者，按 _id 的顺序，每次读取 500 条，从上一条的 _id 之后继续（不使用 skip）。where 为各字段的条件，可以
 * 包含 db.command，不含 _id；field 为要读取的字段，默认全部。_id 须为字符串；请为 where 的字段与 _id 建立组合索引。
 */
export function readRecipients(
  database: object,
  collection: string,
  options?: { where?: { readonly [field: string]: unknown }; field?: { readonly [field: string]: true } }
): (skip: number, after: string | undefined) => AsyncIterable<any>

/** QQ 登录的用户。sessionKey 不可下发到客户端。 */
export interface QQAccount {
  openid: string
  unionid?: string
  sessionKey?: string
  errCode: 0
  errMsg: string
}

/** initQQ 的返回值。 */
export interface QQLogin {
  code2Session(input: { code: string }): Promise<QQAccount>
}

/** initQQ 的 this：云对象 uni-id-co。 */
export interface UniIdCo {
  readonly clientPlatform?: string
  readonly getClientInfo?: () => { readonly appId?: string }
}

/** uni-id-co 的 initQQ。original 为原来的 initQQ，用于 QQ 小程序以外的平台。 */
export function createInitQQ<A = never, Co extends UniIdCo = UniIdCo>(
  qq: Calls,
  original?: (this: Co) => A
): (this: Co) => QQLogin | A

/** vk 的返回值：QQ 原有字段，以及 code 与 msg。 */
export interface VkResult {
  code: number
  msg: string
  [field: string]: any
}

/** vk 风格的接口。 */
export type VkCall = (input?: { [parameter: string]: any }) => Promise<VkResult>

/** createVkOpenapiQQ 的选项。 */
export interface VkOptions extends Omit<Options, "apps" | "secretTtl" | "imagePreparer"> {
  /** 其他小程序；vk 的 getAppidInfo 是同步的，因此只能是列表。 */
  apps?: { appid: string; appsecret: string }[]
  /** 加密 encryptedKey 的密钥，默认取 vk 配置的 vk.crypto.aes。 */
  aesKey?: string
  /** 与 vk 有意不同之处的开关：true 为 vk 的做法。 */
  compat?: {
    /** 文本检测以表单发送，默认 true；false 为 JSON。 */
    formTextCheck?: boolean
    /** 忽略字符串 access_token，默认 false。 */
    ignoreAccessToken?: boolean
    /** getMiniCode 忽略 page，只看 path，默认 false。 */
    ignorePage?: boolean
    /** 把 appid 写入调用者传入的对象，默认 false。 */
    mutateInput?: boolean
    /** access_token 失效时不刷新，任何调用都不重试，默认 false。 */
    noRetries?: boolean
    /** encryptedKey 中有 AppSecret（会下发到客户端，不建议），默认 false。 */
    secretInEncryptedKey?: boolean
    /** code2SessionMpQQ 的返回值中有 appsecret，默认 false。 */
    secretInSession?: boolean
    /** 配额已满时仍然发送，默认 false。 */
    sendOverQuota?: boolean
    /** QQ 会拒绝的参数也发送，默认 false。 */
    sendUnchecked?: boolean
  }
  /** 整个调用的时限，毫秒，默认 60000，与 vk 相同；给出 timeLeft 时不超过剩余时间。 */
  deadline?: number
  /** 单次请求的时限，毫秒，默认与 deadline 相同。 */
  attemptTimeout?: number
}

/** 要上传的文件：内容、路径或流。 */
export type VkFile = Uint8Array | string | AsyncIterable<Uint8Array>

/** vk.openapi.qq.request 的参数。 */
export interface VkRequest {
  /** 路径，或 QQ 的完整网址；其他主机不会被调用。 */
  url: string
  /** 默认 POST。 */
  method?: string
  /** GET 的查询参数，或 POST 的内容；access_token: true 表示在网址中加入小程序的 access_token。 */
  data?: { [parameter: string]: any } | string | Uint8Array
  /** 整个内容，代替 data。 */
  content?: string | Uint8Array
  /** 以 JSON 发送 data。 */
  useContent?: boolean
  headers?: { [name: string]: string }
  /** 与 data 一起以 multipart 发送的文件。 */
  files?: VkFile | VkFile[] | { [field: string]: VkFile }
  /** 默认 json；返回不是 JSON 时，text 放在返回值的 data 中，其他为 Buffer。 */
  dataType?: string
  /** 时限，毫秒；两个数分别用于连接与等待返回。 */
  timeout?: number | number[]
  contentType?: "form" | "json"
  /** 同 data.access_token。 */
  access_token?: boolean | string
  appid?: string
  appsecret?: string
}

/** 与 vk.openapi.qq 同名、同参数、同返回值的接口；其余接口也按同样的约定出现在这里。 */
export interface VkOpenapiQQ {
  init(util?: any): void
  /** 当前应用的 uni-id 配置（含密钥）。 */
  getConfig(): any
  request(options: VkRequest): Promise<VkResult>
  auth: {
    getAppidInfo(input?: { appid?: string; appsecret?: string }): { appid: string; appsecret: string }
    /** 获取新的：{ code: 0, msg: "ok", access_token, expires_in }，或 { code, msg, err }。 */
    getAccessTokenFn: VkCall
    getAccessToken(input?: { cache?: boolean; appid?: string; appsecret?: string }): Promise<string | undefined>
    /** 设置了 vk.crypto.aes（或 aesKey）时另有 encryptedKey。 */
    code2Session: VkCall
    /** 总有 sessionKey（不可下发到客户端），没有 platform 与 encryptedKey。 */
    code2SessionMpQQ: VkCall
  }
  security: { msgSecCheck: VkCall; imgSecCheck: VkCall; mediaCheckAsync: VkCall }
  acode: {
    /** 成功时为带有 code: 0 与 msg: "" 的 Buffer。 */
    getMiniCode(input?: { [parameter: string]: any }): Promise<(NodeBuffer & { code: 0; msg: "" }) | VkResult>
  }
  subscribeMessage: { send: VkCall }
  /** vk 没有的接口；参数与返回值同样按 vk 的方式。 */
  templateMessage: { send: VkCall }
  openData: { setUserStorage: VkCall; removeUserStorage: VkCall; setUserInteractiveData: VkCall }
  encryption: { getUserEncryptKey: VkCall }
  gamePay: { prePay: VkCall; checkPay: VkCall; getBalance: VkCall }
  midasPay: { pay: VkCall; getBalance: VkCall; present: VkCall }
  wxPayProxy: { unifiedOrder: VkCall; h5: VkCall; partnerH5: VkCall; combineH5: VkCall }
}

/** vk.openapi.qq = createVkOpenapiQQ()。默认与仍在运行的 vk 共用 vk-global-data 中的 token。 */
export function createVkOpenapiQQ(options?: VkOptions): VkOpenapiQQ

/** 游戏支付成功后 QQ 发来的通知。 */
export interface PayNotification {
  openid: string
  /** 您的订单号，与预下单时相同。 */
  bill_no: string
  /** 金额，请与订单核对。 */
  amt: number
  /** QQ 给出的时间，秒。 */
  ts: number
  /** 预下单时的备注；没有时为 ""。 */
  app_remark: string
  sig: string
  /** QQ 发来的全部参数。 */
  parameters: readonly (readonly [name: string, value: string])[]
}

/** QQ 的推送。推送没有公开的签名，不可仅凭推送认定事实。 */
export type Push =
  /** 游戏的 form_id；Content 原样保留。 */
  | {
      readonly _tag: "GameFormId"
      readonly OpenId: string
      readonly MsgId: string
      readonly Content: string
      readonly CreateTime: number | undefined
      readonly fields: { readonly [field: string]: unknown }
    }
  /** 未知的类型，保留全部字段。 */
  | {
      readonly _tag: "UnknownPush"
      readonly MsgType: string
      readonly MsgId: string | undefined
      readonly fields: { readonly [field: string]: unknown }
    }

/** URL 化的云函数收到的事件。 */
export interface UrlEvent {
  httpMethod?: string
  path?: string
  body?: unknown
  isBase64Encoded?: boolean
}

/** URL 化的云函数的返回值（集成响应）。 */
export interface UrlAnswer {
  mpserverlessComposedResponse: true
  isBase64Encoded: false
  statusCode: number
  headers: { "content-type": string }
  body: string
}

/** URL 化的云函数的处理函数：exports.main = payNotificationHandler({ … })。 */
export type UrlHandler = (event: UrlEvent) => Promise<UrlAnswer>

/** 记住已处理消息之处："database"（默认，集合 qq-mini-tokens）、"redis"，或 "memory"（仅本实例）。 */
export type PushStoreName = "database" | "redis" | "memory"

/** 支付通知处理函数的选项。 */
export interface PayNotificationHandlerOptions {
  appid: string
  /** 用于验证签名。 */
  appsecret: string
  /** 在 QQ 登记的回调地址的完整路径，如 "/paid"，参与签名。 */
  path: string
  /** 每笔真实的支付调用一次；抛出错误时 QQ 会再次通知。请核对金额，并只修改尚未支付的订单。 */
  onPaid(payment: PayNotification): unknown
  store?: PushStoreName | object
}

/** 推送处理函数的选项。 */
export interface PushHandlerOptions {
  /** 每条推送调用一次；抛出错误时请 QQ 再次推送。 */
  onPush(push: Push): unknown
  store?: PushStoreName | object
}

/** 支付通知：验证签名，去重，调用 onPaid，并按 QQ 的要求应答。 */
export function payNotificationHandler(options: PayNotificationHandlerOptions): UrlHandler

/** 推送：去重，调用 onPush，并应答。请使用他人猜不到的地址。 */
export function pushHandler(options: PushHandlerOptions): UrlHandler
