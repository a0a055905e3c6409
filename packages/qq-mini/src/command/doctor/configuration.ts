/** The check of the configuration, and of the rights of its files. */
import { names as partNames } from "@qq-mini/core/adapter/Parts"
import * as Setup from "@qq-mini/core/adapter/Setup"
import type { AppCredentials } from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import type { Help, QQError } from "@qq-mini/core/QQError"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { statSync } from "node:fs"
import { withSource } from "../frame/client.ts"
import { both } from "../frame/invocation.ts"
import { failed, type Finding, ok, problem, warning } from "./Finding.ts"
import { addressOf, baseUrlOf, programsOf, type Subject } from "./Subject.ts"

const atQQ = both("see q.qq.com > Development > Settings", "见 q.qq.com“开发 > 开发设置”")

const wrong = (says: Help, mend: Help): Finding => problem("configuration", says, mend)

/** What is wrong with an appid, judged by its shape. */
const ofAppid = ({ appid }: AppCredentials): Finding | undefined => {
  if (/^\d{10}$/.test(appid)) return undefined
  if (/^wx[\da-f]{16}$/i.test(appid)) {
    return wrong(
      both("The appid is one of WeChat.", "该 appid 是微信小程序的。"),
      both(
        `Set the appid of the QQ mini program, ten digits: ${atQQ.en}.`,
        `请改用 QQ 小程序的 appid（十位数字）：${atQQ.zh}。`
      )
    )
  }
  return warning(
    "configuration",
    both(
      `The appid has ${appid.length} characters; those of QQ mini programs have ten digits.`,
      `该 appid 有 ${appid.length} 个字符，而 QQ 小程序的 appid 为十位数字。`
    ),
    both(
      `Compare it, ${atQQ.en}. The id of a QQ bot, a QQ number or an id of WeChat does not work.`,
      `请核对，${atQQ.zh}。QQ 机器人的 ID、QQ 号和微信的 appid 均不可用。`
    )
  )
}

const placeholder = /^(<.*>|\$\{?\w+\}?|x+|\*+|your\W?\w*|changeme|app\W?secret)$/i

/** What is wrong with a secret, judged by its shape. */
const ofSecret = ({ appid, appsecret }: AppCredentials): Finding | undefined => {
  const secret = Redacted.value(appsecret)
  if (/^[\s"'“‘`]|[\s"'”’`]$/.test(secret)) {
    return wrong(
      both("The AppSecret has spaces or quotes around it.", "AppSecret 的首尾有空格或引号。"),
      both("Remove them: they count as a part of the secret.", "请去掉：它们会被当作密钥的一部分。")
    )
  }
  return secret === appid || placeholder.test(secret)
    ? wrong(
        both("The AppSecret is a placeholder, not a secret.", "AppSecret 是占位文字，而不是真正的密钥。"),
        both(`Set the program's AppSecret: ${atQQ.en}.`, `请填写小程序的 AppSecret：${atQQ.zh}。`)
      )
    : undefined
}

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)

const ofAddress = (url: URL | undefined): Finding | undefined =>
  url === undefined || url.protocol === "https:" || isLoopback(url.hostname)
    ? undefined
    : wrong(
        both(
          "The base URL begins with http: the AppSecret would travel unencrypted.",
          "base URL 以 http 开头：AppSecret 将以明文传输。"
        ),
        both(
          "Begin it with https, or remove the setting to use QQ's own address.",
          "请改为 https，或去掉此项以使用 QQ 的地址。"
        )
      )

const storeNames = "sqlite, sqlite:/path/to/file, redis://host:6379/0, redis+sentinel://host:26379/mymaster, memory"

const ofStore = (store: string | undefined): Finding | undefined =>
  NodeQQMini.storeByName(store) === undefined
    ? wrong(
        both("The store has a name that is not known.", "存储的名称无法识别。"),
        both(`Write one of: ${storeNames}.`, `请写成其中之一：${storeNames.replaceAll(", ", "、")}。`)
      )
    : undefined

