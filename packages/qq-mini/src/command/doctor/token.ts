/**
 * The checks of a program's secret and of its token. They never end a token that others use: a token in the store is only
 * tried, and QQ is asked for one if there is none, or if the user wants it.
 */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Contest from "@qq-mini/core/adapter/contest"
import type { AppCredentials } from "@qq-mini/core/App"
import { isQQError, type QQError, type Reason } from "@qq-mini/core/QQError"
import type * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import type { Slot } from "@qq-mini/core/TokenCache"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { both } from "../frame/invocation.ts"
import { after, failed, type Finding, ok, problem, skipped, warning } from "./Finding.ts"
import type { Examined } from "./store.ts"
import { baseUrlOf, type Subject } from "./Subject.ts"

// How long QQ may take (ms). Shorter than the deadline of a check.
const withinMillis = 8_000

/** What was found of the secret and of the token. */
type Found = readonly [secret: Finding, contest: Finding]

const minutes = (millis: number) => Math.max(1, Math.round(millis / 60_000))

/** QQ documents no list of addresses that may call it, but says so if it has one. */
const namesAddressList = (reason: Reason): boolean =>
  "code" in reason && (reason.code === 40164 || /white\W?list|allow\W?list|白名单/i.test(String(reason.text)))

const busy = /^(SystemBusy|TooFrequent|QuotaReached)$/

/** The finding of a refusal. */
const refused = (appid: string, reason: Reason): Finding => {
  const code = "code" in reason && reason.code !== undefined ? { code: reason.code } : {}
  const found = failed(
    "secret",
    both(
      `QQ does not confirm the secret of ${appid} (${reason._tag}).`,
      `QQ 未确认 ${appid} 的密钥（${reason._tag}）。`
    ),
    reason,
    { appid, ...code }
  )
  if (namesAddressList(reason)) {
    return {
      ...found,
      says: both(
        `QQ does not accept calls for ${appid} from this machine's address.`,
        `QQ 不接受本机 IP 对 ${appid} 的调用。`
      ),
      mend: both(
        `Add this machine's public address to the IP allow-list at q.qq.com > Development > Settings. ${reason.detail}`,
        `请在 q.qq.com“开发 > 开发设置”的 IP 白名单中加入本机的公网 IP。${reason.detail}`
      )
    }
  }
  return busy.test(reason._tag) ? { ...found, state: "warning" } : found
}

const noEvidence = (appid: string): Finding =>
  ok(
    "contest",
    both(
      `Nobody else ends the tokens of ${appid}, as far as the store shows.`,
      `从存储看，没有其他服务使 ${appid} 的 token 失效。`
    ),
    { appid }
  )

/** What the store remembers of tokens that ended early. */
const remembered = (appid: string, slot: Slot): Finding => {
  if (slot.generation === 0) {
    return skipped(
      "contest",
      both(`The store has had no token of ${appid} so far.`, `存储中尚无 ${appid} 的 token 记录。`)
    )
  }
  const history = Contest.read(slot)
  if (history.deaths === 0) return noEvidence(appid)
  const { wait } = Contest.afterEarlyDeath(history, slot.now)
  const { detail: _, fetchedAgo, help } = Contest.reasonOf({ history, wait }, slot.now, 0)
  return (wait > 0 ? problem : warning)(
    "contest",
    both(
      `The last ${history.deaths} tokens of ${appid} ended before their time.`,
      `${appid} 最近 ${history.deaths} 个 token 提前失效。`
    ),
    help,
    { appid, deaths: history.deaths, fetchedAgo }
  )
}

const replaced = (appid: string): Finding =>
  problem(
    "contest",
    both(
      `QQ refuses the stored token of ${appid} before its time: another client has fetched one.`,
      `存储中 ${appid} 的 token 未到期即被 QQ 拒绝：另有客户端获取了新的 token。`
    ),
    both(
      "Find what else fetches tokens for this appid (an old server, a test machine, vk-unicloud), and stop it or let it share this store (QQ_STORE). If your app encrypts its tokens, set QQ_TOKEN_KEY here too.",
      "请找到还有哪些服务在用此 appid 获取 token（旧服务器、测试机、vk-unicloud 等），停用它，或让它共用此存储（QQ_STORE）。若应用加密存放 token，此处也须设置 QQ_TOKEN_KEY。"
    ),
    { appid }
  )

const otherKey = (appid: string): Finding =>
  problem(
    "secret",
    both(
      `The stored token of ${appid} is encrypted with another key, so QQ is not asked.`,
      `存储中 ${appid} 的 token 是用另一个密钥加密的，因此不向 QQ 获取。`
    ),
    both(
      "Set QQ_TOKEN_KEY to the key that your app uses. Two clients with two keys end each other's tokens.",
      "请将 QQ_TOKEN_KEY 设为应用所用的密钥：密钥不同的客户端会互相使对方的 token 失效。"
    ),
    { appid }
  )

