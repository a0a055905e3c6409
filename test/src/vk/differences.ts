/**
 * What the facade is to do: vk's model with the deliberate differences applied, each of which can be left out. A
 * difference changes how calls are made (`noRetries`, …), or rewrites what vk's model made of one call.
 */
import { stringify } from "node:querystring"
import { codeOf, jsonOf, mayRepeat, wrongOf } from "./answers.ts"
import { caller } from "./attempts.ts"
import { type CallName, pathOf } from "./calls.ts"
import type { Call, Case } from "./cases.ts"
import { inputSeen, isSame, ourText, type Read, seen, type Seen } from "./compare.ts"
import { isFault, type Exchanged } from "./exchange.ts"
import { formatOf, isAcceptable, isWholeImage } from "./images.ts"
import { texts } from "./model.ts"
import { inGbk } from "./replies.ts"
import { type Outcome, together, vkOf } from "./run.ts"

type Json = Readonly<Record<string, any>>

/** What a rewriting knows of a call. */
interface Made {
  readonly one: Case
  readonly call: Call
  readonly outcome: Outcome
  /** The last request, if any was sent. */
  readonly last: Exchanged | undefined
}

type Rewriting = (seen: Seen, made: Made) => Seen

const valueOf = ({ result }: Seen): Json | undefined =>
  "value" in result && typeof result.value === "object" && result.value !== null ? (result.value as Json) : undefined

const withValue = (seen: Seen, change: (value: Json) => Json): Seen => {
  const value = valueOf(seen)
  return value === undefined ? seen : { ...seen, result: { value: change(value) } }
}

const without = (value: Json, ...names: ReadonlyArray<string>): Json =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))

const withRequests = (seen: Seen, change: (request: Read) => Read): Seen => ({
  ...seen,
  requests: seen.requests.map(change)
})

const isOf = (call: Call, ...names: ReadonlyArray<CallName>) => names.includes(call.name)

const isObject = (value: unknown) => typeof value === "object" && value !== null

/** Whether a required text is none. */
const isNoText = (value: unknown) =>
  value === undefined ||
  value === null ||
  value === "" ||
  Number.isNaN(value) ||
  (isObject(value) && !(value instanceof Date))

/** Whether vk itself fails, or sends no code at all. */
const isUnusable = ({ call, outcome: { end, requests } }: Made): boolean => {
  if (requests.length === 0) return "thrown" in end && end.thrown instanceof TypeError
  const { code, encryptedKey, js_code } = call.input() ?? {}
  const isLogin = isOf(call, "auth.code2SessionMpQQ") || (isOf(call, "auth.code2Session") && !encryptedKey)
  return isLogin && isNoText(js_code || code)
}

/** Whether QQ itself would refuse what vk sends, whatever it says in the case. */
const isRefused = ({ call, outcome: { requests } }: Made): boolean => {
  const given = call.input() ?? {}
  const sent = requests.find(({ path }) => path !== "token")
  switch (call.name) {
    case "security.msgSecCheck":
      return stringify({ content: given.content }) === "content="
    case "security.imgSecCheck":
      return sent !== undefined && !isAcceptable(mediaOf(sent.body))
    case "acode.getMiniCode":
      return (
        Boolean(given.path) &&
        ((isObject(given.path) && isNoText(given.path)) || /^\/|^https?:/.test(String(given.path)))
      )
    case "subscribeMessage.send":
      return (
        isNoText(given.touser) ||
        isNoText(given.template_id) ||
        !isObject(given.data) ||
        Object.values(given.data).every((field) => field === undefined) ||
        [given.page, given.emphasis_keyword, given.oac_appid, given.use_robot].some(
          (value) => Boolean(value) && isNoText(value)
        )
      )
    default:
      return false
  }
}

const noImage = Buffer.alloc(0)
/** The file of a multipart body. */
const mediaOf = (body: Buffer): Buffer => {
  const start = body.indexOf("\r\n\r\n", body.indexOf("filename="))
  return start < 0 ? noImage : body.subarray(start + 4, body.lastIndexOf("\r\n--"))
}

const isHint = ({ result }: Seen) => "thrown" in result && result.thrown === "Error"

const refused = { refused: true } as const

/** Codes by which QQ closes a check for a while. */
const closing: ReadonlySet<number> = new Set([45009, 45011])

/** Throws instead, where the last answer has this defect. */
const throwsFor =
  (defect: ReturnType<typeof wrongOf>): Rewriting =>
  (seen, { last }) =>
    last !== undefined && wrongOf(last.path, last.reply) === defect
      ? { ...seen, result: { thrown: "UnreadableAnswer", text: ourText } }
      : seen

/** The own secrets that a request holds. */
const secretsOf = ({ url }: Exchanged): ReadonlyArray<string> =>
  [...url.matchAll(/[?&](?:access_token|secret)=([^&]+)/g)].map(([, secret]) => secret!)

