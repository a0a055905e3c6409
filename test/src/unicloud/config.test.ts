/** The configuration of uniCloud projects, the errors it gives, and errors as results. */
import * as QQErrors from "@qq-mini/core/QQError"
import { QQError, type Reason } from "@qq-mini/core/QQError"
import { createQQMini, createVkOpenapiQQ, type Options, toUniError, toVkError } from "@qq-mini/unicloud"
import type { ConfigCenter, Httpclient, UniCloud } from "@qq-mini/unicloud/UniCloud"
import { inspect } from "node:util"
import { afterEach, assert, describe, it, vi } from "vitest"
import { qqErrorOf } from "./unicloud.ts"

const json = (value: unknown) => ({ status: 200, headers: {}, data: Buffer.from(JSON.stringify(value)) })

/** An HTTP client that gives tokens, and remembers for which programs. */
const recorder = () => {
  const programs: Array<readonly [appid: string | null, appsecret: string | null]> = []
  const httpclient: Httpclient = {
    request: async (url) => {
      const { searchParams } = new URL(url)
      programs.push([searchParams.get("appid"), searchParams.get("secret")])
      return json({ access_token: "T", expires_in: 7_200 })
    }
  }
  return { httpclient, programs }
}

/** A file's content, or a function that reads it. */
interface Files {
  readonly uniId?: unknown
  readonly vk?: unknown
}

const read = (file: unknown) => (typeof file === "function" ? file() : file)

/** `require("uni-config-center")` over these files. */
const center =
  ({ uniId, vk }: Files): ConfigCenter =>
  ({ pluginId }) => ({
    config: () => (pluginId === "uni-id" ? read(uniId) : assert.fail(`config() of ${pluginId}`)),
    requireFile: (name) =>
      pluginId === "vk-unicloud" && name === "index.js" ? read(vk) : assert.fail(`${name} of ${pluginId}`)
  })

const mpQQ = (appid: unknown, appsecret: unknown) => ({ "mp-qq": { oauth: { qq: { appid, appsecret } } } })
const vkList = (list: unknown) => ({ vk: { oauth: { qq: { list } } } })

const [one, two, three] = [
  { appid: "1111", appsecret: "firstSecret" },
  { appid: "2222", appsecret: "secondSecret" },
  { appid: "3333", appsecret: "thirdSecret" }
]
type Program = typeof one
const configOf = ({ appid, appsecret }: Program) => mpQQ(appid, appsecret)

/** What an error shows of what stands in files and options. */
const assertHidden = (error: unknown) => {
  const shown = [inspect(error, { showHidden: true, depth: 9 }), String(error), JSON.stringify(error)]
  shown.push(inspect(error, { showHidden: true, depth: 9, customInspect: false }), (error as Error).stack ?? "")
  for (const text of shown) assert.notMatch(text, /(first|second|third|new|old|given)Secret|aValue/)
}

const failure = async (promise: Promise<unknown>): Promise<QQError> => {
  const error = await qqErrorOf(promise)
  assertHidden(error)
  return error
}

/** Which program a call runs for, by the request for its token. */
const programOf = async (options: Options & { readonly files?: Files }, appid?: string) => {
  const { httpclient, programs } = recorder()
  const { files, uniCloud, ...rest } = options
  const configCenter = files === undefined ? {} : { configCenter: center(files) }
  await using qq = createQQMini({ uniCloud: { ...uniCloud, httpclient }, store: "memory", ...configCenter, ...rest })
  await (appid === undefined ? qq : qq.app(appid)).auth.getAccessToken({ cache: false })
  assert.strictEqual(programs.length, 1)
  const [[id, secret] = []] = programs
  return { appid: id, appsecret: secret }
}

const uniIdFile = "uni-config-center/uni-id/config.json"
const vkFile = "uni-config-center/vk-unicloud/index.js"