const clientOf = (subject: Subject, app: AppCredentials, store: NodeQQMini.Options["store"]) => {
  const { proxy } = subject.settings.options
  return NodeQQMini.layer({
    ...app,
    baseUrl: baseUrlOf(subject),
    store,
    ...(typeof proxy === "string" ? { proxy } : {})
  })
}

type Client = Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError>

/** Tries the token of the store with the cheapest call, one check of two letters. */
const tryStored = (client: Client, app: AppCredentials, slot: Slot, token: Redacted.Redacted<string>) =>
  Effect.match(
    // QQ decides at once about a token that the caller gives: the client does not renew it.
    Effect.provide(Security.msgSecCheck({ content: "ok", access_token: Redacted.value(token) }), client),
    {
      onFailure: (error): Found => {
        const { reason } = error
        if (reason._tag !== "InvalidToken") return [refused(app.appid, reason), remembered(app.appid, slot)]
        return [
          skipped(
            "secret",
            both("The stored token is dead, so it shows nothing.", "存储中的 token 已失效，无法据此判断。"),
            again
          ),
          replaced(app.appid)
        ]
      },
      onSuccess: (): Found => [
        ok(
          "secret",
          both(
            `QQ accepts the stored token of ${app.appid}, which is valid for ${minutes(slot.expiresIn)} min more.`,
            `QQ 接受存储中 ${app.appid} 的 token，还有 ${minutes(slot.expiresIn)} 分钟有效。`
          ),
          { appid: app.appid, asked: false, expiresIn: Math.round(slot.expiresIn) }
        ),
        remembered(app.appid, slot)
      ]
    }
  )

const again = both(
  "To ask QQ for a new token: qq-mini doctor --fetch. The present one then ends within 5 minutes.",
  "如需向 QQ 获取新的 token：qq-mini doctor --fetch。当前 token 随后在 5 分钟内失效。"
)

/** Asks QQ for a token and stores it. */
const ask = (client: Client, app: AppCredentials, fresh: boolean, slot: Slot | undefined) =>
  Effect.match(
    Effect.provide(
      Effect.flatMap(AccessToken.AccessToken, (tokens) => tokens[fresh ? "refresh" : "get"](app, withinMillis)),
      client
    ),
    {
      onFailure: (error): Found => {
        const { appid } = app
        const reason = isQQError(error) ? error.reason : error
        const contest = slot === undefined ? noEvidence(appid) : remembered(appid, slot)
        if (reason._tag !== "TokenContested") return [refused(appid, reason), contest]
        const says = both(
          `The tokens of ${appid} are contested, so QQ is not asked.`,
          `${appid} 的 token 存在争用，暂不向 QQ 获取。`
        )
        return [skipped("secret", says), contest]
      },
      onSuccess: (): Found => [
        ok("secret", both(`QQ gives a token for ${app.appid}.`, `QQ 已给出 ${app.appid} 的 token。`), {
          appid: app.appid,
          asked: true
        }),
        slot === undefined ? noEvidence(app.appid) : remembered(app.appid, slot)
      ]
    }
  )

const notAsked = both(
  "Not checked: with the store memory, a new token would end those of your running processes.",
  "未检查：使用 memory 存储时，获取新的 token 会使正在运行的进程的 token 失效。"
)

/** Checks a program's secret, and whether others fetch tokens for it. */
export const token = (
  subject: Subject,
  { cache, isShared, raw }: Examined,
  app: AppCredentials
): Effect.Effect<Found> => {
  const contest = skipped(
    "contest",
    isShared || cache !== undefined
      ? both("Needs a store that can be used.", "需要可用的存储。")
      : both("Not checked: the store memory remembers nothing.", "未检查：memory 存储不保留记录。")
  )
  if (cache === undefined) {
    if (isShared) {
      return Effect.succeed([after("secret", "store"), contest])
    }
    if (!subject.fetch) return Effect.succeed([skipped("secret", notAsked, again), contest])
    return Effect.map(ask(clientOf(subject, app, "memory"), app, true, undefined), ([secret]) => [secret, contest])
  }
  const client = clientOf(subject, app, cache)
  const key = AccessToken.keyOf(app, baseUrlOf(subject))
  return Effect.matchEffect(Effect.all([cache.read(key), (raw ?? cache).read(key)]), {
    onFailure: () => Effect.succeed<Found>([skipped("secret", both("The store failed.", "存储发生错误。")), contest]),
    onSuccess: ([slot, { token: stored }]) => {
      if (subject.fetch) return ask(client, app, true, slot)
      if (slot.token !== undefined) return tryStored(client, app, slot, slot.token)
      // To ask would end a token that is in use.
      if (stored !== undefined) return Effect.succeed<Found>([otherKey(app.appid), remembered(app.appid, slot)])
      return ask(client, app, false, slot)
    }
  })
}
