/** The users: their logins, subscriptions, forms and coins. */
import { html, nothing } from "/sandbox/lib/lit-html/lit-html.js"
import { repeat } from "/sandbox/lib/lit-html/directives/repeat.js"
import { act, model, say, tell, update } from "./model.js"
import { appids, copied, digits, empty, field, hasMany, options, section, valuesOf } from "./parts.js"

/** @typedef {import("./model.js").State["users"][number]} User */

/** The last login. @type {{ readonly user: string, readonly code: string, readonly openid: string } | undefined} */
let login

/** @param {string} user @param {string | undefined} appid */
const logIn = async (user, appid) => {
  const result = await act("login", { user, ...(appid === undefined ? {} : { appid }) })
  if (result === undefined) return
  login = { user, ...result }
  update()
}

const lastLogin = () =>
  login === undefined
    ? nothing
    : html`<div class="result" role="status">
        <p>
          ${say(
            `The login code of ${login.user}, for code2Session. It can be used once, within 5 minutes.`,
            `${login.user} 的登录凭证，供 code2Session 使用。5 分钟内有效，仅可使用一次。`
          )}
        </p>
        ${copied(login.code, say("the login code", "登录凭证"))}
      </div>`

/** @param {string} template @param {number | "refused"} left */
const subscription = (template, left) => html`
  <li>
    <code>${template}</code>
    ${
      left === "refused"
        ? html`<span class="badge bad">${say("refused", "已拒收")}</span>`
        : html`<span class=${left > 0 ? "badge good" : "badge"}>
            ${say(left === 1 ? "1 message" : `${left} messages`, `${left} 条`)}
          </span>`
    }
  </li>
`

/** @param {User} user */
const templatesOf = ({ appid }) => model.state?.programs.find((one) => one.appid === appid)?.templates ?? []

const pushUrl = { value: "" }

/** @param {User} user */
const push = async ({ openid }) => {
  const url = pushUrl.value === "" ? {} : { url: pushUrl.value }
  const result = await act("pushForm", { openid, attempts: 1, ...url })
  if (result === undefined) return
  const { accepted, answers } = result
  if (answers.length === 0)
    return tell("A form_id was made, but there is no URL to push it to.", "已生成 form_id，但未设置推送网址。")
  if (accepted) tell("Your server accepted the form_id.", "你的服务已接收 form_id。")
  else tell("Your server did not accept the form_id.", "你的服务没有接收 form_id。", true)
}

/** @param {User} user */
const one = (user) => {
  const { appid, coins, interactive, openid, storage, subscriptions } = user
  const key = `user-${openid}`
  const kept = { ...storage, ...interactive }
  return html`
    <article aria-labelledby=${key}>
      <div class="head">
        <h3 id=${key}>${user.user}</h3>
        ${hasMany() ? html`<span class="muted">${appid}</span>` : nothing}
        <button @click=${() => logIn(user.user, appid)}>${say("Log in", "登录")}</button>
      </div>
      ${copied(openid, "openid")}
      <p class="facts">
        ${say(`${digits(coins)} coins`, `${digits(coins)} 个游戏币`)}
        ${Object.keys(kept).length === 0 ? nothing : html`· <code>${JSON.stringify(kept)}</code>`}
      </p>
      <ul class="subscriptions">
        ${Object.entries(subscriptions).map(([template, left]) => subscription(template, left))}
      </ul>
      <form
        class="actions"
        @submit=${async (/** @type {SubmitEvent} */ event) => {
          const { template_id } = valuesOf(event)
          const method = event.submitter?.getAttribute("value") ?? "subscribe"
          await act(method, { openid, template_id })
        }}
      >
        <select name="template_id" aria-label=${say(`Template for ${user.user}`, `${user.user} 的模板`)}>
          ${options(templatesOf(user), undefined)}
        </select>
        <button value="subscribe">${say("Subscribe", "订阅")}</button>
        <button value="refuse">${say("Refuse", "拒收")}</button>
        <button type="button" @click=${() => push(user)}>${say("Push a form", "推送 form_id")}</button>
        <button type="button" @click=${() => act("buyCoins", { openid, amt: 100 })}>
          ${say("Buy 100 coins", "购买 100 游戏币")}
        </button>
      </form>
    </article>
  `
}

export const users = () => {
  const all = model.state?.users ?? []
  return section(
    "users",
    say("Users", "用户"),
    html`
      <form
        class="fields"
        @submit=${(/** @type {SubmitEvent} */ event) => {
          const { appid, user = "someone" } = valuesOf(event)
          void logIn(user, appid)
        }}
      >
        ${field(say("Name", "名称"), html`<input name="user" placeholder="someone" autocomplete="off" />`)}
        ${
          hasMany()
            ? field(
                say("Program", "小程序"),
                html`<select name="appid">
                  ${options(appids(), undefined)}
                </select>`
              )
            : nothing
        }
        <button class="main">${say("Log a user in", "用户登录")}</button>
      </form>
      ${lastLogin()}
      ${all.length === 0 ? empty(say("Nobody has logged in yet.", "尚无用户登录。")) : repeat(all, ({ openid }) => openid, one)}
      ${
        all.length === 0
          ? nothing
          : field(
              say("Where forms are pushed", "form_id 的推送网址"),
              html`<input
                type="url"
                placeholder="http://127.0.0.1:3000/push"
                @input=${(/** @type {InputEvent} */ event) => {
                  pushUrl.value = /** @type {HTMLInputElement} */ (event.target).value
                }}
              />`
            )
      }
    `
  )
}