describe("uni-config-center", () => {
  const array = [
    { dcloudAppid: "__UNI__A", ...configOf(one) },
    { dcloudAppid: "__UNI__B", isDefaultConfig: true, ...configOf(two) },
    { dcloudAppid: "__UNI__C", ...configOf(three) }
  ]
  const clientInfos = (...ids: ReadonlyArray<string | undefined>): UniCloud => ({
    getClientInfos: () => ids.map((appId) => (appId === undefined ? {} : { appId }))
  })

  it("an object: its mp-qq", async () => {
    assert.deepStrictEqual(await programOf({ files: { uniId: configOf(one) } }), one)
  })

  it("an array: the entry of the current app, as far as that is known, else the default", async () => {
    const files = { uniId: array }
    const outside = () => {
      throw new Error("outside a request")
    }
    const cases: ReadonlyArray<readonly [Options, Program]> = [
      [{ uniCloud: clientInfos("__UNI__A") }, one],
      [{ uniCloud: clientInfos("__UNI__C", "__UNI__A") }, three],
      [{ uniCloud: { $context: { APPID: "__UNI__A" } } }, one],
      [{ uniCloud: { ...clientInfos("__UNI__C"), $context: { APPID: "__UNI__A" } } }, one],
      [{ uniCloud: { ...clientInfos("__UNI__C"), $context: { APPID: "" } } }, three],
      [{ uniCloud: { ...clientInfos("__UNI__C"), $context: {} } }, three],
      [{ uniCloud: clientInfos("__UNI__C"), dcloudAppid: "__UNI__A" }, one],
      [{ dcloudAppid: "__UNI__C" }, three],
      // a timer, a URL call, an app that has no entry
      [{ uniCloud: clientInfos() }, two],
      [{ uniCloud: clientInfos(undefined) }, two],
      [{ uniCloud: clientInfos("") }, two],
      [{ uniCloud: { getClientInfos: () => undefined as never } }, two],
      [{ uniCloud: { getClientInfos: outside } }, two],
      [{}, two],
      [{ uniCloud: clientInfos("__UNI__X") }, two],
      [{ dcloudAppid: "__UNI__X" }, two]
    ]
    for (const [options, expected] of cases) {
      assert.deepStrictEqual(await programOf({ ...options, files }), expected, inspect(options))
    }
  })

  it("an array: a call that names a program uses its entry, also where nobody called", async () => {
    const files = { uniId: array, vk: vkList([{ appid: "4444", appsecret: "otherSecret" }]) }
    for (const uniCloud of [clientInfos("__UNI__A"), clientInfos(), {}]) {
      assert.deepStrictEqual(await programOf({ files, uniCloud }, three.appid), three)
    }
    // two apps with one program: the current app's secret
    const twice = [...array, { dcloudAppid: "__UNI__D", ...mpQQ(three.appid, "newSecret") }]
    const uniCloud = clientInfos("__UNI__D")
    const { appsecret } = await programOf({ files: { uniId: twice }, uniCloud }, three.appid)
    assert.strictEqual(appsecret, "newSecret")
    assert.strictEqual((await programOf({ files, uniCloud }, "4444")).appsecret, "otherSecret")
  })

  it("an array of which no entry fits: says which app, and where", async () => {
    const uniId = [array[0], { isDefaultConfig: false, ...configOf(two) }]
    const { reason } = await failure(programOf({ uniCloud: clientInfos("__UNI__X"), files: { uniId } }))
    assert.strictEqual(reason._tag === "InvalidConfig" && reason.setting, uniIdFile)
    for (const text of [reason.help.en, reason.help.zh]) assert.match(text, /__UNI__X.*isDefaultConfig/)
    const unknown = await failure(programOf({ uniCloud: clientInfos(""), files: { uniId } }))
    for (const text of [unknown.help.en, unknown.help.zh]) assert.match(text, /dcloudAppid .*dcloudAppid/)
    assert.strictEqual((await failure(programOf({ files: { uniId: [] } }))).reason._tag, "InvalidConfig")
  })

  it("one client serves several apps: each request has its own program", async () => {
    const { httpclient, programs } = recorder()
    let current = "__UNI__A"
    const uniCloud: UniCloud = { httpclient, getClientInfos: () => [{ appId: current }] }
    const configCenter = center({ uniId: array, vk: vkList([two]) })
    await using qq = createQQMini({ uniCloud, store: "memory", configCenter })
    const calls: Array<Promise<unknown>> = []
    for (const appId of ["__UNI__A", "__UNI__C", "__UNI__A", "__UNI__X", "__UNI__C"]) {
      current = appId
      calls.push(qq.auth.getAccessToken())
      // as far as the token, which is where the program is read
      await vi.waitFor(() => assert.isAtLeast(programs.length, Math.min(calls.length, 2)))
    }
    await Promise.all(calls)
    assert.deepStrictEqual(
      programs,
      [one, three, two].map(({ appid, appsecret }) => [appid, appsecret])
    )
    // and each has its own token
    current = "__UNI__A"
    await qq.auth.getAccessToken()
    assert.strictEqual(programs.length, 3)
  })

  it("what changes in a file counts from the next call on", async () => {
    const { httpclient, programs } = recorder()
    let uniId: unknown
    const configCenter = center({ uniId: () => uniId })
    await using qq = createQQMini({ uniCloud: { httpclient }, store: "memory", configCenter })
    uniId = 5
    assert.strictEqual((await failure(qq.auth.getAccessToken())).reason._tag, "InvalidConfig")
    uniId = configOf(one)
    await qq.auth.getAccessToken()
    uniId = mpQQ(one.appid, "newSecret")
    await qq.auth.getAccessToken()
    assert.deepStrictEqual(programs, [
      [one.appid, one.appsecret],
      [one.appid, "newSecret"]
    ])
  })

  it("vk's list: further programs by their appid, and the first where uni-id has none", async () => {
    const vk = vkList([two, three])
    const files = { uniId: configOf(one), vk }
    assert.deepStrictEqual(await programOf({ files }), one)
    assert.deepStrictEqual(await programOf({ files }, two.appid), two)
    assert.deepStrictEqual(await programOf({ files }, three.appid), three)
    for (const uniId of [
      undefined,
      null,
      {},
      { "mp-qq": {} },
      { "mp-qq": null },
      mpQQ("", ""),
      mpQQ(undefined, null)
    ]) {
      assert.deepStrictEqual(await programOf({ files: { uniId, vk } }), two)
    }
    // where one stands in both, uni-id's counts
    const twice = { uniId: configOf(one), vk: vkList([{ appid: one.appid, appsecret: "oldSecret" }]) }
    assert.deepStrictEqual(await programOf({ files: twice }, one.appid), one)
    // entries that are not filled in yet
    assert.deepStrictEqual(await programOf({ files: { vk: vkList([{ appid: "", appsecret: "" }, {}, two]) } }), two)
  })

  it("a project without vk, and one without QQ in it", async () => {
    const missing = (code: string) => () => {
      throw Object.assign(new Error("aValue"), { code })
    }
    for (const vk of [undefined, null, {}, { vk: {} }, { vk: { oauth: {} } }, vkList(undefined), vkList([])]) {
      assert.deepStrictEqual(await programOf({ files: { uniId: configOf(one), vk } }), one)
    }
    for (const vk of [missing("MODULE_NOT_FOUND"), missing("ENOENT")]) {
      assert.deepStrictEqual(await programOf({ files: { uniId: configOf(one), vk } }), one)
    }
  })

  it("what is given counts before what is configured, and needs no file", async () => {
    const files = { uniId: configOf(one), vk: vkList([two]) }
    assert.deepStrictEqual(await programOf({ files, ...three }), three)
    assert.deepStrictEqual(await programOf({ files, ...three }, two.appid), two)
    const other = { appid: one.appid, appsecret: "givenSecret" }
    assert.deepStrictEqual(await programOf({ files, ...other }), other)
    assert.deepStrictEqual(await programOf({ files, apps: [other] }), other)
    assert.deepStrictEqual(await programOf({ files, ...three, apps: [other] }, one.appid), other)
    const unreadable = () => {
      throw new Error("aValue")
    }
    for (const uniId of [[], unreadable, 5]) {
      assert.deepStrictEqual(await programOf({ files: { uniId, vk: unreadable }, ...three }), three)
      assert.deepStrictEqual(await programOf({ files: { uniId }, ...three, apps: [two] }, two.appid), two)
      assert.strictEqual(
        (await failure(programOf({ files: { uniId }, ...three }, one.appid))).reason._tag,
        "InvalidConfig"
      )
    }
  })

  it("names the file and the key of what is wrong, and never its value", async () => {
    const good = configOf(one)
    const unreadable = () => {
      throw new SyntaxError(`Unexpected token: {"appsecret": "aValue"`)
    }
    const cases: ReadonlyArray<readonly [Files, string]> = [
      [{ uniId: unreadable }, uniIdFile],
      [{ uniId: "aValue" }, uniIdFile],
      [{ uniId: { "mp-qq": "aValue" } }, `${uniIdFile}: mp-qq`],
      [{ uniId: { "mp-qq": ["aValue"] } }, `${uniIdFile}: mp-qq`],
      [{ uniId: { "mp-qq": { oauth: "aValue" } } }, `${uniIdFile}: mp-qq.oauth`],
      [{ uniId: { "mp-qq": { oauth: { qq: 5 } } } }, `${uniIdFile}: mp-qq.oauth.qq`],
      [{ uniId: { "mp-qq": { oauth: { qq: [one] } } } }, `${uniIdFile}: mp-qq.oauth.qq`],
      [{ uniId: mpQQ(1_112_345_678, "aValue") }, `${uniIdFile}: mp-qq.oauth.qq.appid`],
      [{ uniId: mpQQ("", "aValue") }, `${uniIdFile}: mp-qq.oauth.qq.appid`],
      [{ uniId: mpQQ(undefined, "aValue") }, `${uniIdFile}: mp-qq.oauth.qq.appid`],
      [{ uniId: mpQQ("aValue", undefined) }, `${uniIdFile}: mp-qq.oauth.qq.appsecret`],
      [{ uniId: mpQQ("aValue", " ") }, `${uniIdFile}: mp-qq.oauth.qq.appsecret`],
      [{ uniId: mpQQ("aValue", { aValue: "aValue" }) }, `${uniIdFile}: mp-qq.oauth.qq.appsecret`],
      [{ uniId: [good, { isDefaultConfig: true, "mp-qq": "aValue" }] }, `${uniIdFile}: [1].mp-qq`],
      [
        { uniId: [{ isDefaultConfig: true, ...mpQQ("aValue", 5) }, good] },
        `${uniIdFile}: [0].mp-qq.oauth.qq.appsecret`
      ],
      [{ uniId: good, vk: unreadable }, vkFile],
      [{ uniId: good, vk: "aValue" }, vkFile],
      [{ uniId: good, vk: { vk: "aValue" } }, `${vkFile}: vk`],
      [{ uniId: good, vk: { vk: { oauth: 5 } } }, `${vkFile}: vk.oauth`],
      [{ uniId: good, vk: { vk: { oauth: { qq: [] } } } }, `${vkFile}: vk.oauth.qq`],
      [{ uniId: good, vk: vkList("aValue") }, `${vkFile}: vk.oauth.qq.list`],
      [{ uniId: good, vk: vkList(two) }, `${vkFile}: vk.oauth.qq.list`],
      [{ uniId: good, vk: vkList([two, "aValue"]) }, `${vkFile}: vk.oauth.qq.list[1]`],
      [{ uniId: good, vk: vkList([two, { appid: 5, appsecret: "aValue" }]) }, `${vkFile}: vk.oauth.qq.list[1].appid`],
      [{ uniId: good, vk: vkList([{ appid: "aValue" }]) }, `${vkFile}: vk.oauth.qq.list[0].appsecret`]
    ]
    for (const [files, setting] of cases) {
      const { help, message, reason } = await failure(programOf({ files }))
      if (reason._tag !== "InvalidConfig") assert.fail(`${setting}: ${reason._tag}`)
      assert.strictEqual(reason.setting, setting)
      assert.include(message, setting)
      assert.match(help.zh, /[一-鿿]/)
    }
  })

  it("a function comes before the files, which have what it does not know and the default program", async () => {
    // the array has no entry without the app, and a program of the function needs none
    const files = { uniId: [{ dcloudAppid: "__UNI__A", ...configOf(one) }], vk: vkList([]) }
    const apps = (appid: string) => Promise.resolve(appid === two.appid ? two.appsecret : undefined)
    const uniCloud = clientInfos("__UNI__A")
    assert.deepStrictEqual(await programOf({ files, apps, uniCloud }), one)
    assert.deepStrictEqual(await programOf({ files, apps, uniCloud }, one.appid), one)
    assert.deepStrictEqual(await programOf({ files, apps }, two.appid), two)
    assert.deepStrictEqual(await programOf({ files, apps, uniCloud, appid: two.appid }), two)
    const { help } = await failure(programOf({ files, apps, uniCloud }, "4444"))
    assert.include(help.zh, "apps")
    assert.throws(() => createVkOpenapiQQ({ apps: apps as never }), /apps: must be a list/)
  })

  it("an appid that stands nowhere: says where it was looked for", async () => {
    const files = { uniId: configOf(one), vk: vkList([two]) }
    const { reason } = await failure(programOf({ files }, "4444"))
    if (reason._tag !== "UnknownApp") assert.fail(reason._tag)
    assert.strictEqual(reason.appid, "4444")
    for (const text of [reason.help.en, reason.help.zh]) {
      for (const part of ["4444", uniIdFile, "mp-qq.oauth.qq", vkFile, "vk.oauth.qq.list"]) assert.include(text, part)
    }
    const none = await failure(programOf({ files: {} }))
    assert.strictEqual(none.reason._tag, "UnknownApp")
    assert.include(none.message, uniIdFile)
    const noCenter = await failure(programOf({}))
    assert.strictEqual(noCenter.reason._tag, "UnknownApp")
    assert.include(noCenter.message, "configCenter")
    const given = await failure(programOf({ ...one }, "4444"))
    assert.strictEqual(given.reason._tag, "UnknownApp")
  })

  it("what is given is checked, and named", async () => {
    const cases: ReadonlyArray<readonly [Options, string]> = [
      [{ appid: "1111" }, "appsecret"],
      [{ appsecret: "aValue" }, "appid"],
      [{ appid: "a Value", appsecret: "aValue" }, "appid"],
      [{ appid: 1111 as never, appsecret: "aValue" }, "appid"],
      [{ appid: "1111", appsecret: "" }, "appsecret"],
      [{ apps: one as never }, "apps"],
      [{ apps: [one, { appid: "1111", appsecret: "aValue" }] }, "apps[1].appid"],
      [{ apps: [one, undefined as never] }, "apps[1].appid"]
    ]
    for (const [options, setting] of cases) {
      const { reason } = await failure(programOf(options))
      assert.strictEqual(reason._tag === "InvalidConfig" && reason.setting, setting)
    }
  })
})