/** Replaces texts anywhere in a value. */
const replaced = (value: unknown, texts: ReadonlyArray<string>): unknown => {
  if (typeof value === "string") return texts.reduce((all, text) => all.replaceAll(text, "<redacted>"), value)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, texts)]))
}

/** The fields that hold QQ's text. */
const textFields: ReadonlySet<string> = new Set(["errmsg", "errMsg", "msg", "err"])

/** The rewritings by the ids of their differences, in the order in which they are applied. */
const rewritings: Readonly<Record<string, Rewriting>> = {
  formTextCheck: (seen) =>
    withRequests(seen, (request) =>
      request.path.endsWith("/MsgSecCheck") && request.body !== undefined && "form" in request.body
        ? { ...request, body: { json: request.body.form } }
        : request
    ),
  emptyAnswer: throwsFor("emptyAnswer"),
  notJson: throwsFor("notJson"),
  noStatus: (seen, made) => {
    const { call, last } = made
    if (last === undefined || isFault(last.reply)) return seen
    const json = jsonOf(last.reply)
    if (!codeOf(last.reply) || json.errcode || json.errCode) return throwsFor("noStatus")(seen, made)
    if (last.path !== pathOf[call.name]) return seen
    // a code alone stays
    const { code, ...rest } = json
    if (isOf(call, "auth.getAccessTokenFn")) return withValue(seen, (value) => ({ ...value, code }))
    return withValue(seen, ({ encryptedKey, platform }) => ({
      ...rest,
      code,
      msg: "",
      ...(platform === undefined ? {} : { platform }),
      ...(encryptedKey === undefined ? {} : { encryptedKey: {} })
    }))
  },
  textEncoding: (seen, { last }) =>
    last === undefined || isFault(last.reply) || !last.reply.body.includes(inGbk.bytes)
      ? seen
      : withValue(
          seen,
          (value) => JSON.parse(JSON.stringify(value).replaceAll(inGbk.bytes.toString("utf8"), inGbk.text)) as Json
        ),
  network: (seen) =>
    "thrown" in seen.result && seen.result.thrown === "network"
      ? { ...seen, result: { thrown: "network", text: ourText } }
      : seen,
  secretInText: (seen, { last }) =>
    last === undefined
      ? seen
      : withValue(seen, (value) =>
          Object.fromEntries(
            Object.entries(value).map(([name, text]) => [
              name,
              textFields.has(name) ? replaced(text, secretsOf(last)) : text
            ])
          )
        ),
  secretInEncryptedKey: (seen, { call }) =>
    withValue(seen, (value) =>
      !call.input()?.encryptedKey && typeof value["encryptedKey"] === "object" && value["encryptedKey"] !== null
        ? { ...value, encryptedKey: without(value["encryptedKey"], "appsecret") }
        : value
    ),
  secretInSession: (seen, { call }) =>
    isOf(call, "auth.code2SessionMpQQ") ? withValue(seen, (value) => without(value, "appsecret")) : seen,
  ignorePage: (seen, { call }) => {
    if (!isOf(call, "acode.getMiniCode")) return seen
    const { page, path } = call.input() ?? {}
    if (typeof page !== "string" || page === "" || path) return seen
    return withRequests(seen, (request) =>
      request.body !== undefined && "json" in request.body
        ? { ...request, body: { json: { ...request.body.json, path: page } } }
        : request
    )
  },
  imageByContent: (seen, { last }) => {
    if (last?.path !== "code" || isFault(last.reply)) return seen
    const { body } = last.reply
    if (isWholeImage(body)) {
      return { ...seen, result: { buffer: body.toString("latin1"), own: { code: 0, msg: "" } } }
    }
    const code = codeOf(last.reply)
    if (!code || !("buffer" in seen.result)) return seen
    const json = jsonOf(last.reply)
    return { ...seen, result: { value: { ...json, code, msg: json.errmsg ?? json.errMsg ?? "" } } }
  },
  wrongStatus: throwsFor("wrongStatus"),
  imageType: (seen) =>
    withRequests(seen, (request) => {
      if (request.body === undefined || !("parts" in request.body)) return request
      const { media, ...parts } = request.body.parts
      // A form of the caller's own is sent as it is.
      const isVks = /^\d+\.png$/.test(media?.filename)
      const format = formatOf(Buffer.from(media?.bytes ?? "", "latin1"))
      return isVks ? { ...request, body: { parts: { ...parts, media: { ...media, ...format } } } } : request
    }),
  loginCode: (seen, { call }) => {
    if (!isOf(call, "auth.code2Session", "auth.code2SessionMpQQ")) return seen
    const { code, js_code } = call.input() ?? {}
    return withRequests(seen, (request) => {
      if (!request.path.endsWith("/jscode2session")) return request
      const { appid, secret } = request.query
      return {
        ...request,
        query: { appid, secret, js_code: String(js_code || code), grant_type: "authorization_code" }
      }
    })
  },
  mutateInput: (seen, { call }) => ({ ...seen, input: inputSeen(call.input()) }),
  foreignHost: (seen, { call }) =>
    /^https?:\/\/(?!api\.q\.qq\.com[/?])/.test(call.input()?.url) ? { ...seen, requests: [], result: refused } : seen,
  sendUnchecked: (seen, made) => (!isHint(seen) && isRefused(made) ? { ...seen, requests: [], result: refused } : seen),
  missingCollection: (seen, { one, outcome }) =>
    one.stored === "no collection" && outcome.requests.some(({ path }) => path === "token")
      ? { ...seen, requests: [], result: { thrown: "InvalidConfig", text: ourText } }
      : seen
}

