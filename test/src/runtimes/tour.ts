/**
 * One and the same program for every runtime: all calls, then everything that can go wrong with them. It stands on nothing
 * but the client it is given, and on a way to the harness, which sets the platform up for each step.
 */
import type { PromiseClient } from "@qq-mini/core/Promise"
import type { FaultKind } from "@qq-mini/sandbox/Fault"

/** What came of one step. */
export interface Step {
  readonly name: string
  readonly expected: unknown
  readonly got: unknown
}

/** What the program is given. */
export interface Given {
  /** Makes a client of two programs that calls QQ at this address. */
  readonly connect: (baseUrl: string) => PromiseClient
  /** Has the harness do something; see `harness.ts`. */
  readonly ask: (what: string, options?: object) => Promise<any>
  readonly ways: Ways
}

/** Differences between the runtimes and their HTTP clients. */
export interface Ways {
  /** Whether there is no global `crypto`, so that calls that sign are refused. */
  readonly noCrypto?: boolean
  /** Whether the client hides that a connection was refused, so that it is unknown whether a message was sent. */
  readonly hidesRefusal?: boolean
  /** Whether the client repeats checks when a connection is lost. */
  readonly repeatsChecks?: boolean
  /** Whether the client reads answers of any length to their end. */
  readonly readsAll?: boolean
}

const once = { attempts: 1 } as const
// where no answer comes
const brief = { attempts: 1, attemptTimeout: 1_500 } as const

// a PNG of 1 × 1 pixels
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// what a caller sees when each call is struck by each fault, at its only attempt
const unreadable = "UnreadableAnswer"
const unknown = "OutcomeUnknown"
const expectedOf: Readonly<Record<FaultKind, readonly [check: string, message: string, code: string]>> = {
  badToken: ["InvalidToken", "InvalidToken", "InvalidToken"],
  revokedToken: ["ok", "ok", "ok"],
  stolenToken: ["ok", "ok", "ok"],
  code: ["SystemBusy", "SystemBusy", "SystemBusy"],
  html502: [unreadable, unknown, unknown],
  empty: [unreadable, unknown, unknown],
  truncated: [unreadable, unknown, unknown],
  // what it says on the label counts for nothing
  jsonAsImage: ["ok", "ok", "SystemBusy"],
  imageAsJson: [unreadable, unknown, "ok"],
  wrongCase: [unreadable, "ok", "SystemBusy"],
  resetBefore: ["ConnectionFailed", unknown, unknown],
  resetAfter: ["ConnectionFailed", unknown, unknown],
  slowHeaders: ["TimedOut", unknown, unknown],
  slowBody: ["TimedOut", unknown, unknown],
  hugeBody: [unreadable, unknown, unknown]
}

const tagOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error) => error?.reason?._tag ?? String(error)
  )

/** Settings with which a busy machine loses no call. */
export const settings = { attemptTimeout: 20_000, deadline: 60_000 }