/** One of each reason. */
const reasons: { readonly [Tag in Reason["_tag"]]: Extract<Reason, { readonly _tag: Tag }> } = {
  WrongSecret: new QQErrors.WrongSecret({ code: 40001, text: "invalid credential" }),
  InvalidAppId: new QQErrors.InvalidAppId({ code: 40013, text: "" }),
  UnknownApp: new QQErrors.UnknownApp({ appid: "1", lookedIn: "apps" }),
  LookupFailed: new QQErrors.LookupFailed({ problem: "ECONNREFUSED" }),
  InvalidToken: new QQErrors.InvalidToken({ code: 42001, text: "expired" }),
  InvalidCode: new QQErrors.InvalidCode({ code: -2100, text: "invalid code" }),
  PageMissing: new QQErrors.PageMissing({ code: 41030, text: "invalid page" }),
  MiniCodesUsedUp: new QQErrors.MiniCodesUsedUp({ code: 45029, text: "" }),
  NotSubscribed: new QQErrors.NotSubscribed({ code: 43101, text: "user refuse" }),
  UserRefused: new QQErrors.UserRefused({ code: 46003, text: "refused" }),
  TooFrequent: new QQErrors.TooFrequent({ code: 45011, text: "frequent" }),
  QuotaReached: new QQErrors.QuotaReached({ wait: 5 }),
  SystemBusy: new QQErrors.SystemBusy({ code: -1, text: "busy" }),
  InvalidInput: new QQErrors.InvalidInput({ field: "content", problem: { en: "is missing", zh: "缺失" } }),
  InvalidConfig: new QQErrors.InvalidConfig({ setting: "store", problem: { en: "is wrong", zh: "不正确" } }),
  UserDataInvalid: new QQErrors.UserDataInvalid({ problem: "format", field: "iv" }),
  UnreadableAnswer: new QQErrors.UnreadableAnswer({ found: "html", status: 502, size: 9 }),
  ConnectionFailed: new QQErrors.ConnectionFailed({ problem: "ECONNRESET" }),
  TimedOut: new QQErrors.TimedOut({ during: "answer", limit: 9 }),
  OutcomeUnknown: new QQErrors.OutcomeUnknown({ because: new QQErrors.TimedOut({ during: "answer", limit: 9 }) }),
  TokenContested: new QQErrors.TokenContested({ deaths: 4, fetchedAgo: [9_000], ownFetches: 0, wait: 9_000 }),
  StoreFailed: new QQErrors.StoreFailed({ operation: "read", problem: "x" }),
  ClientClosed: new QQErrors.ClientClosed({}),
  Rejected: new QQErrors.Rejected({ code: 87014, text: "risky", meaning: { en: "It is risky.", zh: "内容违规。" } })
}

