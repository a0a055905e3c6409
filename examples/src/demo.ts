/**
 * The tour: the calls over HTTP, as an Effect program and as promises, two programs side by side; then three things
 * going wrong. On the embedded sandbox, or, with QQ_APPID and QQ_APPSECRET set, on QQ itself.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Acode from "@qq-mini/core/Acode"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import type { QQError } from "@qq-mini/core/QQError"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import { createQQMini, isQQError } from "@qq-mini/node"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { writeFile } from "node:fs/promises"
import { bad, bold, column, dim, drawCode, good, picture } from "./terminal.ts"

let unexpected = 0

const say = (text = "") => Effect.sync(() => console.log(text))
const title = (en: string, zh: string) => say(`\n${bold(`${en} · ${zh}`)}`)

/** What a call came to, in a few words; what was not expected has more to say. */
interface Cell {
  readonly ok: boolean
  readonly text: string
  readonly more?: string
}

// two programs side by side fit in 80 columns
const nameColumn = 22
const cellColumn = 28

/** One line of the account. What was not expected ends the demo with 1. */
const row = (call: string, cells: ReadonlyArray<Cell>) => {
  unexpected += cells.filter(({ ok }) => !ok).length
  const shown = cells.map(({ ok, text }) => column(`${ok ? good("✓") : bad("✗")} ${text}`, cellColumn))
  const more = new Set(cells.flatMap(({ more }) => (more === undefined ? [] : [more.replace(/^/gm, "      ")])))
  return say([`  ${column(call, nameColumn)}${shown.join("")}`.trimEnd(), ...more].join("\n"))
}

const unwelcome = (error: unknown): Cell =>
  isQQError(error)
    ? { ok: false, text: error.reason._tag, more: error.message }
    : { ok: false, text: "failed", more: String(error) }

/** A cell from an effect: what it gives, or the error it should not have had. */
const cell = <A, R>(effect: Effect.Effect<A, QQError, R>, read: (value: A) => Cell) =>
  Effect.match(effect, { onSuccess: read, onFailure: unwelcome })

const short = (text: string) => `${text.slice(0, 4)}…${text.slice(-4)}`
const length = (secret: string) => `a token of ${secret.length} characters`
const verdict = (risky: boolean, expected: boolean) => ({ ok: risky === expected, text: risky ? "risky" : "passed" })
const sent = () => ({ ok: true, text: "sent" })

// --- on the sandbox ---------------------------------------------------------------------------------------------------

const [first, second] = Sandbox.defaultPrograms
const both = [first, second] as const
const riskyText = Sandbox.riskySamples[0]!
const page = "pages/index/index?from=demo"
const message = (touser: string) => ({
  touser,
  template_id: Sandbox.defaultTemplate,
  page,
  data: { keyword1: { value: "qq-mini" }, keyword2: { value: 42 } }
})

const asEffect = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox
  yield* title("1. As an Effect program", "作为 Effect 程序")
  yield* say(
    dim(`  ${column("", nameColumn)}${both.map(({ appid }) => column(`  ${appid}`, cellColumn)).join("")}`.trimEnd())
  )
  const walk = <A, R>(
    call: string,
    effect: (openid: string, code: string) => Effect.Effect<A, QQError, R>,
    read: (value: A) => Cell
  ) =>
    Effect.flatMap(
      Effect.forEach(
        both,
        ({ appid }) =>
          Effect.gen(function* () {
            const { code, openid } = yield* sandbox.login({ appid, user: "effect" })
            yield* sandbox.subscribe({ openid })
            return yield* cell(effect(openid, code), read).pipe(App.use(appid))
          }),
        { concurrency: "unbounded" }
      ),
      (cells) => row(call, cells)
    )
  yield* walk(
    "auth.getAccessToken",
    () => Auth.getAccessToken(),
    (token) => ({
      ok: Redacted.isRedacted(token),
      text: length(Redacted.value(token))
    })
  )
  yield* walk(
    "auth.code2Session",
    (_, code) => Auth.code2Session({ code }),
    ({ openid }) => ({
      ok: openid.length === 32,
      text: short(openid)
    })
  )
  yield* walk(
    "acode.getMiniCode",
    () => Acode.getMiniCode({ path: page }),
    ({ bytes, mediaType }) => ({
      ok: mediaType === "image/png",
      text: `${mediaType}, ${bytes.length} bytes`
    })
  )
  yield* walk(
    "security.msgSecCheck",
    () => Security.msgSecCheck({ content: "你好，世界" }),
    ({ risky }) => verdict(risky, false)
  )
  yield* walk(
    "security.imgSecCheck",
    () => Security.imgSecCheck({ media: picture() }),
    ({ risky }) => verdict(risky, false)
  )
  yield* walk("subscribeMessage.send", (openid) => SubscribeMessage.send(message(openid)), sent)
})

