/** `qq-mini send`: one message, and broadcasts that are asked for, paused, killed and resumed. */
import { defaultTemplate, type TestSandbox } from "@qq-mini/sandbox/testing"
import { once } from "node:events"
import { appendFile, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, beforeEach, describe, it } from "vitest"
import { inSandbox, qqMini, startQQMini } from "../support/cli.ts"
import { Terminal } from "../support/terminal.ts"

const call = "subscribeMessage.send"
const template = ["--template", defaultTemplate]

describe("qq-mini send", () => {
  let sandbox: TestSandbox
  let cwd: string
  let env: Record<string, string>
  const setUp = inSandbox()
  beforeEach(async () => {
    ;({ cwd, env, sandbox } = await setUp())
  })

  /** Users who want more than one message, so that a second one would not be refused; and the file of them. */
  const users = async (many: number) => {
    const openids: Array<string> = []
    for (let i = 0; i < many; i++) {
      const { openid } = await sandbox.login({ user: `user ${i}` })
      await sandbox.subscribe({ openid, times: 9 })
      openids.push(openid)
    }
    await writeFile(join(cwd, "users.csv"), `openid,keyword1\n${openids.map((one) => `${one},hello\n`).join("")}`)
    return openids
  }

  const recipients = async () => (await sandbox.requests(call)).map(({ params }) => params["touser"])

  /** Waits until so many messages were sent. */
  const sent = async (many: number) => {
    while ((await sandbox.requests(call)).length < many) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  it("sends one message, and says what QQ refuses", async () => {
    const [openid] = await users(1)
    const message = [...template, "--data", "keyword1=hello", "--page", "pages/index/index"]
    const one = await qqMini(["send", openid!, ...message, "--json"], { cwd, env })
    assert.deepStrictEqual([one.code, JSON.parse(one.stdout)], [0, { openid, result: "sent" }])
    const { params } = (await sandbox.requests(call))[0]!
    assert.deepStrictEqual([params["page"], params["data"]], ["pages/index/index", { keyword1: { value: "hello" } }])
    const again = await qqMini(["send", openid!, ...message, "--lang", "zh"], { cwd, env })
    assert.strictEqual(again.code, 3)
    assert.include(again.stderr, "今天已给该用户发送过")
  })

  it("sends nothing if flags don't fit, if nobody can be asked, or for a dry run", async () => {
    const [openid] = await users(3)
    const many = ["send", "--csv", "users.csv", ...template]
    for (const args of [
      ["send"],
      ["send", openid!, "--dry-run", ...template, "--data", "keyword1=x"],
      ["send", openid!, "--csv", "users.csv", ...template],
      ["send", openid!, ...template],
      [...many, "--yes", "--rate", "600 a minute"],
      [...many, "--yes", "--quiet-hours", "22-08"],
      [...many, "--yes", "--report", "users.csv"],
      [...many, "--yes", "--store", "memory"],
      many
    ]) {
      assert.strictEqual((await qqMini(args, { cwd, env })).code, 2, args.join(" "))
    }
    await appendFile(join(cwd, "users.csv"), `no openid,hello\n${openid},again\n`)
    const dry = await qqMini([...many, "--dry-run", "--rate", "1/minute"], { cwd, env })
    assert.strictEqual(dry.code, 1)
    assert.match(
      dry.stdout,
      /^3 recipients, 2 bad rows, at least 3 min.*\n {2}line 5: touser .*\n {2}line 6: touser .*/
    )
    assert.isEmpty(await recipients())
  })

  it("B1: a repeated command sends nothing again, and a changed file needs a name", async () => {
    const [openid] = await users(3)
    await sandbox.refuse({ openid: openid! })
    const args = ["send", "--csv", "users.csv", ...template, "--yes", "--report", "report.csv"]
    const first = await qqMini(args, { cwd, env })
    assert.strictEqual(first.code, 3)
    assert.match(first.stdout, /sent +2\nrefused +1\n +1 {2}\w+ 4\d+/)
    assert.match(
      await readFile(join(cwd, "report.csv"), "utf8"),
      new RegExp(`^.line,openid,.*\n2,${openid},refused,\\w`)
    )
    assert.strictEqual((await qqMini(args, { cwd, env })).code, 3)
    await appendFile(join(cwd, "users.csv"), "\n")
    const changed = await qqMini(args, { cwd, env })
    assert.strictEqual(changed.code, 2)
    assert.include(changed.stderr, "would get it again")
    assert.lengthOf(await recipients(), 3)
    const status = await qqMini(["send", "status", "--lang", "zh"], { cwd, env })
    assert.match(status.stdout, /^users-.* 已完成\n已发送 +2/)
  })

  it("a broadcast whose every message would fail stops, and goes on when that is mended", async () => {
    await users(3)
    const wrong = await qqMini(["send", "--csv", "users.csv", "--template", "unknown", "--id", "x", "--yes"], {
      cwd,
      env
    })
    assert.strictEqual(wrong.code, 3)
    assert.include(wrong.stderr, "The broadcast stopped")
    const right = await qqMini(["send", "--csv", "users.csv", ...template, "--id", "x", "--yes"], { cwd, env })
    assert.strictEqual(right.code, 0)
  })

  it("B1: after kill -9 the same command goes on, and nobody gets two messages", async () => {
    const many = 1_500
    const openids = await users(many)
    // The timeout of a message: claims of the process that died are over soon.
    await writeFile(join(cwd, "qq-mini.json"), JSON.stringify({ deadline: 2_000 }))
    const args = ["send", "--csv", "users.csv", ...template, "--yes", "--json"]
    for (const until of [200, 700]) {
      const killed = startQQMini(args, { cwd, env })
      await sent(until)
      killed.kill("SIGKILL")
      await once(killed, "close")
    }
    assert.isBelow((await recipients()).length, many)
    const { stdout } = await qqMini(args, { cwd, env })
    const got = await recipients()
    assert.strictEqual(new Set(got).size, got.length)
    assert.isEmpty(got.filter((openid) => !openids.includes(openid as string)))
    const { broadcast } = JSON.parse(stdout.trim().split("\n").at(-1)!)
    assert.strictEqual(broadcast.state, "finished")
    assert.strictEqual(broadcast.sent + broadcast.unknown, many)
    // Of each killed process, as many as were on their way.
    assert.isAtMost(broadcast.unknown, 2 * 16)
  })

  it("on a terminal it asks, shows how far it is, pauses with p, and ends with Ctrl+C", async () => {
    await users(400)
    const command = `send --csv users.csv ${template.join(" ")} --rate 40/second`
    const terminal = new Terminal(command, { cwd, env })
    await terminal.until(new RegExp(`Send ${defaultTemplate} to 400 recipients of users.csv\\?[\\s\\S]*\\(y/N\\)`))
    assert.isEmpty(await recipients())
    terminal.type("y")
    await terminal.until(/[█░]{20} +\d+% {2}[\d,]+\/400 {2}[\d.]+\/s {2}.* left {2}p pauses {2}\d+ sent/)
    terminal.type("p")
    await terminal.until(/paused, p resumes/)
    terminal.type("p")
    await terminal.until(/p pauses/)
    terminal.type("\x03")
    await terminal.until(/Ending the messages on their way/)
    const end = await terminal.ended
    assert.match(
      end,
      /not finished[\s\S]*not sent yet[\s\S]*Interrupted\. The same command goes on[\s\S]*exit code 130/
    )
    const refused = new Terminal(`${command} --lang zh`, { cwd, env })
    await refused.until(/继续发送[\s\S]*\(y\/N\)/)
    refused.type("n")
    assert.include(await refused.ended, "未发送任何消息")
    const before = (await recipients()).length
    assert.isBelow(before, 400)
    const rest = await qqMini(["send", "--csv", "users.csv", ...template, "--yes"], { cwd, env })
    assert.strictEqual(rest.code, 0)
    const got = await recipients()
    assert.strictEqual(new Set(got).size, 400)
    assert.lengthOf(got, 400)
  })
})
