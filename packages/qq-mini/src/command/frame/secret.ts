/** How secrets are shown: their end and length, unless the user asks for all. */
import * as Redacted from "effect/Redacted"
import { both, isJson, say } from "./invocation.ts"

/** The secret if `show` is set. Otherwise its last 4 characters, enough to tell two tokens apart. */
export const shownSecret = (secret: Redacted.Redacted<string>, show: boolean): string => {
  const value = Redacted.value(secret)
  if (show) return value
  const end = value.length < 20 ? "" : value.slice(-4)
  if (isJson) return `…${end}`
  return `…${end} ${say(both(`(${value.length} characters, --show shows all)`, `（${value.length} 个字符，--show 显示全部）`))}`
}