const names: Readonly<Record<Reason["_tag"], string>> = {
  WrongSecret: "qq-mini-wrong-secret",
  InvalidAppId: "qq-mini-invalid-app-id",
  UnknownApp: "qq-mini-unknown-app",
  LookupFailed: "qq-mini-lookup-failed",
  InvalidToken: "qq-mini-invalid-token",
  InvalidCode: "qq-mini-invalid-code",
  PageMissing: "qq-mini-page-missing",
  MiniCodesUsedUp: "qq-mini-mini-codes-used-up",
  NotSubscribed: "qq-mini-not-subscribed",
  UserRefused: "qq-mini-user-refused",
  TooFrequent: "qq-mini-too-frequent",
  QuotaReached: "qq-mini-quota-reached",
  SystemBusy: "qq-mini-system-busy",
  InvalidInput: "qq-mini-invalid-input",
  InvalidConfig: "qq-mini-invalid-config",
  UserDataInvalid: "qq-mini-user-data-invalid",
  UnreadableAnswer: "qq-mini-unreadable-answer",
  ConnectionFailed: "qq-mini-connection-failed",
  TimedOut: "qq-mini-timed-out",
  OutcomeUnknown: "qq-mini-outcome-unknown",
  TokenContested: "qq-mini-token-contested",
  StoreFailed: "qq-mini-store-failed",
  ClientClosed: "qq-mini-client-closed",
  Rejected: "qq-mini-rejected"
}

