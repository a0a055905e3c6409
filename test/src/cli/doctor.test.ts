/**
 * The command `qq-mini doctor` before set-ups that are broken: each is named with its fix, in both languages, and no
 * secret is shown. The command is a process of its own, and all that is broken is real.
 */
import { createQQMini } from "@qq-mini/node"
import { defaultPrograms } from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { spawnSync } from "node:child_process"
import { chmod, mkdir, mkdtemp, readFile, realpath, writeFile } from "node:fs/promises"
import { createServer, type RequestListener, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { createServer as createTcpServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "vitest"
import { qqMini } from "../support/cli.ts"
import { Redis } from "../support/redis.ts"
import { assertNone } from "../support/seen.ts"
import { pathOf } from "../support/systemPrograms.ts"

interface Finding {
  readonly name: string
  readonly state: "ok" | "warning" | "problem" | "skipped"
  readonly says: { readonly en: string; readonly zh: string }
  readonly mend?: { readonly en: string; readonly zh: string }
  readonly details?: Readonly<Record<string, unknown>>
}

const [{ appid, appsecret }] = defaultPrograms
const first = { appid, appsecret: String(appsecret) }
const programSecret = "APPSECRET-aB3dE5gH7jK9"
const password = "PASSWORD-aB3dE5gH7jK9"
const secrets = [programSecret, password, first.appsecret]

const nobody = "127.0.0.1:2"

interface SetUp {
  readonly env?: Readonly<Record<string, string>>
  /** The file `qq-mini.json`, and its mode. */
  readonly file?: Readonly<Record<string, unknown>>
  readonly mode?: number
  readonly flags?: ReadonlyArray<string>
  /** The folder in which the command runs. Its `home` is the user's. */
  readonly folder?: string
}

const newFolder = async () => realpath(await mkdtemp(join(tmpdir(), "qq-mini-doctor-")))

/** Runs the command in a folder of its own, which is also the user's home. */
const run = async ({ env, file, flags = [], folder, mode = 0o600 }: SetUp) => {
  const home = folder ?? (await newFolder())
  if (file !== undefined) await writeFile(join(home, "qq-mini.json"), JSON.stringify(file), { mode })
  const ended = await qqMini(["doctor", ...flags], {
    cwd: home,
    env: { HOME: home, XDG_STATE_HOME: join(home, "state"), ...env }
  })
  assertNone(ended.stdout + ended.stderr, secrets)
  return { ...ended, home }
}

/** What the doctor reports. Holds what every report must hold. */
const doctor = async (setUp: SetUp) => {
  const { code, home, stderr, stdout } = await run({ ...setUp, flags: [...(setUp.flags ?? []), "--json"] })
  let report: { readonly ok: boolean; readonly findings: ReadonlyArray<Finding> }
  try {
    report = JSON.parse(stdout)
  } catch {
    assert.fail(`no report: ${stdout}${stderr}`)
  }
  assert.notInclude(stdout, home)
  const isBroken = report.findings.some(({ state }) => state === "problem")
  assert.strictEqual(report.ok, !isBroken)
  assert.strictEqual(code, isBroken ? 1 : 0, stderr)
  for (const { mend, name, says, state } of report.findings) {
    const texts = mend === undefined ? [says] : [says, mend]
    for (const { zh } of texts) assert.match(zh, /\p{Script=Han}/u, name)
    if (state === "problem" || state === "warning") assert.isDefined(mend, name)
  }
  const of = (name: string): Finding => {
    const all = report.findings.filter((finding) => finding.name === name)
    return all.find(({ state }) => state === "problem") ?? all[0] ?? assert.fail(`no finding ${name}`)
  }
  return {
    of,
    /** Holds that a check found this, and says in both languages what it is and what to do. */
    expect: (name: string, state: Finding["state"], says: RegExp, en: RegExp, zh: RegExp) => {
      const found = of(name)
      const shown = JSON.stringify(found, null, 1)
      assert.strictEqual(found.state, state, shown)
      assert.match(found.says.en, says, shown)
      assert.match(found.mend?.en ?? "", en, shown)
      assert.match(found.mend?.zh ?? "", zh, shown)
    },
    problems: report.findings.filter(({ state }) => state === "problem").map(({ name }) => name)
  }
}

/** A server on this machine, until the end of the block. */
const serving = async (server: Pick<Server, "listen" | "address" | "close">) => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  return {
    at: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      if ("closeAllConnections" in server) (server as Server).closeAllConnections()
      server.close()
    }
  }
}