/** Runs it all; a step that came out otherwise than expected has another `got`. */
export const tour = async ({ ask, connect, ways }: Given): Promise<ReadonlyArray<Step>> => {
  const steps: Array<Step> = []
  const step = (name: string, expected: unknown, got: unknown) => steps.push({ name, expected, got })
  const { deadUrl, riskyText, stallUrl, template_id, url } = await ask("welcome")
  const newGuest = async (): Promise<{ readonly code: string; readonly openid: string }> => {
    const guest = await ask("login", { user: `guest ${steps.length} ${Math.random()}` })
    await ask("subscribe", { openid: guest.openid })
    return guest
  }
  const message = (openid: string) => ({ touser: openid, template_id, data: { keyword1: { value: "hello" } } })

  const qq = connect(url)

  // --- the tour -----------------------------------------------------------------------------------------------------
  const fetches = await ask("count", { endpoint: "auth.getAccessToken" })
  const cold = await Promise.all(Array.from({ length: 20 }, () => qq.security.msgSecCheck({ content: "你好" })))
  step(
    "20 cold calls at once all pass",
    true,
    cold.every(({ risky }) => !risky)
  )
  step("and cost one getToken", fetches + 1, await ask("count", { endpoint: "auth.getAccessToken" }))
  step("auth.getAccessToken", true, (await qq.auth.getAccessToken()).length >= 16)
  const guest = await newGuest()
  const session = await qq.auth.code2Session({ code: guest.code, needKey: true })
  step("auth.code2Session", [guest.openid, "string"], [session.openid, typeof session.session_key])
  const user = { openid: session.openid, session_key: session.session_key! }
  const account = { ...user, app_key: "sandboxAppKeyOfMidas", offer_id: "1450000001" }
  const goods = { bill_no: "tour", amt: 1, goodid: "43", good_num: 1 }
  const signing: ReadonlyArray<readonly [string, Promise<unknown>]> = [
    ["openData.setUserStorage", qq.openData.setUserStorage({ ...user, kv_list: [{ key: "score", value: "7" }] })],
    ["openData.removeUserStorage", qq.openData.removeUserStorage({ ...user, key: ["level"] })],
    [
      "openData.setUserInteractiveData",
      qq.openData.setUserInteractiveData({ ...user, kv_list: [{ key: "1", value: 3 }] })
    ],
    ["encryption.getUserEncryptKey", qq.encryption.getUserEncryptKey(user)],
    ["gamePay.prePay", qq.gamePay.prePay({ ...user, ...goods })],
    ["gamePay.getBalance", qq.gamePay.getBalance(user)],
    ["midasPay.getBalance", qq.midasPay.getBalance(account)],
    ["midasPay.present", qq.midasPay.present({ ...account, bill_no: "gift", present_counts: 1 })]
  ]
  for (const [name, call] of signing) step(`${name}, signed`, ways.noCrypto ? "InvalidConfig" : "ok", await tagOf(call))
  const media = { media_url: "https://example.com/a.mp3", media_type: 1 } as const
  step("security.mediaCheckAsync", "ok", await tagOf(qq.security.mediaCheckAsync(media)))
  const other = qq.request({ path: "/api/json/security/MsgSecCheck", body: { appid: "1112345678", content: "x" } })
  step("request", { errCode: 0, errMsg: "ok" }, await other)
  step("a code works once", "InvalidCode", await tagOf(qq.auth.code2Session({ code: guest.code })))
  step("security.msgSecCheck, risky", { risky: true }, await qq.security.msgSecCheck({ content: riskyText }))
  step("security.imgSecCheck", { risky: false }, await qq.security.imgSecCheck({ media: picture }))
  const whole = await qq.content.check({ texts: ["你好", riskyText], images: [picture] })
  step("content.check", { passed: false, verdict: "risky" }, { passed: whole.passed, verdict: whole.verdict })
  step(
    "content.check, each part",
    ["passed", "risky", "passed"],
    [...whole.texts, ...whole.images].map(({ verdict }) => verdict)
  )
  const file = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0))
  const forms = [
    file.slice().buffer,
    (async function* () {
      yield file
    })(),
    picture.replace(/=+$/, ""),
    // Node 16 has neither
    ...(typeof Response === "undefined" ? [] : [new Blob([file.slice()]), new Response(file.slice()).body!])
  ]
  const checked = await Promise.all(forms.map((media) => qq.security.imgSecCheck({ media })))
  step(
    "security.imgSecCheck, in every form",
    checked.map(() => ({ risky: false })),
    checked
  )
  const prepared = await qq.security.imgSecCheck({ media: file, prepare: (bytes) => [bytes, { bytes, frame: 3 }] })
  step(
    "security.imgSecCheck, prepared",
    [false, undefined, 3],
    [prepared.risky, ...prepared.parts!.map(({ frame }) => frame)]
  )
  const code = await qq.acode.getMiniCode({ path: "pages/index/index?from=runtime" })
  step("acode.getMiniCode", ["image/png", 0x89, true], [code.mediaType, code.bytes[0], code.bytes.length > 100])
  step("subscribeMessage.send", "ok", await tagOf(qq.subscribeMessage.send(message(guest.openid))))
  step("a second message", "NotSubscribed", await tagOf(qq.subscribeMessage.send(message(guest.openid))))
  const { second } = await ask("welcome")
  step("for another program", { risky: false }, await qq.app(second).security.msgSecCheck({ content: "x" }))
  step("remaining", true, (await qq.remaining("security.msgSecCheck")) < 4_000)
  const before = await ask("requests")
  step("what can't succeed", "InvalidInput", await tagOf(qq.security.msgSecCheck({ content: "x".repeat(600_000) })))
  step("is not sent", before, await ask("requests"))

  // --- the faults ---------------------------------------------------------------------------------------------------
  for (const kind of Object.keys(expectedOf) as Array<FaultKind>) {
    const [check, send, acode] = expectedOf[kind]
    const within = kind.startsWith("slow") ? brief : once
    const repeated = ways.repeatsChecks === true && kind.startsWith("reset")
    for (const [endpoint, expected, call] of [
      [
        "security.msgSecCheck",
        repeated ? "ok" : check,
        (qq: PromiseClient) => qq.security.msgSecCheck({ content: "x" }, within)
      ],
      ["subscribeMessage.send", send, (qq: PromiseClient, to: string) => qq.subscribeMessage.send(message(to), within)],
      ["acode.getMiniCode", acode, (qq: PromiseClient) => qq.acode.getMiniCode({}, within)]
    ] as const) {
      // one of its own, since tokens that die one after the other are contested
      const qq = connect(url)
      await qq.auth.getAccessToken()
      const { openid } = await newGuest()
      const times = kind === "badToken" ? 10 : 1
      const done = await ask("done", { endpoint })
      await ask("fault", { kind, endpoint, times, delay: "30 seconds" })
      const got = await tagOf(call(qq, openid))
      await ask("heal")
      step(
        `${kind} at ${endpoint}`,
        [expected, true],
        [
          got,
          // a check that is done twice harms nobody
          (await ask("done", { endpoint })) <= done + (repeated ? 2 : 1)
        ]
      )
      // nothing of it is left for the next call
      if (endpoint === "security.msgSecCheck") {
        const [next, risky] = await Promise.all([
          qq.security.msgSecCheck({ content: "x" }),
          qq.security.msgSecCheck({ content: riskyText })
        ])
        step(`the next calls after ${kind}`, [false, true], [next.risky, risky.risky])
      }
    }
  }
  await ask("fault", { kind: "resetAfter", endpoint: "security.msgSecCheck" })
  step("a check is repeated", { risky: false }, await qq.security.msgSecCheck({ content: "x" }))

  const dead = connect(deadUrl)
  step("nobody there: a check", "ConnectionFailed", await tagOf(dead.security.msgSecCheck({ content: "x" }, once)))
  step(
    "nobody there: a message",
    ways.hidesRefusal ? unknown : "ConnectionFailed",
    await tagOf(dead.subscribeMessage.send({ ...message("X"), access_token: "mine" }, once))
  )

  for (const [path, expected, within] of [
    ["stalled", "TimedOut", brief],
    ["endless", "TimedOut", brief],
    ["flood", ways.readsAll ? "TimedOut" : unreadable, ways.readsAll ? brief : once]
  ] as const) {
    const there = connect(`${stallUrl}/${path}`)
    const call = there.security.msgSecCheck({ content: "x", access_token: "mine" }, within)
    step(`${path}: the call ends`, expected, await tagOf(call))
    step(`${path}: and so does its connection`, true, await ask("gone", { path }))
  }

  const gone = new AbortController()
  const left = connect(`${stallUrl}/left`)
  const leaving = left.security.msgSecCheck({ content: "x", access_token: "mine" }, { signal: gone.signal })
  await ask("come", { path: "left" })
  gone.abort()
  step("who leaves is let go", "AbortError", await leaving.catch((error) => error.name))
  step("and so is the connection", true, await ask("gone", { path: "left" }))

  const wrong = await dead.security
    .msgSecCheck({ content: "x", appsecret: "theSecret", appid: "1" }, once)
    .catch(String)
  const empty = await qq.security.msgSecCheck({ content: "" }).catch((error) => String(error.stack))
  step(
    "an error's stack says what it says",
    true,
    /^QQError: security.msgSecCheck.*content: is empty/.test(String(empty))
  )
  step("S1: no error shows a secret", false, /theSecret|access_token=/.test(String(wrong)))
  return steps
}