const optionNames = { ...Setup.names, ...partNames, ...NodeTransport.names }

const unusable = both("A setting can't be used.", "有一项设置无法使用。")

/** Checks each value, and says where it came from. */
export const configuration = (subject: Subject): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const { options, sources, values } = subject.settings
    const findings: Array<Finding> = []
    const add = (finding: Finding | undefined) => void (finding !== undefined && findings.push(finding))
    const check = <A>(effect: Effect.Effect<A, QQError>) =>
      Effect.catch(effect, (error) =>
        Effect.sync(() => add(failed("configuration", unusable, withSource(subject.settings)(error).reason)))
      )

    if (subject.unread !== undefined) return [failed("configuration", unusable, subject.unread.reason)]
    const programs = (yield* check(programsOf(subject))) ?? []
    for (const program of programs) {
      add(ofAppid(program))
      add(ofSecret(program))
    }
    yield* check(Setup.settings({ ...options, baseUrl: values.QQ_BASE_URL }))
    add(ofAddress(addressOf(subject)))
    add(ofStore(values.QQ_STORE))
    if (values.QQ_TOKEN_KEY !== undefined) {
      yield* check(EncryptedTokenCache.check(values.QQ_TOKEN_KEY, "tokenKey (QQ_TOKEN_KEY)"))
    }
    // A name that is not known makes every command fail.
    yield* check(Setup.checkNames(options, optionNames))
    if (findings.length > 0) return findings

    const [{ appid: first }] = programs as [AppCredentials]
    const { host } = new URL(baseUrlOf(subject))
    const from = Object.entries(sources).map(([name, source]) => (name === source ? name : `${name}: ${source}`))
    const says =
      programs.length === 1
        ? both(`Program ${first} at ${host}`, `小程序 ${first}，地址 ${host}`)
        : both(
            `${programs.length} programs, by default ${first}, at ${host}`,
            `${programs.length} 个小程序，默认 ${first}，地址 ${host}`
          )
    return [
      ok("configuration", both(`${says.en} (${from.join(", ")}).`, `${says.zh}（${from.join("、")}）。`), {
        programs: programs.map(({ appid }) => appid),
        host,
        sources
      })
    ]
  })

/** The mode of a file. `undefined` where there is none, or where rights are not those of POSIX. */
export const modeOf = (path: string): number | undefined => {
  if (process.platform === "win32") return undefined
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  return mode === undefined ? undefined : mode & 0o777
}

/** A mode as people write it. */
export const octal = (mode: number): string => `0${mode.toString(8)}`

const secretOnes = ["QQ_APPSECRET", "QQ_APPS", "QQ_TOKEN_KEY"] as const

/** Checks that nobody else can read the files with secrets. */
export const files = ({ settings: { file, sources, values } }: Subject): Effect.Effect<Finding> =>
  Effect.sync(() => {
    const inFile = file !== undefined && secretOnes.some((name) => sources[name]?.includes(file))
    const read = [inFile ? file : undefined, values.QQ_APPS_FILE].filter((path) => path !== undefined)
    for (const path of read) {
      const mode = modeOf(path)
      if (mode === undefined || (mode & 0o077) === 0) continue
      return problem(
        "files",
        both(
          `${path} has a secret, and other users of this machine can read it (${octal(mode)}).`,
          `${path} 含有密钥，且本机其他用户可以读取（${octal(mode)}）。`
        ),
        both(`Run: chmod 600 ${path}`, `请运行：chmod 600 ${path}`),
        { path, mode: octal(mode) }
      )
    }
    return ok(
      "files",
      read.length === 0
        ? both("No file has a secret.", "没有文件含有密钥。")
        : both("Only their owner can read the files with secrets.", "含有密钥的文件仅所有者可读。"),
      { read }
    )
  })