const promise = <A>(f: () => Promise<A>) => Effect.tryPromise({ try: f, catch: (error) => error })

const asPromises = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox
  const { url } = yield* SandboxServer.SandboxServer
  const qq = createQQMini({ appid: first.appid, appsecret: first.appsecret, apps: [second], baseUrl: url })
  yield* title("2. As promises", "作为 Promise")
  const walk = <A>(
    call: string,
    f: (calls: typeof qq | ReturnType<typeof qq.app>, openid: string, code: string) => Promise<A>,
    read: (value: A) => Cell
  ) =>
    Effect.flatMap(
      Effect.forEach(both, ({ appid }) =>
        Effect.gen(function* () {
          const { code, openid } = yield* sandbox.login({ appid, user: "promise" })
          yield* sandbox.subscribe({ openid })
          const calls = appid === first.appid ? qq : qq.app(appid)
          return yield* Effect.match(
            promise(() => f(calls, openid, code)),
            { onSuccess: read, onFailure: unwelcome }
          )
        })
      ),
      (cells) => row(call, cells)
    )
  yield* walk(
    "auth.getAccessToken",
    (calls) => calls.auth.getAccessToken(),
    (token) => ({ ok: true, text: length(token) })
  )
  yield* walk(
    "auth.code2Session",
    (calls, _, code) => calls.auth.code2Session({ code, needKey: true }),
    (session) => ({
      ok: session.session_key !== undefined,
      text: `${short(session.openid)} and a key`
    })
  )
  yield* walk(
    "security.msgSecCheck",
    (calls) => calls.security.msgSecCheck({ content: "你好" }),
    ({ risky }) => verdict(risky, false)
  )
  yield* walk(
    "security.imgSecCheck",
    (calls) => calls.security.imgSecCheck({ media: picture() }),
    ({ risky }) => verdict(risky, false)
  )
  yield* walk("subscribeMessage.send", (calls, openid) => calls.subscribeMessage.send(message(openid)), sent)
  yield* walk(
    "acode.getMiniCode",
    (calls) => calls.acode.getMiniCode({ path: page }),
    (image) => ({
      ok: image.dataUrl.startsWith("data:image/png"),
      text: `${image.dataUrl.slice(0, 22)}…`
    })
  )
  yield* show(yield* promise(() => qq.acode.getMiniCode({ path: page })), first.appid)
  yield* Effect.promise(() => qq.close())
})

const show = Effect.fnUntraced(function* (image: Acode.Image, appid: string) {
  const drawing = drawCode(image)
  if (drawing !== undefined) yield* say(`\n${drawing.replace(/^/gm, "    ")}\n`)
  const file = `mini-code-${appid}.${image.mediaType.split("/")[1]}`
  yield* Effect.promise(() => writeFile(file, image.bytes))
  yield* say(`  written to ${bold(file)} · 已写入`)
})

/** Shows how an error reads; another reason than the expected one, or none, is unexpected. */
const fails = <A, R>(call: string, effect: Effect.Effect<A, QQError, R>, tag: QQError["reason"]["_tag"]) =>
  Effect.matchEffect(effect, {
    onSuccess: () => row(call, [{ ok: false, text: `${tag} was expected` }]),
    onFailure: (error) =>
      Effect.andThen(
        row(call, [{ ok: error.reason._tag === tag, text: error.reason._tag }]),
        say(error.message.replace(/^/gm, "      "))
      )
  })

const goingWrong = Effect.gen(function* () {
  const sandbox = yield* Sandbox.Sandbox
  yield* title("3. Three things going wrong", "三种出错情形")

  yield* say(dim("  A risky text is an answer, not an error · 违规内容是结果而不是错误"))
  yield* row("security.msgSecCheck", [
    yield* cell(Security.msgSecCheck({ content: riskyText }), ({ risky }) => verdict(risky, true))
  ])

  yield* say(
    dim(
      "\n  Somebody else killed our token: it is renewed once, and the call goes through · token 被他人作废：自动刷新一次"
    )
  )
  const own = yield* Auth.getAccessToken()
  const before = yield* sandbox.count("auth.getAccessToken")
  yield* sandbox.revokeTokens(first.appid)
  yield* row("security.msgSecCheck", [
    yield* cell(Security.msgSecCheck({ content: "你好" }), ({ risky }) => verdict(risky, false))
  ])
  const fetched = (yield* sandbox.count("auth.getAccessToken")) - before
  yield* row("auth.getAccessToken", [{ ok: fetched === 1, text: `asked ${fetched} time` }])
  yield* say(dim("  A token of the caller's own is not renewed · 调用方自己的 token 不会自动刷新"))
  yield* fails("security.msgSecCheck", Security.msgSecCheck({ content: "你好", access_token: own }), "InvalidToken")

  yield* say(dim("\n  A message to a user who did not subscribe · 给未订阅的用户发消息"))
  const { openid } = yield* sandbox.login({ user: "stranger" })
  yield* fails("subscribeMessage.send", SubscribeMessage.send(message(openid)), "NotSubscribed")
})

