/** A project with Node's types. Every `@ts-expect-error` is a mistake that the editor must show. */
"use strict"

const { createInitQQ, createQQMini, createVkOpenapiQQ, isQQError, UniSecCheck, UniSubscribemsg } = require("qq-mini")

const qq = createQQMini({
  appid: "1112345678",
  appsecret: "secret",
  store: {
    read: () => ({ pipe: () => {} }),
    lease: () => ({ pipe: () => {} }),
    write: () => ({ pipe: () => {} }),
    remove: () => ({ pipe: () => {} }),
    release: () => ({ pipe: () => {} })
  },
  tokenKey: Buffer.alloc(32),
  onTokenEvent: (event) => {
    if (event._tag === "Fetched") console.log(event.appid.length, event.lifetime.toFixed())
    // @ts-expect-error only a fetched token has a lifetime
    else console.log(event.lifetime)
  }
})
// @ts-expect-error there is no such store
createQQMini({ store: "mongo" })

const main = async () => {
  const { signal } = new AbortController()
  const { bytes } = await qq.acode.getMiniCode({ path: "pages/index/index" }, { signal, deadline: "3 seconds" })
  const { risky } = await qq.security.imgSecCheck({ media: Buffer.from(bytes) }, { signal })
  // @ts-expect-error a signal is not its controller
  await qq.security.msgSecCheck({ content: "x" }, { signal: new AbortController() })
  // @ts-expect-error the content is missing
  await qq.security.msgSecCheck({})

  const report = await qq.content.check({ texts: ["x"], images: [bytes] }, { stopAtFirst: true, signal })
  // @ts-expect-error only a text that failed has an error
  for (const text of report.texts) console.log(text.error)
  for (const one of report.images) if (one.verdict === "failed") console.log(one.error.help.zh, report.passed)

  const image = await createVkOpenapiQQ().acode.getMiniCode({ path: "x" })
  if (Buffer.isBuffer(image)) console.log(image.readUInt8(0), image.code)

  const check = new UniSecCheck({ qq, provider: "mp-qq", requestId: "r" })
  const { errCode, result } = await check.textSecCheck({ content: "x", version: 2 })
  console.log(errCode === check.ErrorCode.RISK_CONTENT, result?.suggest === "risky", risky)
  const messages = new UniSubscribemsg({ qq, provider: "qq-mp" })
  const data = { keyword1: { value: 1 } }
  const sent = await messages.sendSubscribeMessage({ touser: "o", template_id: "t", data })
  console.log(sent.errCode.toFixed())
  const account = await createInitQQ(qq).call({ clientPlatform: "mp-qq" }).code2Session({ code: "c" })
  console.log(account.sessionKey?.length)
}

main().catch((error) => {
  if (!isQQError(error)) throw error
  const { reason } = error
  switch (reason._tag) {
    case "InvalidInput":
      return console.log(reason.field.length, reason.problem.zh)
    case "NotSubscribed":
      return console.log(reason.code.toFixed(), reason.text.length)
    case "TimedOut":
      return console.log(reason.limit.toFixed(), reason.during === "token")
    case "OutcomeUnknown":
      return console.log(reason.because._tag.length)
    // @ts-expect-error there is no such reason
    case "Nothing":
      return undefined
    case "ConnectionFailed":
      // @ts-expect-error nobody answered
      return console.log(reason.code)
    default:
      return console.log(error.help.zh, error.retryAfter?.toFixed())
  }
})
