/** What `qq-mini token` does. */
import { getAccessToken } from "@qq-mini/core/Auth"
import type { QQError } from "@qq-mini/core/QQError"
import { TokenCache } from "@qq-mini/core/TokenCache"
import { storeByName } from "@qq-mini/node/NodeQQMini"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { confirm } from "../frame/ask.ts"
import { appidOf, withClient } from "../frame/client.ts"
import { both, say } from "../frame/invocation.ts"
import { note, print, table } from "../frame/output.ts"
import { shownSecret } from "../frame/secret.ts"
import * as Settings from "../frame/Settings.ts"
import { nameOfStore } from "../frame/store.ts"

/** When the token expires, as the store or QQ said last. */
interface Seen {
  expiresAt?: number
}

/** The store of the settings, watched for the expiry of its token. */
const watchedStore = (name: string | undefined, seen: Seen): Layer.Layer<TokenCache, QQError> | undefined => {
  const store = storeByName(name)
  const see = (expiresIn: number) =>
    Effect.map(Clock.currentTimeMillis, (now) => void (seen.expiresAt = now + expiresIn))
  const watched = Effect.map(TokenCache, (cache) =>
    TokenCache.of({
      ...cache,
      read: (key) =>
        Effect.tap(cache.read(key), (slot) => (slot.token === undefined ? Effect.void : see(slot.expiresIn))),
      write: (key, options) => Effect.andThen(see(options.ttl), cache.write(key, options))
    })
  )
  return store && Layer.provideMerge(Layer.effect(TokenCache, watched), store)
}

const question = both(
  "Fetch a new token? QQ makes the old one invalid after 5 minutes: programs that don't share this store, and use it, will fail then.",
  "获取新的 token？旧 token 将在 5 分钟后失效，未共用此存储而正在使用它的程序届时会出错。"
)

const timeLeft = (millis: number) => {
  const minutes = Math.floor(millis / 60_000)
  return minutes === 0
    ? both(`${Math.round(millis / 1_000)} s`, `${Math.round(millis / 1_000)} 秒`)
    : both(`${minutes} min`, `${minutes} 分钟`)
}

/** Runs the command. */
export const run = Effect.fnUntraced(function* (flags: {
  readonly show: boolean
  readonly refresh: boolean
  readonly yes: boolean
}) {
  const settings = yield* Settings.read
  if (flags.refresh && !(yield* confirm(question, flags.yes))) {
    return yield* note(both("Nothing was changed.", "未做任何更改。"))
  }
  const seen: Seen = {}
  const store = watchedStore(settings.values.QQ_STORE, seen)
  const token = yield* getAccessToken({ cache: !flags.refresh }).pipe(
    withClient(settings, store === undefined ? {} : { store })
  )
  const now = yield* Clock.currentTimeMillis
  const expiresIn = seen.expiresAt === undefined ? undefined : Math.max(0, seen.expiresAt - now)
  const where = yield* nameOfStore(settings)
  const appid = yield* appidOf(settings)
  const shown = shownSecret(token, flags.show)
  const left = expiresIn === undefined ? both("unknown", "未知") : timeLeft(expiresIn)
  yield* print(
    {
      appid,
      access_token: shown,
      expires_in: expiresIn === undefined ? undefined : Math.floor(expiresIn / 1_000),
      store: where
    },
    table([
      [say(both("program", "小程序")), appid],
      ["access_token", shown],
      [say(both("expires in", "剩余时间")), say(left)],
      [say(both("store", "存储")), where]
    ])
  )
})