/** The ids of all differences. */
export const ids: ReadonlyArray<string> = [
  "ignoreAccessToken",
  "noRetries",
  "refusedSecret",
  "parallelFetches",
  "tokenInMemory",
  "sendOverQuota",
  ...Object.keys(rewritings)
]

/**
 * A result that says what is wrong, without a request: QQ's code if it closed the call, or else -1 or a code that vk has
 * a text for, with this text.
 */
const refusalOf = ({ requests, result }: Seen, name: CallName): Seen["result"] | undefined => {
  if (requests.length > 0) return undefined
  if ("thrown" in result) return result.thrown === "InvalidInput" ? refused : undefined
  const { code, msg } = ("value" in result ? (result.value as Json) : undefined) ?? {}
  if (closing.has(code)) return { closed: code }
  const vksTexts: Readonly<Record<number, string>> = texts[pathOf[name] ?? "other"]
  return typeof msg === "string" && msg !== "" && (code === -1 || vksTexts[code] === msg) ? refused : undefined
}

/** Leaves out what is made again at once, for the number of attempts is other tests' business. */
const collapsed = (outcome: Outcome, seen: Seen, active: ReadonlySet<string>): Seen => ({
  ...seen,
  requests: seen.requests.filter((request, i) => {
    const next = seen.requests[i + 1]
    const exchanged = outcome.requests[i]!
    const isAgain = exchanged.reply === "connecting" || (active.has("noRetries") && mayRepeat(exchanged))
    return next === undefined || !isSame(request, next) || !isAgain
  })
})

/** What the facade made of a call, in the form that is compared. */
export const oursOf = (one: Case, { name }: Call, outcome: Outcome, active: ReadonlySet<string>): Seen => {
  const all = collapsed(outcome, seen(outcome, one), active)
  return { ...all, result: refusalOf(all, name) ?? all.result }
}

const inputAppid = ({ input }: Call): string => input()?.appid || "A1"

/** What the facade is to do with the calls of a case. Also tells which differences it shows. */
export const expectedOf = (
  one: Case,
  active: ReadonlySet<string>
): { readonly seen: ReadonlyArray<Seen>; readonly shown: ReadonlySet<string>; readonly stored: Json } => {
  const vk = vkOf(one)
  const shown = new Set<string>()
  const make = caller(vk, active, shown)
  const closed = new Map<string, number>()
  const outcomes = one.calls.map((call, i) => {
    // vk's calls at the same time each fetch a token, and a token that was removed is fetched again.
    const way = one.together ? "parallelFetches" : one.removed ? "tokenInMemory" : undefined
    if (i > 0 && way !== undefined) {
      if (active.has(way)) shown.add(way)
      else vk.forget()
    }
    return make(call)
  })
  const all = (one.together ? together(outcomes) : outcomes).map((outcome, i) => {
    const call = one.calls[i]!
    const made: Made = { one, call, outcome, last: outcome.requests.at(-1) }
    let now = collapsed(outcome, seen(outcome, one), active)
    // Nobody can rely on a TypeError, or on a login with the code `undefined`.
    const unusable = isUnusable(made)
    if (unusable) now = { ...now, requests: [], result: refused }
    for (const [id, rewrite] of Object.entries(rewritings)) {
      if (!active.has(id) || (unusable && id !== "mutateInput")) continue
      const next = rewrite(now, made)
      if (!isSame(next, now)) shown.add(id)
      now = next
    }
    if (outcome.requests.length === 0) now = { ...now, result: refusalOf(now, call.name) ?? now.result }
    const { last } = made
    const key = `${call.name} ${inputAppid(call)}`
    const code = closed.get(key)
    if (code !== undefined && active.has("sendOverQuota")) {
      shown.add("sendOverQuota")
      return { ...now, requests: [], result: { closed: code } }
    }
    if (last !== undefined && !isFault(last.reply) && (last.path === "text" || last.path === "image")) {
      const code = codeOf(last.reply)
      if (code !== undefined && closing.has(code)) closed.set(key, code)
    }
    return now
  })
  return { seen: all, shown, stored: vk.stored() }
}
