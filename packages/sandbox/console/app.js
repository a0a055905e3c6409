/** The console of the sandbox. */
import { html, nothing, render } from "/sandbox/lib/lit-html/lit-html.js"
import { codes } from "./codes.js"
import { faults } from "./faults.js"
import { act, model, say, speak, start, tell, update } from "./model.js"
import { orders } from "./orders.js"
import { programs } from "./programs.js"
import { requests } from "./requests.js"
import { trial } from "./trial.js"
import { users } from "./users.js"

const connections = () =>
  ({
    connecting: say("Connecting …", "正在连接……"),
    live: say("Live", "实时"),
    offline: say("Offline, reconnecting …", "已断开，正在重连……")
  })[model.connection]

const links = () => [
  ["requests", say("Requests", "请求")],
  ["programs", say("Programs", "小程序")],
  ["users", say("Users", "用户")],
  ["orders", say("Orders", "订单")],
  ["faults", say("Faults", "故障")],
  ["try", say("Try a call", "试调用")],
  ["codes", say("Mini codes", "小程序码")]
]

const reset = async () => {
  const question = say(
    "Forget all users, orders, faults and requests? Tokens stay valid.",
    "清除所有用户、订单、故障和请求？access_token 仍然有效。"
  )
  if (!confirm(question)) return
  if ((await act("reset")) === null) tell("The sandbox is as it was at the start.", "沙箱已恢复到初始状态。")
}

const header = () => html`
  <header>
    <div class="bar">
      <h1><img src="/sandbox/icon.svg" alt="" width="28" height="28" />${say("QQ sandbox", "QQ 沙箱")}</h1>
      <p class=${`status ${model.connection}`} role="status">${connections()}</p>
      <div class="tools">
        <a href="/sandbox/api/">${say("API", "接口文档")}</a>
        <button class="quiet" @click=${reset}>${say("Reset", "重置")}</button>
        <button
          class="quiet"
          lang=${model.language === "zh" ? "en" : "zh-CN"}
          @click=${() => speak(model.language === "zh" ? "en" : "zh")}
        >
          ${model.language === "zh" ? "English" : "中文"}
        </button>
      </div>
    </div>
    <nav aria-label=${say("Sections", "栏目")}>
      ${links().map(([id, text]) => html`<a href=${`#${id}`}>${text}</a>`)}
    </nav>
  </header>
`

const notice = () => html`
  <div class="notices" aria-live="polite">
    ${
      model.notice === undefined
        ? nothing
        : html`<p class=${model.notice.isError ? "notice bad" : "notice"}>
            <span>${model.notice.text[model.language]}</span>
            <button
              class="quiet"
              aria-label=${say("Close", "关闭")}
              @click=${() => {
                model.notice = undefined
                update()
              }}
            >
              ×
            </button>
          </p>`
    }
  </div>
`

const page = () => {
  document.documentElement.lang = model.language === "zh" ? "zh-CN" : "en"
  document.title = say("QQ sandbox", "QQ 沙箱")
  render(
    html`
      ${header()}
      <main>
        <div class="feed">${requests()}</div>
        <div class="desk">${[programs(), users(), orders(), faults(), trial(), codes()]}</div>
      </main>
      ${notice()}
    `,
    document.body
  )
}

void start(page)
