/**
 * QQ's server API as an OpenAPI 3.1 document, from the values of the endpoints. The file `openapi.json` is written by
 *
 *     npx -y pnpm@12.21.0 --filter @qq-mini/sandbox openapi
 */
import { type Code, codes, fromCode } from "@qq-mini/core/Code"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import { Settings } from "@qq-mini/core/QQMini"
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { refusals, responsesOf } from "./answer.ts"
import { requestOf } from "./request.ts"
import type { Document, Operation } from "./types.ts"
import { both, callOf, commonCodesOfOthers, groupWords } from "./words.ts"

const codesOf = (entries: ReadonlyArray<Code>, isOfOthers: (code: number) => boolean) =>
  entries.map((entry) => {
    const reason = fromCode(entries, entry.code, "")
    const { en, zh } = entry.help ?? reason.help
    return {
      code: entry.code,
      reason: reason._tag,
      ...(entry.field === undefined ? {} : { field: entry.field }),
      isRetryable: reason.isRetryable,
      meaning: { en, zh },
      certainty: isOfOthers(entry.code) ? "other-clients" : "documented"
    }
  })

const operationOf = async (group: string, endpoint: Any): Promise<Operation> => {
  const { codes: own, delivery, ifUnknown, name, quota } = endpoint
  const { certainty, codesOfOthers = [], note, source, summary } = callOf(name)
  const isOfOthers = (code: number) => codesOfOthers.includes(code) || !certainty.codes.includes("documented")
  const request = await requestOf(endpoint)
  const [contentType] = Object.keys(request.requestBody?.content ?? {})
  return {
    operationId: name,
    tags: [group],
    summary: `${summary.en} · ${summary.zh}`,
    description: both({
      en: [`${summary.en}.`, note?.en, source === undefined ? "Not documented by QQ." : `Source: ${source.en}.`]
        .filter(Boolean)
        .join(" "),
      zh: [`${summary.zh}。`, note?.zh, source === undefined ? "QQ 文档未说明该接口。" : `来源：${source.zh}。`]
        .filter(Boolean)
        .join("")
    }),
    ...request,
    responses: responsesOf(endpoint, contentType),
    ...(own === undefined ? {} : { "x-codes": codesOf(own, isOfOthers) }),
    ...(quota === undefined ? {} : { "x-rate-limits": quota }),
    "x-delivery": delivery,
    ...(ifUnknown === undefined ? {} : { "x-if-unknown": ifUnknown }),
    "x-certainty": certainty
  }
}

const description = both({
  en: [
    "The server API of QQ's mini programs, as qq-mini knows it. QQ publishes no such document: this one is made from the client's own definitions.",
    "The field `errcode` (`errCode` of the two checks) says whether QQ refused a call, whatever the HTTP status is. 0 is a success. The gateway before QQ was seen to answer with the field `code` instead.",
    "`x-codes` are the known codes: those of a call first, then those of the whole document. `x-rate-limits` are QQ's limits, and who enforces them: qq-mini's client or QQ. `x-delivery` says whether a call may be sent again after its answer was lost: `repeatable`, `singleUse` (its code may be used up) or `once` (never). `x-certainty` says how each part is known: `documented` by QQ, `captured` in a real answer, from `other-clients` or QQ's published `message-types`, `inferred`, or `unknown`."
  ].join("\n\n"),
  zh: [
    "QQ 小程序服务端 API。QQ 没有发布这样的文档，本文档由 qq-mini 客户端的接口定义生成。",
    "无论 HTTP 状态码如何，是否失败以 `errcode`（两个内容安全接口为 `errCode`）为准，0 为成功。QQ 网关出错时曾返回字段 `code`。",
    "`x-codes` 为已知错误码，先查接口自身的，再查全文档的。`x-rate-limits` 为 QQ 的频率限制，以及由谁执行：qq-mini 客户端或 QQ。`x-delivery` 表示丢失返回后能否重发：`repeatable` 可重发，`singleUse` 其凭据可能已被使用，`once` 不可重发。`x-certainty` 表示各部分的依据：`documented` QQ 文档，`captured` 真实返回，`other-clients` 其他客户端，`message-types` QQ 公开的消息类型，`inferred` 推断，`unknown` 未知。"
  ].join("\n\n")
})

const apiKey = (name: string, en: string, zh: string) => ({
  type: "apiKey",
  in: "query",
  name,
  description: both({ en, zh })
})

const securitySchemes = {
  access_token: apiKey(
    "access_token",
    "The token of `auth.getAccessToken`.",
    "`auth.getAccessToken` 返回的 access_token。"
  ),
  appid: apiKey("appid", "The appid of the program.", "小程序的 appid。"),
  appsecret: apiKey("secret", "The AppSecret of the program.", "小程序的 AppSecret。"),
  merchant: {
    type: "http",
    scheme: "WECHATPAY2-SHA256-RSA2048",
    description: both({
      en: "The merchant's signature of WeChat Pay. It signs WeChat Pay's own path, without QQ's query.",
      zh: "商户的微信支付签名，对微信支付自身的路径签名，不含 QQ 的查询参数。"
    })
  }
}

/** Makes the document. */
export const make = async (): Promise<Document> => {
  const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8")
  const paths: Record<string, Record<string, Operation>> = {}
  for (const [group, endpoints] of Object.entries(groups)) {
    for (const endpoint of Object.values<Any>(endpoints)) {
      paths[endpoint.path] = { [endpoint.method.toLowerCase()]: await operationOf(group, endpoint) }
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "QQ mini-program server API · QQ 小程序服务端 API",
      version: (JSON.parse(manifest) as { readonly version: string }).version,
      description
    },
    servers: [
      { url: Settings.defaultValue().baseUrl, description: "QQ" },
      {
        url: "http://127.0.0.1:{port}",
        description: both({ en: "The sandbox on this machine", zh: "本机沙箱" }),
        variables: { port: { default: "8080" } }
      }
    ],
    tags: Object.keys(groups).map((name) => ({ name, description: both(groupWords[name]!) })),
    paths,
    components: { schemas: refusals, securitySchemes },
    "x-codes": codesOf(codes, (code) => commonCodesOfOthers.includes(code))
  }
}

/** The file of the document. */
export const file = fileURLToPath(new URL("../openapi.json", import.meta.url))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(file, `${JSON.stringify(await make(), undefined, 2)}\n`)
}