const answering = (listener: RequestListener) => serving(createServer(listener))

const token = JSON.stringify({ access_token: "TOKEN-0123456789-aB3dE5gH7jK9mN1p", expires_in: 7_200 })

const program = { QQ_APPID: "1112345678", QQ_APPSECRET: programSecret }

/** A certificate with its key, of an authority of its own or self-signed. */
const certificate = async (kind: "self-signed" | "expired" | "of an authority") => {
  const folder = await newFolder()
  const openssl = (...args: ReadonlyArray<string>) => {
    const { status, stderr } = spawnSync(pathOf("openssl"), args, { cwd: folder, encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
  }
  const subject = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem"]
  const names = "subjectAltName=IP:127.0.0.1"
  if (kind === "self-signed") {
    openssl("req", "-x509", ...subject, "-subj", "/O=Self Made/CN=localhost", "-addext", names, "-out", "cert.pem")
  } else {
    const root = ["-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-subj", "/O=Example Firewall/CN=Root"]
    openssl("req", "-x509", ...root, "-out", "root.pem")
    openssl("req", ...subject, "-subj", "/CN=localhost", "-out", "cert.csr")
    await writeFile(join(folder, "index.txt"), "")
    await writeFile(join(folder, "ca.cnf"), caConfig(names))
    const dates = kind === "expired" ? ["20200101000000Z", "20200201000000Z"] : ["20200101000000Z", "20990101000000Z"]
    const validity = ["-startdate", dates[0]!, "-enddate", dates[1]!]
    openssl("ca", "-batch", "-config", "ca.cnf", "-in", "cert.csr", "-out", "cert.pem", ...validity)
  }
  const read = (file: string) => readFile(join(folder, file), "utf8")
  return { key: await read("key.pem"), cert: await read("cert.pem"), root: join(folder, "root.pem") }
}

const caConfig = (names: string) => `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
certificate = root.pem
private_key = root.key
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
${names}
`

describe.concurrent("doctor", () => {
  it("a good set-up: nothing to mend, and the stored token stays", async () => {
    await using sandbox = await SandboxServer.start()
    const folder = await newFolder()
    const setUp = { folder, file: { ...first, baseUrl: sandbox.url, store: `sqlite:${join(folder, "t.sqlite")}` } }
    const { of, problems } = await doctor(setUp)
    assert.deepStrictEqual(problems, [])
    assert.strictEqual(of("secret").state, "ok")
    assert.deepStrictEqual(of("secret").details, { appid: first.appid, asked: true })
    await using qq = createQQMini(setUp.file)
    const before = await qq.auth.getAccessToken()
    const again = await doctor(setUp)
    assert.strictEqual(again.of("secret").details!["asked"], false)
    assert.strictEqual(await qq.auth.getAccessToken(), before)
    // for a person, in a language
    const { code, stdout } = await run({ ...setUp, flags: ["--lang", "zh"] })
    assert.strictEqual(code, 0)
    assert.match(stdout, /✔ 正常 密钥/)
    assert.match(stdout, /一切正常/)
  })

  it("a wrong secret", async () => {
    await using sandbox = await SandboxServer.start()
    const { expect, problems } = await doctor({ env: { ...program, QQ_BASE_URL: sandbox.url } })
    assert.deepStrictEqual(problems, ["secret"])
    expect("secret", "problem", /WrongSecret/, /Copy it again from q\.qq\.com.*40001/, /重新复制/)
  })

  it("a wrong appid: one that QQ does not know, and one of WeChat", async () => {
    await using sandbox = await SandboxServer.start()
    const env = { ...program, QQ_BASE_URL: sandbox.url }
    const unknown = await doctor({ env: { ...env, QQ_APPID: "10203040" } })
    unknown.expect("configuration", "warning", /8 characters/, /QQ bot/, /QQ 机器人/)
    unknown.expect("secret", "problem", /InvalidAppId/, /not of WeChat/, /而不是微信/)
    const weChat = await doctor({ env: { ...env, QQ_APPID: "wx0123456789abcdef" } })
    weChat.expect("configuration", "problem", /WeChat/, /ten digits/, /十位数字/)
    assert.deepStrictEqual(weChat.problems, ["configuration", "secret"])
  })

  it("nothing is set, or a secret with quotes, or a placeholder", async () => {
    const env = { QQ_BASE_URL: `http://${nobody}` }
    const empty = await doctor({ env })
    empty.expect("configuration", "problem", /can't be used/, /QQ_APPSECRET/, /未设置/)
    const quoted = await doctor({ env: { ...env, ...program, QQ_APPSECRET: `"${programSecret}"` } })
    quoted.expect("configuration", "problem", /quotes/, /Remove them/, /去掉/)
    const placeholder = await doctor({ env: { ...env, ...program, QQ_APPSECRET: "<your secret>" } })
    placeholder.expect("configuration", "problem", /placeholder/, /q\.qq\.com/, /q\.qq\.com/)
    assert.deepStrictEqual(placeholder.problems, ["configuration", "connection"])
  })

  it("a file with names that mean nothing, which all users can read", async () => {
    const file = { appid: program.QQ_APPID, appsecret: programSecret, baseUrl: `http://${nobody}`, atempts: 3 }
    const { expect } = await doctor({ file, mode: 0o644 })
    expect("configuration", "problem", /can't be used/, /atempts.*write attempts/, /atempts.*应写作 attempts/)
    expect("files", "problem", /~\/qq-mini\.json has a secret.*0644/, /chmod 600 ~\/qq-mini\.json/, /chmod 600/)
  })

  it("a base URL that would send the secret unencrypted, a host without DNS, a closed port", async () => {
    const plain = await doctor({ env: { ...program, QQ_BASE_URL: "http://qq.invalid" } })
    plain.expect("configuration", "problem", /unencrypted/, /https/, /https/)
    plain.expect(
      "dns",
      "problem",
      /qq\.invalid can't be resolved \((ENOTFOUND|EAI_AGAIN)\)/,
      /name server/,
      /域名服务器/
    )
    assert.strictEqual(plain.of("secret").state, "skipped")
    const closed = await doctor({ env: { ...program, QQ_BASE_URL: `http://${nobody}` } })
    closed.expect("connection", "problem", /ECONNREFUSED/, /base URL/, /base URL/)
    assert.deepStrictEqual(closed.problems, ["connection"])
  })

  it("a proxy that is down, that wants a password, or that is none", async () => {
    const env = { ...program, QQ_BASE_URL: "https://qq.invalid" }
    const down = await doctor({ env: { ...env, HTTPS_PROXY: `http://user:${password}@${nobody}` } })
    down.expect("proxy", "problem", /HTTPS_PROXY, 127\.0\.0\.1:2, .*ECONNREFUSED/, /NO_PROXY/, /NO_PROXY/)
    assert.deepStrictEqual(down.problems, ["proxy"])
    const excepted = await doctor({ env: { ...env, HTTPS_PROXY: `http://${nobody}`, NO_PROXY: "x.example, .invalid" } })
    assert.strictEqual(excepted.of("proxy").state, "ok")
    assert.deepStrictEqual(excepted.problems, ["dns"])
    const server = createServer()
    server.on("connect", (_, socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    await using asking = await serving(server)
    const closed = await doctor({ env: { ...env, HTTPS_PROXY: `http://${asking.at}` } })
    closed.expect("tls", "problem", /407/, /HTTPS_PROXY, as http:\/\/user:password@/, /HTTPS_PROXY/)
    const wrong = { HTTP_PROXY: `socks5://user:${password}@${nobody}`, HTTPS_PROXY: `http://${nobody}` }
    const socks = await doctor({ env: { ...env, ...wrong } })
    socks.expect("proxy", "problem", /HTTP_PROXY is not the address of an HTTP proxy/, /SOCKS/, /SOCKS/)
  })

  it("certificates: self-signed, expired, of an unknown authority, of a trusted one", async () => {
    const examine = async (kind: Parameters<typeof certificate>[0], isTrusted: boolean) => {
      const { root, ...pair } = await certificate(kind)
      const server = createTlsServer(pair, (request, response) =>
        response.end(request.url!.includes("secret=") ? token : '{"errcode":40013,"errmsg":"invalid appid"}')
      )
      await using running = await serving(server)
      const trust = isTrusted ? { NODE_EXTRA_CA_CERTS: root } : {}
      return await doctor({ env: { ...program, QQ_BASE_URL: `https://${running.at}`, ...trust } })
    }
    const selfSigned = await examine("self-signed", false)
    selfSigned.expect("tls", "problem", /self-signed.*Self Made/, /NODE_EXTRA_CA_CERTS/, /NODE_EXTRA_CA_CERTS/)
    assert.deepStrictEqual(selfSigned.problems, ["tls"])
    const expired = await examine("expired", true)
    expired.expect("tls", "problem", /expired on Feb.*2020.*Example Firewall/, /date/, /日期/)
    const intercepted = await examine("of an authority", false)
    intercepted.expect("tls", "problem", /does not trust: Example Firewall, Root/, /root certificate/, /根证书/)
    const trusted = await examine("of an authority", true)
    assert.deepStrictEqual(trusted.problems, [])
  })

  it("a clock that is wrong", async () => {
    await using qq = await answering((_, response) => {
      response.sendDate = false
      response.setHeader("date", new Date(Date.now() + 2 * 3_600_000).toUTCString())
      response.end(token)
    })
    const { expect } = await doctor({ env: { ...program, QQ_BASE_URL: `http://${qq.at}` } })
    expect("clock", "problem", /120 min behind/, /timedatectl/, /时间同步/)
  })

  it("the login page of a network, as a page or as a redirect, and something that is not QQ", async () => {
    const examine = async (listener: RequestListener) => {
      await using server = await answering(listener)
      return await doctor({ env: { ...program, QQ_BASE_URL: `http://${server.at}` } })
    }
    const page = await examine((_, response) => response.end("<!DOCTYPE html><title>Wi-Fi</title>"))
    page.expect("answer", "problem", /web page.*login page/, /browser/, /浏览器/)
    assert.deepStrictEqual(page.problems, ["answer"])
    const redirect = await examine((_, response) =>
      response.writeHead(302, { location: "http://login.example/?from=1" }).end()
    )
    redirect.expect("answer", "problem", /login\.example/, /browser/, /浏览器/)
    const other = await examine((_, response) => response.end("hello"))
    other.expect("answer", "problem", /not QQ's API/, /base URL/, /base URL/)
  })

  it("an address that QQ does not allow", async () => {
    const refusal = '{"errcode":40164,"errmsg":"invalid ip 203.0.113.7, not in whitelist"}'
    await using qq = await answering((_, response) => response.end(refusal))
    const { expect } = await doctor({ env: { ...program, QQ_BASE_URL: `http://${qq.at}` } })
    expect("secret", "problem", /this machine's address/, /IP allow-list.*203\.0\.113\.7/, /IP 白名单/)
  })

  it("a server that never answers does not keep the doctor", async () => {
    await using silent = await serving(createTcpServer() as unknown as Server)
    const { expect } = await doctor({ env: { ...program, QQ_BASE_URL: `http://${silent.at}` } })
    expect("answer", "problem", /did not end within/, /firewall/, /防火墙/)
  })

  it("a store in a file: no rights, another's file, locked, or readable for others", async () => {
    await using sandbox = await SandboxServer.start()
    const env = { QQ_APPID: first.appid, QQ_APPSECRET: first.appsecret, QQ_BASE_URL: sandbox.url }
    const unwritable = await doctor({ env: { ...env, QQ_STORE: "sqlite:/proc/qq-mini/tokens.sqlite" } })
    unwritable.expect("store", "problem", /can't be used/, /QQ_STORE.*user.*write/, /QQ_STORE.*写/)
    assert.strictEqual(unwritable.of("secret").state, "skipped")
    const folder = await newFolder()
    const path = join(folder, "tokens.sqlite")
    await writeFile(path, "not a database, but long enough to be looked at".repeat(100))
    const setUp = { folder, env: { ...env, QQ_STORE: `sqlite:${path}` } }
    const foreign = await doctor(setUp)
    foreign.expect("store", "problem", /can't be used/, /~\/tokens\.sqlite.*another kind of file/, /不是 SQLite 数据库/)
    await writeFile(path, "")
    await chmod(path, 0o644)
    const open = await doctor(setUp)
    open.expect("store", "warning", /Other users.*0644/, /token --refresh/, /token --refresh/)
    const database = new DatabaseSync(path)
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    const locked = await doctor(setUp)
    locked.expect("store", "problem", /locked/, /database browser/, /数据库浏览器/)
    database.close()
  })

  it("a Redis that is down, that wants a password, or that throws tokens away", async () => {
    await using sandbox = await SandboxServer.start()
    const env = { QQ_APPID: first.appid, QQ_APPSECRET: first.appsecret, QQ_BASE_URL: sandbox.url }
    const down = await doctor({ env: { ...env, QQ_STORE: `redis://:${password}@${nobody}` } })
    down.expect("store", "problem", /can't be used/, /127\.0\.0\.1:2.*ECONNREFUSED.*start Redis/, /启动 Redis/)
    await using closed = await Redis.start("--requirepass", password)
    const wrong = await doctor({ env: { ...env, QQ_STORE: `redis://:wrong@${closed.address}` } })
    wrong.expect("store", "problem", /can't be used/, /WRONGPASS.*password/, /密码/)
    await using cache = await Redis.start("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
    const evicting = await doctor({ env: { ...env, QQ_STORE: cache.url } })
    evicting.expect("store", "warning", /allkeys-lru/, /noeviction/, /noeviction/)
    assert.strictEqual(evicting.of("secret").state, "ok")
  })

  it("a memory store: no token is fetched that would end another's, unless the user wants it", async () => {
    await using sandbox = await SandboxServer.start({ switches: { oldTokenGrace: 0 } })
    await using qq = createQQMini({ ...first, baseUrl: sandbox.url, store: "memory", attempts: 1 })
    const env = { QQ_APPID: first.appid, QQ_APPSECRET: first.appsecret, QQ_BASE_URL: sandbox.url, QQ_STORE: "memory" }
    const before = await qq.auth.getAccessToken()
    const careful = await doctor({ env })
    careful.expect("secret", "skipped", /running processes/, /--fetch/, /--fetch/)
    careful.expect("contest", "skipped", /store memory remembers nothing/, /^$/, /^$/)
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x", access_token: before }), { risky: false })
    const asked = await doctor({ env, flags: ["--fetch"] })
    assert.strictEqual(asked.of("secret").state, "ok")
  })

  it("a token that is encrypted with another key: it is not replaced", async () => {
    await using sandbox = await SandboxServer.start()
    const folder = await newFolder()
    const settings = { ...first, baseUrl: sandbox.url, store: `sqlite:${join(folder, "tokens.sqlite")}` }
    await using qq = createQQMini({ ...settings, tokenKey: "ab".repeat(32) })
    await qq.auth.getAccessToken()
    const asked = () => sandbox.run((platform) => platform.count("auth.getAccessToken"))
    const before = await asked()
    const { expect } = await doctor({ folder, file: { ...settings, tokenKey: "cd".repeat(32) } })
    expect("secret", "problem", /another key/, /QQ_TOKEN_KEY/, /QQ_TOKEN_KEY/)
    // One request of the doctor names no program.
    assert.strictEqual(await asked(), before + 1)
  })

  it("a contested token: the stored one is dead, and the store remembers that it happened again and again", async () => {
    await using sandbox = await SandboxServer.start({ switches: { oldTokenGrace: 0 } })
    const folder = await newFolder()
    const settings = { ...first, baseUrl: sandbox.url, store: `sqlite:${join(folder, "tokens.sqlite")}` }
    await using qq = createQQMini({ ...settings, attempts: 1 })
    await qq.auth.getAccessToken()
    await sandbox.run((platform) => platform.stealToken())
    const once = await doctor({ folder, file: settings })
    once.expect("contest", "problem", /another client has fetched/, /stop it or let it share/, /共用此存储/)
    for (let i = 0; i < 5; i++) {
      await qq.security.msgSecCheck({ content: "x" }).catch(() => undefined)
      await sandbox.run((platform) => platform.stealToken())
    }
    const often = await doctor({ folder, file: settings })
    often.expect("contest", "problem", /\d+ tokens of \d+ ended before/, /another deployment/, /另有服务/)
    assert.strictEqual(often.of("secret").state, "skipped")
  })

  const install = async (folder: string, path: string, manifest: Readonly<Record<string, unknown>>) => {
    const file = join(folder, path, "package.json")
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify(manifest))
  }

  it("the package qq-mini alone", async () => {
    const folder = await newFolder()
    await install(folder, ".", { dependencies: { "qq-mini": "*" } })
    await install(folder, "node_modules/qq-mini", { version: "0.1.0" })
    const { stdout } = await run({ folder, env: program, flags: ["--json"] })
    const found = (JSON.parse(stdout).findings as ReadonlyArray<Finding>).find(({ name }) => name === "versions")!
    assert.strictEqual(found.state, "ok")
    assert.match(found.says.en, /; qq-mini 0\.1\.0/)
  })

  it("packages that do not fit together", async () => {
    const folder = await newFolder()
    await install(folder, ".", { dependencies: { "@qq-mini/node": "*", "@qq-mini/core": "*", effect: "*" } })
    const peers = { effect: "~4.1.0", redis: ">=5.0.0 <7.0.0", undici: "^8.0.0" }
    const node = { version: "0.1.0", peerDependencies: peers, peerDependenciesMeta: { redis: { optional: true } } }
    await install(folder, "node_modules/@qq-mini/node", { ...node, dependencies: { "@qq-mini/core": "^0.1.0" } })
    await install(folder, "node_modules/@qq-mini/node/node_modules/@qq-mini/core", { version: "0.1.0" })
    await install(folder, "node_modules/@qq-mini/core", { version: "0.2.0" })
    await install(folder, "node_modules/effect", { version: "3.19.0" })
    const { code, stdout } = await run({ folder, env: program, flags: ["--json"] })
    assert.strictEqual(code, 1)
    const found = (JSON.parse(stdout).findings as ReadonlyArray<Finding>).filter(({ name }) => name === "versions")
    const texts = found.map(({ mend, says }) => `${says.en} ${mend!.en} ${mend!.zh}`)
    const expected = [
      /needs effect ~4\.1\.0, and 3\.19\.0 is installed.*npm install "effect@~4\.1\.0".*请运行/,
      /needs undici, which is not installed.*npm install "undici@\^8\.0\.0".*请运行/,
      /core is installed 2 times \(0\.2\.0, 0\.1\.0\).*npm dedupe.*请统一版本/,
      /several versions.*@qq-mini\/core 0\.2\.0.*@latest.*请运行/
    ]
    for (const pattern of expected)
      assert.isTrue(
        texts.some((text) => pattern.test(text)),
        `${pattern} in ${texts.join("\n")}`
      )
    assert.strictEqual(texts.length, expected.length)
  })
})