const errorOf = (reason: Reason) => new QQError({ endpoint: "security.msgSecCheck", app: "1", reason })

describe("errors as results", () => {
  it.each(Object.values(reasons))("$_tag", (reason) => {
    const error = errorOf(reason)
    const { errCode, errMsg, errSubject, ...rest } = toUniError(error)
    assert.deepStrictEqual(rest, {})
    assert.strictEqual(errSubject, "qq-mini")
    assert.strictEqual(errCode, names[reason._tag])
    assert.isTrue(errMsg.startsWith(reason.help.zh))
    const { code, msg, ...more } = toVkError(error)
    assert.deepStrictEqual(more, {})
    assert.strictEqual(msg, errMsg)
    const own = "code" in reason ? reason.code : undefined
    assert.strictEqual(code, own ?? -1)
    assert.strictEqual(
      errMsg.slice(reason.help.zh.length),
      own === undefined ? "" : `（QQ：${own}${"text" in reason && reason.text ? ` ${reason.text}` : ""}）`
    )
    // a copy of the package, as in the one delivered file, makes errors of another class
    const copy = Object.assign(Object.create({ "~@qq-mini/core/QQError": "" }), { help: error.help, reason })
    assert.deepStrictEqual(toUniError(copy), toUniError(error))
  })

  it("with a code where QQ gave one, also where it need not", () => {
    const quota = errorOf(new QQErrors.QuotaReached({ code: 45009, text: "limit" }))
    assert.deepStrictEqual(toVkError(quota), { code: 45009, msg: `${quota.help.zh}（QQ：45009 limit）` })
    const input = new QQErrors.InvalidInput({
      field: "touser",
      problem: { en: "is wrong", zh: "错误" },
      code: 40003,
      text: ""
    })
    assert.deepStrictEqual(toVkError(errorOf(input)), { code: 40003, msg: "touser：错误。（QQ：40003）" })
    assert.include(toUniError(errorOf(reasons.Rejected)).errMsg, "内容违规")
  })

  it("throws on what is no QQError, itself", () => {
    for (const other of [new Error("x"), undefined, null, "x", 0, { reason: {} }, reasons.TimedOut]) {
      for (const to of [toUniError, toVkError]) {
        let thrown: unknown = "nothing"
        try {
          to(other)
        } catch (error) {
          thrown = error
        }
        assert.strictEqual(thrown, other)
      }
    }
  })

  it("of a real call", async () => {
    const error = await failure(programOf({}, "4444"))
    assert.deepStrictEqual(toUniError(error), {
      errSubject: "qq-mini",
      errCode: "qq-mini-unknown-app",
      errMsg: error.help.zh
    })
    assert.deepStrictEqual(toVkError(error), { code: -1, msg: error.help.zh })
  })
})

