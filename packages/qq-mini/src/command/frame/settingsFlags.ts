/** The flags for programs and settings. See `Settings.ts`, which only commands that need them load. */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { both, say } from "./invocation.ts"

/** The texts of this file. */
export const texts = {
  appid: both(
    "The mini program: a configured one, or one with --appsecret",
    "小程序：已配置的，或与 --appsecret 一起给出"
  ),
  appsecret: both(
    "Its AppSecret. Other users of this machine can see it: prefer QQ_APPSECRET or the file",
    "AppSecret。本机其他用户能看到命令行，请优先使用 QQ_APPSECRET 或配置文件"
  ),
  baseUrl: both("The address of QQ, or of a sandbox (QQ_BASE_URL)", "QQ 或沙箱的地址（QQ_BASE_URL）"),
  store: both(
    "Where the token is kept: sqlite, sqlite:PATH, redis://…, memory (QQ_STORE)",
    "token 的存储：sqlite、sqlite:路径、redis://…、memory（QQ_STORE）"
  ),
  config: both(
    "A file with these settings; by default qq-mini.json in this folder or above",
    "配置文件；默认为当前目录或上级目录中的 qq-mini.json"
  ),
  visibleSecret: both(
    "Warning: a secret on the command line is visible to other users of this machine, and is kept in the shell's history. Prefer QQ_APPSECRET or qq-mini.json.",
    "警告：命令行中的密钥对本机其他用户可见，且会留在 shell 历史中。请优先使用 QQ_APPSECRET 或 qq-mini.json。"
  )
}

const text = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withDescription(about), Flag.withMetavar("text"), Flag.optional)

/** A program. */
export const appid = GlobalFlag.Setting("appid")({ flag: text("appid", say(texts.appid)) })
/** Its AppSecret. */
export const appsecret = GlobalFlag.Setting("appsecret")({
  flag: Flag.Redacted("appsecret").pipe(
    Flag.withDescription(say(texts.appsecret)),
    Flag.withMetavar("text"),
    Flag.optional
  )
})
/** Where QQ is. */
export const baseUrl = GlobalFlag.Setting("base-url")({ flag: text("base-url", say(texts.baseUrl)) })
/** Where the token is kept. */
export const store = GlobalFlag.Setting("store")({ flag: text("store", say(texts.store)) })
/** The file of settings. */
export const config = GlobalFlag.Setting("config")({ flag: text("config", say(texts.config)) })

/** The flags of a command that reads settings: `Command.withGlobalFlags(settingsFlags)`. */
export const settingsFlags = [appid, appsecret, baseUrl, store, config] as const
