/** The delivered file as uniCloud projects use it: plain CommonJS on the real Nodes, and the example projects. */
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "vitest"
import { deliver } from "../../../packages/unicloud/delivery/build.ts"
import { Holder } from "../support/processes.ts"
import { first, image, newGuest, png, risky, template_id } from "../support/calls.ts"
import { type DatabaseServer, startDatabase } from "./database.ts"
import { nodeBinary, type NodeVersion } from "./unicloud.ts"

const run = promisify(execFile)
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const home = path("../../../packages/unicloud")
const examples = path("../../../examples/unicloud")
const base64 = Buffer.from(image).toString("base64")

const json = async (file: string) => JSON.parse(await readFile(file, "utf8"))
const files = async (folder: string) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()
}

let delivered: string
let common: string
beforeAll(async () => {
  delivered = await mkdtemp(join(tmpdir(), "qq-mini-delivery-"))
  common = await deliver(delivered)
})

describe("what is delivered", () => {
  const plugin = () => join(delivered, "uni_modules/qq-mini")
  const inPlugin = () => join(plugin(), "uniCloud/cloudfunctions/common/qq-mini")

  it("both layouts have their files, and the same module", async () => {
    const module = ["LICENSE", "README.md", "index.d.ts", "index.js", "package.json"]
    assert.deepStrictEqual(await files(delivered), [
      ...module.map((file) => `cloudfunctions/common/qq-mini/${file}`),
      "uni_modules/qq-mini/changelog.md",
      "uni_modules/qq-mini/package.json",
      "uni_modules/qq-mini/readme.md",
      ...module.map((file) => `uni_modules/qq-mini/uniCloud/cloudfunctions/common/qq-mini/${file}`),
      "uni_modules/qq-mini/uniCloud/database/qq-mini-broadcasts.index.json",
      "uni_modules/qq-mini/uniCloud/database/qq-mini-broadcasts.schema.json",
      "uni_modules/qq-mini/uniCloud/database/qq-mini-tokens.schema.json"
    ])
    assert.strictEqual(common, join(delivered, "cloudfunctions/common/qq-mini"))
    for (const file of module) {
      assert.isTrue((await readFile(join(common, file))).equals(await readFile(join(inPlugin(), file))), file)
    }
  })

  it("index.d.ts has every type and value that the package's index exports", async () => {
    const index = await readFile(join(home, "src/index.ts"), "utf8")
    const types = await readFile(join(common, "index.d.ts"), "utf8")
    const lists = Array.from(index.matchAll(/^export (?:type )?\{([^}]*)\}/gm), ([, list]) => list!.split(","))
    const consts = Array.from(index.matchAll(/^export const (\w+)/gm), ([, name]) => name!)
    // the last word of `type Options as VkOptions`
    const exported = [...lists.flat().map((name) => /\w+(?=\s*$)/.exec(name)![0]), ...consts]
    assert.includeMembers(exported, ["Reason", "VkOptions", "readSessionKey"])
    const told = new Set(
      Array.from(types.matchAll(/^export (?:class|const|function|interface|type) (\w+)/gm), ([, name]) => name)
    )
    assert.deepStrictEqual(
      exported.filter((name) => !told.has(name)),
      []
    )
  })

  it("package.json names what there is, with the version of the package", async () => {
    const { description, license, version } = await json(join(home, "package.json"))
    assert.deepStrictEqual(await json(join(common, "package.json")), {
      name: "qq-mini",
      version,
      description,
      license,
      repository: "",
      main: "index.js",
      types: "index.d.ts"
    })
    const manifest = await json(join(plugin(), "package.json"))
    assert.deepStrictEqual(
      [manifest.id, manifest.version, manifest.dcloudext.type, manifest.uni_modules.platforms.cloud],
      ["qq-mini", version, "unicloud-template-function", { tcb: "y", aliyun: "y", alipay: "y" }]
    )
    // what the plugin market asks for
    const { contact, declaration, sale } = manifest.dcloudext
    assert.deepStrictEqual(Object.keys(contact), ["qq"])
    assert.isTrue([sale.regular.price, sale.sourcecode.price].every((price) => price === "0.00"))
    assert.isTrue(["ads", "data", "permissions"].every((name) => declaration[name] !== ""))
    assert.isTrue(manifest.displayName !== "" && manifest.description !== "" && manifest.keywords.length <= 5)
    assert.deepStrictEqual([manifest.name, manifest.license, manifest.repository], ["qq-mini", license, ""])
    assert.deepStrictEqual(manifest.uni_modules.dependencies, ["uni-config-center"])
    assert.match(await readFile(join(plugin(), "changelog.md"), "utf8"), new RegExp(`^## ${version}\n\n.`))
    assert.match(await readFile(join(common, "index.js"), "utf8"), new RegExp(`^/\\*! qq-mini ${version} `))
  })

  it("the readme is the package's, in both places", async () => {
    const readme = await readFile(join(home, "README.md"), "utf8")
    assert.isAbove(readme.length, 3_000)
    assert.strictEqual(await readFile(join(common, "README.md"), "utf8"), readme)
    assert.strictEqual(await readFile(join(plugin(), "readme.md"), "utf8"), readme)
  })

  it("the licence is ours and, for the parts of it that are inside, effect's", async () => {
    const licence = await readFile(join(common, "LICENSE"), "utf8")
    const ours = await readFile(join(home, "../../LICENSE"), "utf8")
    const effects = await readFile(join(home, "node_modules/effect/LICENSE"), "utf8")
    assert.isTrue(licence.startsWith(ours))
    assert.match(effects, /Copyright \(c\) .*Effect/)
    assert.include(licence, effects)
  })

  it.each(["tokens", "broadcasts"])("the schema lets no client read %s", async (name) => {
    const schema = await json(join(plugin(), `uniCloud/database/qq-mini-${name}.schema.json`))
    assert.deepStrictEqual(schema.permission, { read: false, create: false, update: false, delete: false })
  })

  it("is one file of at most 350 KB that requires nothing but Node's own modules", async () => {
    const code = await readFile(join(common, "index.js"), "utf8")
    assert.isAtMost(Buffer.byteLength(code), 350 * 1024)
    // Node 12 and 14 have no such function
    assert.notMatch(code, /\.at\(-1\)/)
    const required = new Set(Array.from(code.matchAll(/\brequire\("([^"]+)"\)/g), ([, name]) => name!))
    assert.isAbove(required.size, 0)
    const { builtinModules } = createRequire(import.meta.url)("node:module")
    assert.deepStrictEqual(
      [...required].filter((name) => !builtinModules.includes(name.replace(/^node:/, ""))),
      []
    )
  })
})

/** A platform and a database with these collections. */
const space = async (
  options: { readonly programs?: ReadonlyArray<any>; readonly collections: ReadonlyArray<string> },
  body: (sandbox: SandboxServer.Running, database: DatabaseServer) => Promise<void>
) => {
  await using database = await startDatabase()
  for (const collection of options.collections) database.createCollection(collection)
  await using sandbox = await SandboxServer.start(options.programs === undefined ? {} : { programs: options.programs })
  await body(sandbox, database)
}

describe.each([12, 14, 16, 18, 20] as const)("the delivered file on Node %i", (version) => {
  it("touches nothing when required, makes all calls, and leaves nothing behind after each", () =>
    space({ collections: ["qq-mini-tokens", "vk-global-data"] }, async (sandbox, database) => {
      const { code, openid } = await sandbox.run((platform) => newGuest(platform, "a"))
      const message = { touser: openid, template_id, data: { keyword1: { value: 1 } } }
      const calls = [
        { group: "auth", name: "getAccessToken" },
        { group: "auth", name: "code2Session", input: { code } },
        { group: "acode", name: "getMiniCode", input: { path: "pages/index/index" } },
        { group: "security", name: "msgSecCheck", input: { content: risky } },
        { group: "security", name: "imgSecCheck", input: { media: base64 } },
        { group: "subscribeMessage", name: "send", input: message },
        { group: "content", name: "check", input: { texts: ["x", risky], images: [base64] } }
      ]
      const app = { appid: first.appid, appsecret: first.appsecret }
      const config = { app, baseUrl: sandbox.url, database: database.url, calls, file: common }
      const { stdout } = await run(nodeBinary(version), [path("delivered.cjs"), JSON.stringify(config)])
      const { after, before, left, names, results } = JSON.parse(stdout)

      const types = await readFile(join(common, "index.d.ts"), "utf8")
      const told = Array.from(types.matchAll(/^export (?:const|function|class) (\w+)/gm), ([, name]) => name!)
      assert.deepStrictEqual(names, told.toSorted())

      assert.strictEqual(before, 0, "nothing is looked at before the first call")
      assert.isAbove(after, 0)
      assert.include(results.nowhere, "没有 httpclient")
      const { openid: same, unionid } = results["auth.code2Session"]
      assert.deepStrictEqual([same, typeof unionid], [openid, "string"])
      const { bytes, mediaType } = results["acode.getMiniCode"]
      assert.strictEqual(mediaType, "image/png")
      assert.isAbove(Object.keys(bytes).length, 100)
      assert.deepStrictEqual(results["security.msgSecCheck"], { risky: true })
      assert.deepStrictEqual(results["security.imgSecCheck"], { risky: false })
      assert.isNull(results["subscribeMessage.send"])
      const passed = { verdict: "passed" }
      assert.deepStrictEqual(results["content.check"], {
        passed: false,
        verdict: "risky",
        texts: [passed, { verdict: "risky", start: 0, end: risky.length }],
        images: [passed]
      })
      assert.strictEqual(results.vk.code, 0)
      const [slot] = Object.values(database.dump("qq-mini-tokens"))
      assert.strictEqual(slot.token, results["auth.getAccessToken"])

      // such as a lease's or an attempt's
      assert.strictEqual(left, 0, "timers right after an answer")
    }))

  it("S1: with a tokenKey neither the database nor a store of one's own sees a token; events are told", () =>
    space({ collections: ["qq-mini-tokens"] }, async (sandbox, database) => {
      const options = {
        appid: first.appid,
        appsecret: first.appsecret,
        baseUrl: sandbox.url,
        tokenKey: "07".repeat(32)
      }
      const script = `
        const { createQQMini, createTokenStore } = require(${JSON.stringify(common)})
        const uniCloud = require(${JSON.stringify(path("unicloud.cjs"))}).makeUniCloud(${JSON.stringify({ database: database.url })})
        const kept = {}
        const store = createTokenStore({
          read: async (key) => kept[key],
          replace: async (key, previous, next) => kept[key] === previous && Boolean((kept[key] = next))
        })
        const events = []
        const token = (more) =>
          createQQMini({ ...${JSON.stringify(options)}, uniCloud, onTokenEvent: (event) => events.push(event._tag), ...more }).auth.getAccessToken()
        const main = async () => {
          const tokens = []
          for (const more of [{}, {}, { store }, { store }]) tokens.push(await token(more))
          console.log(JSON.stringify({ tokens, kept, events }))
        }
        main()`
      if (version < 16) {
        const { stderr } = await run(nodeBinary(version), [
          "-e",
          `${script}.catch(({ help }) => console.error(help.zh))`
        ])
        return assert.include(stderr, "tokenKey：需要 crypto.subtle")
      }
      const { stdout } = await run(nodeBinary(version), ["-e", script])
      const { events, kept, tokens } = JSON.parse(stdout)
      const [one, two, three, four] = tokens
      assert.isTrue([one, three].every((token) => token.length === 64))
      assert.deepStrictEqual([two, four], [one, three])
      assert.deepStrictEqual(events, ["Fetched", "Fetched"])
      const [stored] = Object.values<string>(kept)
      assert.include(stored, "generation")
      for (const token of [one, three]) {
        assert.notInclude(JSON.stringify([database.dump("qq-mini-tokens"), kept]), token)
      }
    }))
})

/** Links to the modules that a package.json names, as an upload lays them. */
const link = async (folder: string) => {
  const { dependencies = {} } = await json(join(folder, "package.json"))
  for (const [name, where] of Object.entries<string>(dependencies)) {
    assert.match(where, /^file:/)
    const to = join(folder, where.slice("file:".length))
    assert.strictEqual((await json(join(to, "package.json"))).name, name)
    await mkdir(join(folder, "node_modules"), { recursive: true })
    await symlink(to, join(folder, "node_modules", name))
  }
}

/** A module of `common` that users have from elsewhere, beside the files the project has in its folder. */
const standIn = async (cloudfunctions: string, name: string, dependencies: Record<string, string> = {}) => {
  const folder = join(cloudfunctions, "common", name)
  await mkdir(folder, { recursive: true })
  await cp(path(`modules/${name}.cjs`), join(folder, "index.js"))
  await writeFile(join(folder, "package.json"), JSON.stringify({ name, main: "index.js", dependencies }))
  await link(folder)
}

/** The delivered file with longer deadlines: on a busy machine the 4 seconds of a cloud function may be too short. */
const patient = `const delivered = require("./delivered.js")
const createQQMini = (options) => delivered.createQQMini({ deadline: 60000, attemptTimeout: 20000, ...options })
module.exports = { ...delivered, createQQMini }
`

/** A project as it is uploaded; gives the folder of its functions. */
const lay = async (project: string): Promise<string> => {
  const cloudfunctions = await mkdtemp(join(tmpdir(), `qq-mini-${project}-`))
  await cp(join(examples, project, "uniCloud/cloudfunctions"), cloudfunctions, { recursive: true })
  const delivered = join(cloudfunctions, "common/qq-mini")
  await cp(common, delivered, { recursive: true })
  await rename(join(delivered, "index.js"), join(delivered, "delivered.js"))
  await writeFile(join(delivered, "index.js"), patient)
  await standIn(cloudfunctions, "uni-config-center")
  for (const name of ["vk-unicloud", "uni-open-bridge-common"]) {
    await standIn(cloudfunctions, name, { "uni-config-center": "file:../uni-config-center" })
  }
  for (const name of await readdir(cloudfunctions)) if (name !== "common") await link(join(cloudfunctions, name))
  return cloudfunctions
}

/** The programs that a project's own configuration names. */
const configured = async (cloudfunctions: string) => {
  const center = join(cloudfunctions, "common/uni-config-center")
  const config = await json(join(center, "uni-id/config.json"))
  if (Array.isArray(config)) return config.map((app) => app["mp-qq"].oauth.qq)
  const main = config["mp-qq"].oauth.qq
  const further = await readFile(join(center, "vk-unicloud/index.js"), "utf8").catch(() => undefined)
  if (further === undefined) return [main]
  return [main, ...createRequire(import.meta.url)(join(center, "vk-unicloud/index.js")).vk.oauth.qq.list]
}

interface Answer {
  readonly result: any
  readonly logged: ReadonlyArray<string>
  readonly uploaded: ReadonlyArray<string>
  readonly deleted: ReadonlyArray<string>
}

interface Running {
  readonly call: (request: object) => Promise<Answer>
  /** Another instance of the function. */
  readonly another: () => Promise<Holder>
  readonly sandbox: SandboxServer.Running
  readonly database: DatabaseServer
}

/** Runs a function of a project against a platform that knows its programs. */
const runsOn =
  (version: NodeVersion) =>
  async (
    project: string,
    name: string,
    collections: ReadonlyArray<string>,
    body: (running: Running) => Promise<void>,
    { change = {}, ...more }: { readonly nobody?: boolean; readonly change?: Readonly<Record<string, string>> } = {}
  ) => {
    const cloudfunctions = await lay(project)
    const configuredPrograms = await configured(cloudfunctions)
    const templates = { [template_id]: "any", "your-template-id": "any" }
    const programs = configuredPrograms.map((program) => ({ ...program, templates }))
    await space({ programs, collections }, async (sandbox, database) => {
      const folder = join(cloudfunctions, name)
      for (const [from, to] of Object.entries(change)) {
        const code = await readFile(join(folder, "index.js"), "utf8")
        assert.include(code, from)
        await writeFile(join(folder, "index.js"), code.replace(from, to))
      }
      const config = { folder, baseUrl: sandbox.url, database: database.url, ...more }
      await using instances = new AsyncDisposableStack()
      const another = async () =>
        instances.use(await Holder.spawn([nodeBinary(version), path("function.cjs"), JSON.stringify(config)]))
      const holder = await another()
      const call = async (request: object): Promise<Answer> => {
        const answer = await holder.ask(request)
        for (const { appsecret } of programs) assert.notInclude(JSON.stringify(answer), appsecret)
        return answer
      }
      await body({ call, another, sandbox, database })
    })
  }
const nothing = (endpoint: string) => ({ kind: "empty", endpoint, times: 3 }) as const

describe.each([16, 20] as const)("the example projects on Node %i", (version) => {
  const runs = runsOn(version)

  it("cloud function: a comment is saved only when text and image were checked and passed", () =>
    runs("cloud-function", "check-comment", ["qq-mini-tokens", "comments"], async ({ call, database, sandbox }) => {
      const errCode = async (event: object) => (await call(event)).result.errCode
      assert.strictEqual(await errCode({ content: "你好" }), 0)
      const pictured = await call({ content: "有图", image: base64 })
      assert.strictEqual(pictured.result.errCode, 0)
      assert.deepStrictEqual(pictured.uploaded, [base64])
      const saved = () => Object.values(database.dump("comments"))
      const comments = saved()
      assert.deepStrictEqual(
        comments.map(({ content, image }) => ({ content, image })),
        [
          { content: "你好", image: undefined },
          { content: "有图", image: "cloud://1" }
        ]
      )

      assert.strictEqual(await errCode({ content: risky }), "risky-text")
      await sandbox.run((platform) => platform.markRisky(image))
      assert.strictEqual(await errCode({ content: "有图", image: base64 }), "risky-image")

      const empty = await call({ content: "" })
      assert.deepStrictEqual([empty.result.errCode, empty.logged], ["invalid-content", []])
      assert.include(empty.result.errMsg, "content")
      const large = Buffer.from(png(2_000, 10)).toString("base64")
      assert.strictEqual(await errCode({ content: "大图", image: large }), "invalid-content")

      // an answer that says nothing is no yes
      await sandbox.run((platform) => platform.fault(nothing("security.msgSecCheck")))
      const unchecked = await call({ content: "你好" })
      assert.strictEqual(unchecked.result.errCode, "not-checked")
      assert.include(unchecked.logged.join(), "UnreadableAnswer")
      await sandbox.run((platform) => platform.fault(nothing("security.imgSecCheck")))
      assert.strictEqual(
        await errCode({ content: "你好", image: Buffer.from(png(9, 9)).toString("base64") }),
        "not-checked"
      )

      assert.deepStrictEqual(saved(), comments)
    }))

  it("cloud object: checks, logins, messages and mini codes; errors in uniCloud's form", () =>
    runs("cloud-object", "comment", ["qq-mini-tokens", "mini-codes"], async ({ call, database, sandbox }) => {
      const method = async (name: string, param: unknown, source = "client") =>
        (await call({ method: name, params: [param], source })).result
      assert.deepStrictEqual(await method("check", "你好"), { errCode: 0, errMsg: "", risky: false })
      assert.deepStrictEqual(await method("check", risky), { errCode: 0, errMsg: "", risky: true })
      await sandbox.run((platform) => platform.fault(nothing("security.msgSecCheck")))
      const unchecked = await method("check", "你好")
      assert.strictEqual(unchecked.errCode, "qq-mini-unreadable-answer")
      assert.notProperty(unchecked, "risky")

      const { code, openid } = await sandbox.run((platform) => platform.login({ user: "a" }))
      const session = await method("login", code)
      assert.deepStrictEqual(Object.keys(session).toSorted(), ["errCode", "errMsg", "openid", "unionid"])
      assert.strictEqual(session.openid, openid)
      const again = await method("login", code)
      assert.deepStrictEqual([again.errSubject, again.errCode], ["qq-mini", "qq-mini-invalid-code"])
      assert.match(again.errMsg, /qq\.login.*QQ：40029/)

      const message = { openid, templateId: template_id, reply: "写得好" }
      assert.strictEqual((await method("send", message)).errCode, "internal-only")
      assert.strictEqual((await method("send", message, "http")).errCode, "internal-only")
      assert.strictEqual((await method("send", message, "function")).errCode, "qq-mini-not-subscribed")
      await sandbox.run((platform) => platform.subscribe({ openid }))
      assert.deepStrictEqual(await method("send", message, "function"), { errCode: 0, errMsg: "" })

      const page = "pages/index/index"
      assert.strictEqual((await method("miniCode", page)).errCode, "internal-only")
      const picture = await method("miniCode", page, "function")
      assert.isTrue(Buffer.from(picture.base64, "base64").subarray(1, 4).equals(Buffer.from("PNG")))
      assert.deepStrictEqual(await method("miniCode", page, "function"), {
        errCode: 0,
        errMsg: "",
        base64: picture.base64
      })
      const log = await sandbox.run((platform) => platform.log)
      assert.lengthOf(
        log.filter(({ endpoint }) => endpoint === "acode.getMiniCode"),
        1
      )
      assert.lengthOf(Object.keys(database.dump("mini-codes")), 1)
      assert.strictEqual((await method("miniCode", "pages/none", "function")).errCode, "qq-mini-page-missing")
    }))

  it("sec-check: as with uni-sec-check; only 0 is a pass, and a risky image is deleted", () =>
    runs("sec-check", "post", ["qq-mini-tokens", "posts"], async ({ call, database, sandbox }) => {
      const publish = (post: object) => call({ method: "publish", params: [post] })
      const errCode = async (post: object) => (await publish(post)).result.errCode
      assert.strictEqual(await errCode({ content: "你好", image: `cloud://${base64}` }), 0)
      const saved = Object.keys(database.dump("posts"))
      assert.lengthOf(saved, 1)

      assert.strictEqual(await errCode({ content: risky }), "uni-sec-check-risk-content")
      await sandbox.run((platform) => platform.markRisky(image))
      const pictured = await publish({ content: "你好", image: `cloud://${base64}` })
      assert.strictEqual(pictured.result.errCode, "uni-sec-check-risk-content")
      assert.deepStrictEqual(pictured.deleted, [`cloud://${base64}`])
      assert.strictEqual(await errCode({ content: "你好", image: "https://elsewhere/x.png" }), "wrong-image")
      assert.strictEqual(await errCode({ content: "" }), "uni-sec-check-empty-content")
      await sandbox.run((platform) => platform.fault(nothing("security.msgSecCheck")))
      assert.strictEqual(await errCode({ content: "你好" }), "qq-mini-unreadable-answer")
      assert.deepStrictEqual(Object.keys(database.dump("posts")), saved)
    }))

  it("subscribe-timer: two apps' programs without a client that called, with uni-open-bridge's tokens", () =>
    runs(
      "subscribe-timer",
      "remind",
      ["opendb-open-data", "reminders"],
      async ({ call, database, sandbox }) => {
        const keywords = { keyword1: { value: "x" } }
        const remind = async (dcloudAppid: string, appid: string, subscribed: boolean) => {
          const { openid } = await sandbox.run((platform) => platform.login({ appid, user: dcloudAppid }))
          if (subscribed) await sandbox.run((platform) => platform.subscribe({ openid }))
          database.put("reminders", {
            _id: openid,
            state: "due",
            dcloudAppid,
            openid,
            templateId: template_id,
            keywords
          })
        }
        await remind("__UNI__AAAAAAA", "1112345678", true)
        await remind("__UNI__BBBBBBB", "1198765432", true)
        await remind("__UNI__BBBBBBX", "1198765432", false)
        const { logged, result } = await call({})
        assert.sameMembers(result, ["sent", "sent", "due"])
        assert.lengthOf(logged, 1)
        assert.include(logged[0], "__UNI__BBBBBBX")
        assert.deepStrictEqual((await call({})).result, ["due"])
        const kept: any = database.dump("opendb-open-data")
        for (const appid of ["1112345678", "1198765432"]) {
          const { expired, value } = kept[`uni-id:qq-mp:${appid}:access-token`]
          assert.isTrue(Number.isInteger(expired) && JSON.parse(value).access_token.length === 64)
        }
        const log = await sandbox.run((platform) => platform.log)
        assert.lengthOf(
          log.filter(({ endpoint }) => endpoint === "auth.getAccessToken"),
          2
        )
      },
      { nobody: true }
    ))
})

describe.each([12, 20] as const)("the example of a broadcast on Node %i", (version) => {
  it("broadcast-timer: nobody gets two messages from timers that overlap, are killed and are frozen", () =>
    runsOn(version)(
      "broadcast-timer",
      "broadcast",
      ["qq-mini-tokens", "qq-mini-broadcasts", "subscribers"],
      async ({ another, call, database, sandbox }) => {
        const count = 900
        const openids = await sandbox.run(({ login, subscribe }) =>
          Effect.forEach(Array.from({ length: count }), (_, i) =>
            Effect.tap(
              Effect.map(login({ user: `user ${i}` }), ({ openid }) => openid),
              // more than one, so that a second message is not refused
              (openid) => subscribe({ openid, template_id: "your-template-id", times: 9 })
            )
          )
        )
        for (const openid of openids)
          database.put("subscribers", { _id: openid, openid, nickname: "x", subscribed: true })
        database.put("subscribers", { _id: "nobody", nickname: "x", subscribed: true })
        database.put("subscribers", { _id: "other", openid: "other", nickname: "x", subscribed: false })
        const endpoint = "subscribeMessage.send"
        await sandbox.run((platform) => platform.fault({ kind: "slowHeaders", endpoint, share: 1, delay: 150 }))
        const requests = () => sandbox.run((platform) => platform.count(endpoint))
        /** Waits until this many more messages were sent. */
        const sending = async (more: number) => {
          const before = await requests()
          while ((await requests()) < before + more) {
            assert.isBelow(before, count - more, "too few are left")
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        }

        const step = async () => {
          const answer = await call({})
          assert.notProperty(answer.result, "thrown")
          return answer
        }
        const first = (await step()).result
        assert.include(["loading", "sending"], first.state)
        assert.isAbove(first.recipients, 0)
        const [killed, frozen] = [await another(), await another()]
        const both = [step(), killed.ask({}).catch(() => undefined)]
        await sending(20)
        await killed.kill()
        await Promise.all(both)
        const late = frozen.ask({})
        await sending(20)
        frozen.freeze()
        assert.isTrue((await call({ action: "pause" })).result)
        assert.strictEqual((await step()).result.state, "paused")
        assert.isTrue((await call({ action: "resume" })).result)
        await step()
        frozen.thaw()
        await late
        let last
        do last = await step()
        while (last.result.state !== "finished")
        const { bad, recipients, rows, sending: open, sent, unknown } = last.result
        assert.deepStrictEqual([bad, recipients, rows, open, last.result.new], [1, count, count + 1, 0, 0])
        assert.include(last.logged[0], "touser")
        assert.strictEqual(sent + unknown, count)
        assert.isAbove(sent, count / 2)

        const log = await sandbox.run((platform) => platform.log)
        const got = log.filter((one) => one.endpoint === endpoint)
        assert.strictEqual(new Set(got.map(({ params }) => params["touser"])).size, got.length, "nobody twice")
        assert.isAtLeast(got.length, sent)
      },
      // steps that end soon
      { nobody: true, change: { "budget: 50000": "budget: 4000" } }
    ))
})

describe.each([12, 14, 16, 18, 20] as const)("the example project of vk on Node %i", (version) => {
  const runs = runsOn(version)

  it("vk project: vk.openapi.qq is qq-mini, with vk's results, programs and collection", () =>
    runs("vk-project", "router", ["vk-global-data"], async ({ call, database, sandbox }) => {
      const service = async ($url: string, data: object) => (await call({ $url, data })).result
      const openapi = (name: string, data: object) => service(`template/openapi/qq/pub/${name}`, data)

      const { code, openid } = await sandbox.run((platform) => platform.login({ user: "a" }))
      const session = await service("user/pub/code2SessionQQ", { code })
      assert.deepStrictEqual([session.code, session.openid, session.platform], [0, openid, "mp-qq"])
      assert.isString(session.encryptedKey)
      assert.notProperty(session, "sessionKey")
      assert.notStrictEqual((await service("user/pub/code2SessionQQ", { code })).code, 0)

      assert.strictEqual((await openapi("msgSecCheck", { content: "你好" })).code, 0)
      assert.strictEqual((await openapi("msgSecCheck", { content: risky })).code, 87014)
      await sandbox.run((platform) => platform.fault(nothing("security.msgSecCheck")))
      const unchecked = await openapi("msgSecCheck", { content: "你好" })
      assert.deepStrictEqual([unchecked.code, typeof unchecked.msg], [-1, "string"])

      assert.strictEqual((await openapi("imgSecCheck", { base64 })).code, 0)
      await sandbox.run((platform) => platform.markRisky(image))
      assert.strictEqual((await openapi("imgSecCheck", { base64 })).code, 87014)

      const picture = await openapi("getMiniCode", { path: "pages/index/index" })
      assert.strictEqual(picture.code, 0)
      assert.isTrue(Buffer.from(picture.base64, "base64").subarray(1, 4).equals(Buffer.from("PNG")))
      const missing = await openapi("getMiniCode", { path: "pages/none" })
      assert.deepStrictEqual([missing.code, missing.msg], [41030, "小程序页面不存在!"])

      const message = { touser: openid, template_id, data: { keyword1: { value: "x" } } }
      assert.strictEqual((await openapi("sendMessage", message)).code, 46001)
      await sandbox.run((platform) => platform.subscribe({ openid }))
      assert.strictEqual((await openapi("sendMessage", message)).code, 0)

      // the other program, of vk.oauth.qq.list
      assert.strictEqual((await openapi("msgSecCheck", { content: "你好", appid: "1198765432" })).code, 0)
      const kept = database.dump("vk-global-data")
      assert.containsAllKeys(kept, ["mp-qq-access_token-1112345678", "mp-qq-access_token-1198765432"])
    }))
})

describe("the readme", () => {
  it("its cloud function and its cloud object run as they stand there", async () => {
    const readme = await readFile(join(home, "README.md"), "utf8")
    const blocks = Array.from(readme.matchAll(/```js\n\/\/ (\S+)\n([\s\S]*?)```/g), ([, file, code]) => ({
      file,
      code
    }))
    const cloudfunctions = await lay("cloud-function")
    const manifest = await readFile(join(cloudfunctions, "check-comment/package.json"))
    for (const { code, file } of blocks) {
      const to = join(cloudfunctions, file!)
      await mkdir(dirname(to), { recursive: true })
      await writeFile(to, code!)
      await writeFile(join(dirname(to), "package.json"), manifest)
    }
    const names = blocks.map(({ file }) => file)
    assert.deepStrictEqual(names, ["check/index.js", "check-object/index.obj.js"])
    const programs = await configured(cloudfunctions)
    await space({ programs, collections: ["qq-mini-tokens"] }, async (sandbox, database) => {
      const start = async (name: string) => {
        const folder = join(cloudfunctions, name)
        await link(folder)
        const config = { folder, baseUrl: sandbox.url, database: database.url }
        return Holder.spawn([nodeBinary(16), path("function.cjs"), JSON.stringify(config)])
      }
      await using main = await start("check")
      assert.deepStrictEqual((await main.ask({ content: "你好" })).result, { risky: false })
      assert.deepStrictEqual((await main.ask({ content: risky })).result, { risky: true })
      assert.include((await main.ask({ content: "" })).result.errMsg, "content")
      await using object = await start("check-object")
      const check = async (content: string) => (await object.ask({ method: "check", params: [content] })).result
      assert.deepStrictEqual(await check("你好"), { risky: false })
      assert.strictEqual((await check("")).errCode, "qq-mini-invalid-input")
    })
  })
})
