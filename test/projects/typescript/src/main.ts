import { createQQMini } from "qq-mini"
import { check } from "./check.ts"

const qq = createQQMini() // with QQ_APPID and QQ_APPSECRET
for (const text of process.argv.slice(2)) {
  console.log(JSON.stringify(await check(qq, text, AbortSignal.timeout(10_000))))
}
await qq.close()
