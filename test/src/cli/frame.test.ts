/** What all commands of `qq-mini` have: languages, settings, JSON, exit codes, completions. */
import { startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { execFile } from "node:child_process"
import { chmod, mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { exitTexts } from "../../../packages/qq-mini/src/command/frame/exit.ts"
import { langOf } from "../../../packages/qq-mini/src/command/frame/invocation.ts"
import { merge, type Values } from "../../../packages/qq-mini/src/command/frame/Settings.ts"
import { root } from "../../../packages/qq-mini/src/command/commands.ts"
import { qqMini, qqMiniJson } from "../support/cli.ts"

const run = promisify(execFile)
const commands = root.subcommands.flatMap((group) => group.commands.map(({ name }) => name))
const sources = new URL("../../../packages/qq-mini/src/command/", import.meta.url)

describe("the languages of the command", () => {
  it("has every text in English and in Chinese", async () => {
    const files = (await readdir(sources, { recursive: true })).filter(
      (file) => file.endsWith(".ts") && file !== "main.ts"
    )
    const modules = await Promise.all(files.map((file) => import(new URL(file, sources).href)))
    const texts = [exitTexts, ...modules.map((module) => module.texts ?? {})].flatMap((table) =>
      Object.values<{ readonly en: string; readonly zh: string }>(table)
    )
    assert.isAbove(texts.length, 20)
    for (const { en, zh } of texts) {
      assert.notMatch(en, /\p{Script=Han}/u)
      assert.match(zh, /\p{Script=Han}/u)
    }
  })

  it("is that of --lang, else of the locale, else English", () => {
    assert.strictEqual(langOf([], {}), "en")
    assert.strictEqual(langOf([], { LANG: "zh_CN.UTF-8" }), "zh")
    assert.strictEqual(langOf([], { LC_ALL: "C", LANG: "zh_CN.UTF-8" }), "en")
    assert.strictEqual(langOf([], { LC_ALL: "", LC_MESSAGES: "zh_TW", LANG: "en_US" }), "zh")
    assert.strictEqual(langOf(["--lang", "en"], { LANG: "zh_CN" }), "en")
    assert.strictEqual(langOf(["token", "--lang=zh"], { LANG: "en_US" }), "zh")
    assert.strictEqual(langOf(["check", "--", "--lang", "zh"], {}), "en")
  })

  it("every command has help in both, with the exit codes in that of all", async () => {
    const ofAll = await qqMini(["--help"], { env: { LANG: "zh_CN.UTF-8" } })
    for (const part of ["用法", "命令", "退出码", "130"]) assert.include(ofAll.stdout, part)
    for (const name of commands) {
      const zh = await qqMini([name, "--help"], { env: { LANG: "zh_CN.UTF-8" } })
      assert.strictEqual(zh.code, 0)
      assert.notMatch(zh.stdout, /^(DESCRIPTION|USAGE|ARGUMENTS|FLAGS|GLOBAL FLAGS|EXAMPLES)|\(optional\)|\(choices/m)
      const en = await qqMini([name, "--help"])
      assert.notMatch(en.stdout, /\p{Script=Han}/u)
    }
  })
})

describe("the settings", () => {
  const source = (values: Values, name: string) => ({ values, nameOf: () => name })

  it("are those of flags, then the environment, then the file", () => {
    const { sources, values } = merge([
      source({ QQ_STORE: "memory" }, "flag"),
      source({ QQ_STORE: "sqlite", QQ_APPSECRET: "s" }, "environment"),
      source({ QQ_APPID: "1112345678", QQ_BASE_URL: "http://127.0.0.1" }, "file")
    ])
    assert.deepStrictEqual(values, {
      QQ_STORE: "memory",
      QQ_APPSECRET: "s",
      QQ_APPID: "1112345678",
      QQ_BASE_URL: "http://127.0.0.1"
    })
    assert.strictEqual(sources.QQ_STORE, "flag")
    assert.strictEqual(sources.QQ_APPID, "file")
  })

  it("never use a secret for another appid than the one beside it", () => {
    const { values } = merge([
      source({ QQ_APPID: "1198765432" }, "flag"),
      source({ QQ_APPID: "1112345678", QQ_APPSECRET: "of the other" }, "environment"),
      source({ QQ_APPID: "1198765432", QQ_APPSECRET: "its own" }, "file")
    ])
    assert.strictEqual(values.QQ_APPSECRET, "its own")
  })
})

describe("the command", () => {
  let sandbox: TestSandbox
  let folder: string
  beforeAll(async () => {
    sandbox = await startSandbox()
    folder = await mkdtemp(join(tmpdir(), "qq-mini-cli-"))
    await mkdir(join(folder, "below"))
    const { appid, appsecret } = sandbox.options
    const file = { appid, appsecret, baseUrl: sandbox.url, store: "sqlite:tokens.sqlite" }
    await writeFile(join(folder, "qq-mini.json"), JSON.stringify(file))
  })
  afterAll(() => sandbox.close())

  it("finds qq-mini.json above, and warns while others can read its secret", async () => {
    const cwd = join(folder, "below")
    const open = await qqMini(["token"], { cwd })
    assert.strictEqual(open.code, 0, open.stderr)
    assert.include(open.stdout, join(folder, "tokens.sqlite"))
    assert.include(open.stderr, "chmod 600")
    await chmod(join(folder, "qq-mini.json"), 0o600)
    assert.strictEqual((await qqMini(["token"], { cwd })).stderr, "")
  })

  it("names the flag, the variable or the field of the file that is wrong", async () => {
    const config = join(folder, "wrong.json")
    await writeFile(config, JSON.stringify({ attempts: "many" }), { mode: 0o600 })
    const env = sandbox.env
    assert.include((await qqMini(["token", "--store", "ftp://x"], { env })).stderr, "--store: must be sqlite")
    assert.include((await qqMini(["token"], { env: { ...env, QQ_STORE: "ftp://x" } })).stderr, "QQ_STORE: must be")
    assert.include((await qqMini(["token", "--config", config], { env })).stderr, `attempts (${config}): must be`)
    await writeFile(config, '{"appsecret":"half a secr')
    const { stderr } = await qqMini(["token", "--config", config], { env })
    assert.include(stderr, `${config}: must be a JSON object`)
    assert.notInclude(stderr, "half")
  })

  it("ends with the exit code of its failure, and prints it as JSON on the standard output", async () => {
    const { env } = sandbox
    const session_key = (await sandbox.login()).session_key
    const cases: ReadonlyArray<[code: number, reason: string | undefined, args: Array<string>, env: object]> = [
      [0, undefined, ["token"], env],
      [1, undefined, ["verify", "login-state", "text", "--signature", "00"], { QQ_SESSION_KEY: session_key }],
      [2, "WrongUsage", ["token", "--shw"], env],
      [2, "WrongUsage", ["tokn"], env],
      [2, "WrongUsage", ["session"], env],
      [2, "InvalidConfig", ["token"], {}],
      [2, "UnknownApp", ["token", "--appid", "1"], env],
      [3, "WrongSecret", ["token"], { ...env, QQ_APPSECRET: "another" }],
      [4, "ConnectionFailed", ["token"], { ...env, QQ_BASE_URL: "http://127.0.0.1:9" }]
    ]
    for (const [code, reason, args, env] of cases) {
      const ended = await qqMiniJson(args, { env: env as Record<string, string> })
      assert.deepStrictEqual([ended.code, ended.value.error?.reason], [code, reason], args.join(" "))
      if (reason === undefined) continue
      assert.strictEqual(ended.value.error.exit, code)
      assert.match(ended.value.error.help.zh, /\p{Script=Han}/u)
    }
  })

  it("says what is wrong with a call, and never shows the value", async () => {
    const wrong = await qqMini(["token", "--lang", "zh", "--refresh=secretValue"])
    assert.strictEqual(wrong.code, 2)
    assert.include(wrong.stderr, "--refresh 的值缺失或有误")
    assert.notInclude(wrong.stderr + wrong.stdout, "secretValue")
    assert.include((await qqMini(["tokn"])).stderr, "Did you mean token?")
  })

  it.each(["bash", "zsh", "fish"])("has completions for %s", async (shell) => {
    const { code, stdout } = await qqMini(["--completions", shell])
    assert.strictEqual(code, 0)
    for (const name of commands) assert.include(stdout, name)
    if (shell === "bash") await run("bash", ["-n", "-c", stdout])
  })
})
