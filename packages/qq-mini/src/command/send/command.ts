/** `qq-mini send`, and `status` and `cancel` below it. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  about: both(
    "Send a subscription message to one user, or with --csv to many. Nobody gets the message of a broadcast twice: repeat the command to go on after an interruption or a crash. Exit code: 0 only if all were sent, 4 if some outcomes are unknown, 3 if QQ refused some, 2 if rows are wrong",
    "向一个用户发送订阅消息，或用 --csv 群发。群发不会重复发送：中断或崩溃后重复同一命令即可继续。仅当全部发送成功时退出码为 0，有结果未知的为 4，有被 QQ 拒绝的为 3，有错误行为 2"
  ),
  openid: both("The openid of the user", "用户的 openid"),
  template: both("The id of the template", "模板 id"),
  data: both(
    "A keyword of the template: keyword1=text. With --csv: for all",
    "模板关键词，如 keyword1=文字；群发时用于全部"
  ),
  page: both("The page that the message opens", "点击消息后打开的页面"),
  csv: both(
    "A file with the columns openid, keyword1, keyword2 …, and page or template_id if they differ",
    "CSV 文件，列为 openid、keyword1、keyword2 等；各行不同时可含 page 或 template_id 列"
  ),
  id: both(
    "The name of the broadcast; by default made of the file, its content and the message",
    "群发的名称；默认由文件名、文件内容和消息得出"
  ),
  dryRun: both("Check all rows, and send nothing", "只检查所有行，不发送"),
  rate: both(
    "At most so many, as 600/minute (second, minute, hour, day)",
    "频率上限，如 600/minute（second、minute、hour、day）"
  ),
  quietHours: both(
    "Send nothing between these times of Shanghai, as 22:00-08:00",
    "在该时段（北京时间）不发送，如 22:00-08:00"
  ),
  report: both("Write the result of each row to this CSV file", "将每行的结果写入该 CSV 文件"),
  resendUnknown: both(
    "Send again to those whose outcome is unknown. Some of them may get the message twice",
    "向结果未知的用户重新发送，其中部分用户可能收到两次"
  ),
  yes: both("Do not ask before sending", "发送前不询问"),
  status: both("Show how far a broadcast is, or list all", "查看群发进度；不指定名称则列出全部"),
  cancel: both("End a broadcast for good", "永久终止群发"),
  broadcast: both("The name of the broadcast", "群发的名称"),
  example: both("Send to all users of a file", "向文件中的所有用户发送"),
  exampleOne: both("Send to one user", "向一个用户发送")
}

const text = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withDescription(about), Flag.withMetavar("text"), Flag.optional)

const boolean = (name: string, about: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(about), Flag.withDefault(false))

const yes = boolean("yes", say(texts.yes)).pipe(Flag.withAlias("y"))

/** The flags and the argument of the command. */
export const flags = {
  openid: Argument.String("openid").pipe(Argument.withDescription(say(texts.openid)), Argument.optional),
  template: text("template", say(texts.template)),
  data: Flag.KeyValuePair("data").pipe(
    Flag.withDescription(say(texts.data)),
    Flag.withMetavar("keyword1=text"),
    Flag.optional
  ),
  page: text("page", say(texts.page)),
  csv: text("csv", say(texts.csv)),
  id: text("id", say(texts.id)),
  dryRun: boolean("dry-run", say(texts.dryRun)),
  rate: text("rate", say(texts.rate)),
  quietHours: text("quiet-hours", say(texts.quietHours)),
  report: text("report", say(texts.report)),
  resendUnknown: boolean("resend-unknown", say(texts.resendUnknown)),
  yes
}

/** What is given to the command. */
export type Input = Command.Command.Config.Infer<typeof flags>

const load = Effect.promise(() => import("./run.ts"))

const status = Command.make(
  "status",
  { id: Argument.String("id").pipe(Argument.withDescription(say(texts.broadcast)), Argument.optional) },
  ({ id }) => Effect.flatMap(load, ({ status }) => status(id))
).pipe(Command.withDescription(say(texts.status)), Command.withGlobalFlags(settingsFlags))

const cancel = Command.make(
  "cancel",
  { id: Argument.String("id").pipe(Argument.withDescription(say(texts.broadcast))), yes },
  (input) => Effect.flatMap(load, ({ cancel }) => cancel(input))
).pipe(Command.withDescription(say(texts.cancel)), Command.withGlobalFlags(settingsFlags))

/** Sends one message or many. */
export const command = Command.make("send", flags, (input) => Effect.flatMap(load, ({ run }) => run(input))).pipe(
  Command.withDescription(say(texts.about)),
  Command.withExamples([
    {
      command: "qq-mini send A1B2C3D4 --template TEMPLATE_ID --data keyword1=Hello",
      description: say(texts.exampleOne)
    },
    {
      command: "qq-mini send --csv users.csv --template TEMPLATE_ID --rate 600/minute --report result.csv",
      description: say(texts.example)
    }
  ]),
  Command.withGlobalFlags(settingsFlags),
  Command.withSubcommands([status, cancel])
)
