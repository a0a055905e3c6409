/** What `qq-mini session` does. */
import { code2Session } from "@qq-mini/core/Auth"
import * as Effect from "effect/Effect"
import { withClient } from "../frame/client.ts"
import { textOrStdin } from "../frame/input.ts"
import { print, table } from "../frame/output.ts"
import { shownSecret } from "../frame/secret.ts"
import * as Settings from "../frame/Settings.ts"

/** Runs the command. */
export const run = Effect.fnUntraced(function* ({ code, show }: { readonly code: string; readonly show: boolean }) {
  const settings = yield* Settings.read
  const session = yield* code2Session({ code: yield* textOrStdin(code), needKey: true }).pipe(withClient(settings))
  const { openid, session_key, unionid } = session
  const shown = session_key && shownSecret(session_key, show)
  yield* print(
    { openid, unionid, session_key: shown },
    table([
      ["openid", openid],
      ["unionid", unionid],
      ["session_key", shown]
    ])
  )
})
