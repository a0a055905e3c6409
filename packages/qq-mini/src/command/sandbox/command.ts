/** `qq-mini sandbox`, `qq-mini trigger` and `qq-mini logs` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"

/** The texts of the help. */
export const texts = {
  sandbox: both("Run QQ's platform on this machine, with a console", "在本机运行 QQ 平台的模拟沙箱，带控制台"),
  port: both("The port; 0 is any that is free", "端口；0 表示任一空闲端口"),
  host: both(
    "The address to listen on. On another one than 127.0.0.1, others in your network can use the sandbox",
    "监听的地址。若不是 127.0.0.1，网络中的其他人也能使用此沙箱"
  ),
  scenario: both(
    "A JSON file with programs, riskyTexts, switches, quota, and steps to begin with",
    "JSON 文件，含 programs、riskyTexts、switches、quota 及启动后执行的 steps"
  ),
  forwardTo: both(
    "The address of your server that gets the notifications of payments and the pushed forms",
    "你的服务器地址，用于接收支付通知和推送的 form_id"
  ),
  shell: both("How the variables are printed", "变量的输出格式"),
  trigger: both("Make something happen in a running sandbox", "在运行中的沙箱里触发事件"),
  event: both(
    "payment BILL_NO, push OPENID, login USER, subscribe OPENID, revoke APPID, steal APPID, busy CALL, heal, reset, or a method of the sandbox",
    "payment 订单号、push OPENID、login 用户、subscribe OPENID、revoke APPID、steal APPID、busy 接口名、heal、reset，或沙箱的方法名"
  ),
  argument: both("What the event is about", "事件的对象"),
  set: both("More fields of the event, as --set times=3", "事件的其他字段，如 --set times=3"),
  logs: both("Show the requests to a running sandbox", "查看运行中沙箱收到的请求"),
  follow: both("Go on with the requests that come", "持续显示新的请求"),
  call: both("Only the requests for this call, as security.msgSecCheck", "只显示此接口的请求，如 security.msgSecCheck"),
  url: both(
    "Where the sandbox is; by default the port of qq-mini sandbox",
    "沙箱的地址；默认为 qq-mini sandbox 的端口"
  ),
  paid: both("Pay an order: the notification goes to --forward-to", "支付订单，通知会发往 --forward-to"),
  three: both("QQ is busy for the next three checks", "接下来三次检测 QQ 返回系统繁忙")
}

/** The port of the sandbox, so that the other commands find it. */
export const defaultPort = 7711

const load = Effect.promise(() => import("./run.ts"))
const loadControl = Effect.promise(() => import("./control.ts"))

/** Runs the sandbox. */
export const command = Command.make(
  "sandbox",
  {
    port: Flag.Int("port").pipe(
      Flag.withAlias("p"),
      Flag.withDescription(say(texts.port)),
      Flag.withDefault(defaultPort)
    ),
    host: Flag.String("host").pipe(
      Flag.withMetavar("address"),
      Flag.withDescription(say(texts.host)),
      Flag.withDefault("127.0.0.1")
    ),
    scenario: Flag.String("scenario").pipe(
      Flag.withMetavar("file"),
      Flag.withDescription(say(texts.scenario)),
      Flag.optional
    ),
    forwardTo: Flag.String("forward-to").pipe(
      Flag.withMetavar("url"),
      Flag.withDescription(say(texts.forwardTo)),
      Flag.optional
    ),
    shell: Flag.Literals("shell", ["sh", "powershell", "dotenv"]).pipe(
      Flag.withMetavar("shell"),
      Flag.withDescription(say(texts.shell)),
      Flag.withDefault(process.platform === "win32" ? ("powershell" as const) : ("sh" as const))
    )
  },
  (flags) => Effect.flatMap(load, ({ run }) => run(flags))
).pipe(Command.withDescription(say(texts.sandbox)))

const url = Flag.String("url").pipe(Flag.withMetavar("url"), Flag.withDescription(say(texts.url)), Flag.optional)

/** Makes something happen. */
export const trigger = Command.make(
  "trigger",
  {
    event: Argument.String("event").pipe(Argument.withDescription(say(texts.event))),
    argument: Argument.String("argument").pipe(Argument.withDescription(say(texts.argument)), Argument.optional),
    set: Flag.KeyValuePair("set").pipe(Flag.withDescription(say(texts.set)), Flag.optional),
    url
  },
  (flags) => Effect.flatMap(loadControl, ({ trigger }) => trigger(flags))
).pipe(
  Command.withDescription(say(texts.trigger)),
  Command.withExamples([
    { command: "qq-mini trigger payment my-bill-1", description: say(texts.paid) },
    { command: "qq-mini trigger busy security.msgSecCheck --set times=3", description: say(texts.three) }
  ])
)

/** Shows the requests. */
export const logs = Command.make(
  "logs",
  {
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withDescription(say(texts.follow)),
      Flag.withDefault(false)
    ),
    call: Flag.String("call").pipe(Flag.withMetavar("name"), Flag.withDescription(say(texts.call)), Flag.optional),
    url
  },
  (flags) => Effect.flatMap(loadControl, ({ logs }) => logs(flags))
).pipe(Command.withDescription(say(texts.logs)))