const onSandbox = Effect.gen(function* () {
  const { url } = yield* SandboxServer.SandboxServer
  yield* say(`${bold("qq-mini")} on the embedded sandbox at ${url} · 使用内置沙箱`)
  yield* say(dim("Set QQ_APPID and QQ_APPSECRET to call QQ itself · 设置 QQ_APPID 和 QQ_APPSECRET 可调用真实的 QQ"))
  const client = NodeQQMini.layer({ apps: both, baseUrl: url })
  yield* Effect.provide(asEffect, client)
  yield* asPromises
  yield* Effect.provide(goingWrong, client)
}).pipe(Effect.provide(SandboxServer.layer()))

// --- on QQ itself -----------------------------------------------------------------------------------------------------

const onQQ = Effect.gen(function* () {
  const env = process.env
  yield* say(`${bold("qq-mini")} on ${env["QQ_BASE_URL"] ?? "QQ itself, https://api.q.qq.com"} · 使用真实的 QQ`)
  yield* say(`with QQ_APPID ${env["QQ_APPID"]} from the environment · 使用环境变量中的程序\n`)
  const needs = (call: string, variables: ReadonlyArray<string>, why: string) =>
    say(`  ${column(call, nameColumn)}${dim(`– left out: ${why}; set ${variables.join(" and ")} to try it · 未执行`)}`)

  yield* row("auth.getAccessToken", [
    yield* cell(Auth.getAccessToken(), (token) => ({ ok: true, text: length(Redacted.value(token)) }))
  ])
  yield* row("security.msgSecCheck", [
    yield* cell(Security.msgSecCheck({ content: "你好，世界" }), ({ risky }) => verdict(risky, false))
  ])
  yield* row("security.msgSecCheck", [
    yield* cell(Security.msgSecCheck({ content: riskyText }), ({ risky }) => verdict(risky, true))
  ])
  yield* row("security.imgSecCheck", [
    yield* cell(Security.imgSecCheck({ media: picture() }), ({ risky }) => verdict(risky, false))
  ])

  const code = env["QQ_DEMO_CODE"]
  if (code === undefined) yield* needs("auth.code2Session", ["QQ_DEMO_CODE"], "it takes a code of qq.login")
  else
    yield* row("auth.code2Session", [
      yield* cell(Auth.code2Session({ code }), ({ openid }) => ({ ok: true, text: short(openid) }))
    ])

  const touser = env["QQ_DEMO_TOUSER"]
  const template_id = env["QQ_DEMO_TEMPLATE"]
  if (touser === undefined || template_id === undefined) {
    yield* needs("subscribeMessage.send", ["QQ_DEMO_TOUSER", "QQ_DEMO_TEMPLATE"], "it takes a user who subscribed")
  } else {
    const send = SubscribeMessage.send({ touser, template_id, data: { keyword1: { value: "qq-mini" } } })
    yield* row("subscribeMessage.send", [yield* cell(send, sent)])
  }

  const path = env["QQ_DEMO_PATH"]
  if (path === undefined) yield* needs("acode.getMiniCode", ["QQ_DEMO_PATH"], "it spends one of the program's 50 codes")
  else {
    const image = yield* Effect.result(Acode.getMiniCode({ path }))
    if (image._tag === "Failure") yield* row("acode.getMiniCode", [unwelcome(image.failure)])
    else {
      yield* row("acode.getMiniCode", [{ ok: true, text: image.success.mediaType }])
      yield* show(image.success, env["QQ_APPID"] ?? "")
    }
  }
}).pipe(Effect.provide(NodeQQMini.layerConfig))

// an empty variable is not set
const real = Boolean(process.env["QQ_APPID"] || process.env["QQ_APPSECRET"])

const main = (real ? onQQ : onSandbox).pipe(
  Effect.catchCause((cause) =>
    Effect.sync(() => {
      unexpected++
      const error = Cause.squash(cause)
      console.error(bad(isQQError(error) ? error.message : Cause.pretty(cause)))
    })
  ),
  Effect.andThen(
    Effect.suspend(() => {
      process.exitCode = unexpected === 0 ? 0 : 1
      return say(
        unexpected === 0
          ? good("\nEverything answered as expected · 一切符合预期")
          : bad(`\n${unexpected} unexpected · ${unexpected} 处不符合预期`)
      )
    })
  )
)

NodeRuntime.runMain(main)