describe("createQQMini", () => {
  afterEach(() => vi.unstubAllGlobals())

  /** The error of a client and its first call, whichever it comes from. */
  const wrong = (options: Options) =>
    failure(
      (async () => {
        await using qq = createQQMini(options)
        await qq.auth.getAccessToken()
      })()
    )
  const { httpclient } = recorder()
  const good: Options = { ...one, store: "memory", uniCloud: { httpclient } }

  const throws = () => {
    throw new Error("aValue")
  }
  const cases: ReadonlyArray<readonly [name: string, Options, setting: string, fix: RegExp]> = [
    ["an unknown store", { store: "mongo" as never }, "store", /database.*redis.*memory/],
    ["a store that is no module", { store: {} as never }, "store", /database.*redis.*memory/],
    ["a store that is null", { store: null as never }, "store", /database.*redis.*memory/],
    ["a deadline of 0", { deadline: 0 }, "deadline", /0/],
    ["a deadline below 0", { deadline: -1 }, "deadline", /0/],
    ["an endless deadline", { deadline: Infinity }, "deadline", /0/],
    ["a deadline that is a text", { deadline: "5s" as never }, "deadline", /0/],
    ["an attemptTimeout that is none", { attemptTimeout: NaN }, "attemptTimeout", /0/],
    ["half an attempt", { attempts: 1.5 }, "attempts", /1/],
    ["no attempt", { attempts: 0 }, "attempts", /1/],
    ["a baseUrl without a scheme", { baseUrl: "api.q.qq.com" }, "baseUrl", /https:\/\/api\.q\.qq\.com/],
    ["a baseUrl with a query", { baseUrl: "https://h/?a=b" }, "baseUrl", /https:\/\/api\.q\.qq\.com/],
    ["a baseUrl that is none", { baseUrl: "" }, "baseUrl", /https:\/\/api\.q\.qq\.com/],
    ["an unknown http", { http: "fetch" as never }, "http", /httpclient.*request/],
    ["a time that is left that is no function", { timeLeft: 5 as never }, "timeLeft", /[一-鿿]|function/],
    ["a time that is left that is none", { timeLeft: () => NaN }, "timeLeft", /[一-鿿]|function/],
    ["a time that is left that is a text", { timeLeft: () => "5" as never }, "timeLeft", /[一-鿿]|function/],
    ["a time that is left that throws", { timeLeft: throws }, "timeLeft", /[一-鿿]|function/],
    ["no HTTP client at all", { uniCloud: {} }, "uniCloud", /httpclient.*uniCloud/],
    ["no httpclient", { http: "httpclient", uniCloud: { request: throws } }, "uniCloud", /httpclient.*uniCloud/],
    ["no request", { http: "request" }, "uniCloud", /request.*uniCloud/],
    ["no uniCloud", { uniCloud: undefined }, "uniCloud", /uniCloud/],
    ["no database", { store: "database" }, "uniCloud", /database\(\)/],
    ["no database, by default", { store: undefined }, "uniCloud", /database\(\)/],
    ["no database for vk's", { store: "vk-global-data" }, "uniCloud", /database\(\)/],
    ["no database for opendb", { store: "opendb-open-data" }, "uniCloud", /database\(\)/],
    [
      "a database that can't be had",
      { store: "database", uniCloud: { httpclient, database: throws } },
      "uniCloud",
      /database\(\)/
    ],
    ["no Redis", { store: "redis" }, "store", /extensions.*uni-cloud-redis.*package\.json|package\.json.*extensions/],
    [
      "a Redis that is not enabled",
      { store: "redis", uniCloud: { httpclient, redis: throws } },
      "store",
      /extensions.*uni-cloud-redis.*package\.json|package\.json.*extensions/
    ]
  ]
  it.each(cases)("%s: names the setting, and how to put it right", async (_, options, setting, fix) => {
    const { help, reason } = await wrong({ ...good, ...options })
    if (reason._tag !== "InvalidConfig") assert.fail(reason._tag)
    assert.strictEqual(reason.setting, setting)
    assert.match(help.en, fix)
    assert.match(help.zh, fix)
    assert.match(help.zh, /[一-鿿]/)
    assert.notMatch(help.en, /[一-鿿]/)
  })

  it("nothing is touched before the first call", async () => {
    let touched = 0
    const { programs, ...all } = { ...recorder(), getClientInfos: () => [{ appId: "__UNI__A" }] }
    const counting = <A extends object>(target: A): A =>
      new Proxy(target, {
        get: (target, name) => {
          touched++
          return Reflect.get(target, name)
        },
        has: (target, name) => {
          touched++
          return Reflect.has(target, name)
        },
        ownKeys: (target) => {
          touched++
          return Reflect.ownKeys(target)
        }
      })
    const configCenter: ConfigCenter = (plugin) => {
      touched++
      return center({ uniId: configOf(one) })(plugin)
    }
    const timeLeft = () => {
      touched++
      return 10_000
    }
    const qq = createQQMini({ uniCloud: counting(all), store: "memory", configCenter, timeLeft })
    const other = qq.app("2222")
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.isFunction(other.auth.getAccessToken)
    assert.strictEqual(touched, 0)
    await qq.auth.getAccessToken()
    assert.isAbove(touched, 0)
    assert.strictEqual(programs.length, 1)
    // and one that was never used
    touched = 0
    await createQQMini({ uniCloud: counting(all), configCenter, timeLeft }).close()
    assert.strictEqual(touched, 0)
    await qq.close()
  })

  it("takes the global uniCloud, which need not be there before the first call", async () => {
    const { httpclient, programs } = recorder()
    await using qq = createQQMini({ ...one, store: "memory" })
    assert.strictEqual((await failure(qq.auth.getAccessToken())).reason._tag, "InvalidConfig")
    vi.stubGlobal("uniCloud", { httpclient })
    assert.strictEqual(await qq.auth.getAccessToken(), "T")
    assert.deepStrictEqual(programs, [[one.appid, one.appsecret]])
  })

  it("takes httpclient, or request where it is asked for or alone", async () => {
    const used: Array<string> = []
    const { httpclient } = recorder()
    // clients that know who they are
    class Client {
      #name = "httpclient"
      request(...args: Parameters<Httpclient["request"]>) {
        used.push(this.#name)
        return httpclient.request(...args)
      }
    }
    class Cloud {
      #name = "request"
      readonly httpclient: Client | undefined
      constructor(httpclient?: Client) {
        this.httpclient = httpclient
      }
      async request({ header, method, timeout, url }: Parameters<NonNullable<UniCloud["request"]>>[0]) {
        used.push(this.#name)
        const { data, headers, status } = await httpclient.request(url, {
          method,
          headers: header,
          timeout: [timeout, timeout]
        })
        return { statusCode: status, header: headers, data }
      }
    }
    for (const [http, uniCloud] of [
      [undefined, new Cloud(new Client())],
      ["httpclient", new Cloud(new Client())],
      ["request", new Cloud(new Client())],
      [undefined, new Cloud()]
    ] as const) {
      await using qq = createQQMini({ ...one, store: "memory", http, uniCloud: uniCloud as UniCloud })
      await qq.auth.getAccessToken()
    }
    assert.deepStrictEqual(used, ["httpclient", "httpclient", "request", "request"])
  })
})
