/** The requests as they come, with both bodies. */
import { html, nothing } from "/sandbox/lib/lit-html/lit-html.js"
import { repeat } from "/sandbox/lib/lit-html/directives/repeat.js"
import { model, say, update } from "./model.js"
import { clock, empty, hasMany, options, scrolling, section } from "./parts.js"

/** @typedef {import("./model.js").Exchange} Exchange */

const filter = { call: "", result: "", text: "" }

/** @type {WeakMap<Exchange, string>} */
const texts = new WeakMap()

/** All that can be searched in a request. @param {Exchange} request */
const textOf = (request) => {
  const known = texts.get(request)
  if (known !== undefined) return known
  const text = `${JSON.stringify(request)} ${request.answer?.text ?? ""}`.toLowerCase()
  texts.set(request, text)
  return text
}

/** @type {Record<string, (request: Exchange) => boolean>} */
const results = {
  done: ({ code }) => code === 0,
  refused: ({ code }) => code !== 0,
  fault: ({ fault }) => fault !== undefined
}

/** @param {string} result */
const resultName = (result) =>
  ({
    done: say("succeeded", "成功"),
    refused: say("refused or lost", "失败或中断"),
    fault: say("hit by a fault", "被故障影响")
  })[result]

/** @param {Exchange} request */
const isShown = (request) =>
  (filter.call === "" || request.endpoint === filter.call) &&
  (results[filter.result]?.(request) ?? true) &&
  (filter.text === "" || textOf(request).includes(filter.text.toLowerCase()))

/** @param {keyof typeof filter} name */
const onInput = (name) => (/** @type {InputEvent} */ event) => {
  filter[name] = /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target).value
  update()
}

/** @param {Exchange} request */
const badge = ({ answer, code }) => {
  if (answer === undefined) return html`<span class="badge bad">${say("broken off", "已断开")}</span>`
  if (code === 0) return html`<span class="badge good">${say("OK", "成功")}</span>`
  return html`<span class="badge bad">${code ?? answer.status}</span>`
}

/** @param {Exchange} request */
const line = ({ method, path, query }) => {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  return `${method} ${path}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`
}

/** @param {Exchange} request */
const sent = (request) => {
  const body = Object.keys(request.params).length === 0 ? undefined : JSON.stringify(request.params, undefined, 2)
  return scrolling(
    say("What was sent", "请求内容"),
    html`<pre>
${line(request)}${request.type === undefined ? "" : `\n${request.type.split(";")[0]}`}${body && `\n\n${body}`}</pre>`
  )
}

/** @param {Exchange} request */
const answered = ({ answer }) => {
  if (answer === undefined) return empty(say("The connection broke without an answer.", "连接中断，没有返回。"))
  const { picture, size, status, text, type } = answer
  const length = size === undefined ? say("in pieces", "分段发送") : say(`${size} bytes`, `${size} 字节`)
  const content = html`<pre>${status} · ${type?.split(";")[0] ?? "?"} · ${length}${text ? `\n\n${text}` : ""}</pre>`
  return html`
    ${scrolling(say("What was answered", "返回内容"), content)}
    ${picture === undefined ? nothing : html`<img class="picture" src=${picture} alt=${say("The picture of the answer", "返回的图片")} />`}
  `
}

/** @type {Set<number>} */
const open = new Set()

/** @param {Exchange} request */
const row = (request) => html`
  <li>
    <details
      ?open=${open.has(request.id)}
      @toggle=${(/** @type {Event} */ { currentTarget }) => {
        const isOpen = /** @type {HTMLDetailsElement} */ (currentTarget).open
        if (isOpen !== open.has(request.id)) {
          if (isOpen) open.add(request.id)
          else open.delete(request.id)
          update()
        }
      }}
    >
      <summary>
        <time>${clock(request.at)}</time>
        <span class="name">${request.endpoint}</span>
        <span class="badges">
          ${request.fault === undefined ? nothing : html`<span class="badge warn">${request.fault}</span>`}
          ${hasMany() && request.appid ? html`<span class="of">${request.appid}</span>` : nothing} ${badge(request)}
        </span>
      </summary>
      ${
        open.has(request.id)
          ? html`<div class="bodies">
              <div>
                <h3>${say("Request", "请求")}</h3>
                ${sent(request)}
              </div>
              <div>
                <h3>${say("Answer", "返回")}</h3>
                ${answered(request)}
              </div>
            </div>`
          : nothing
      }
    </details>
  </li>
`

export const requests = () => {
  const shown = model.requests.filter(isShown)
  const seen = [...new Set(model.requests.map(({ endpoint }) => endpoint))].toSorted()
  const calls = filter.call === "" || seen.includes(filter.call) ? seen : [filter.call, ...seen]
  const count = say(
    `${shown.length} of ${model.requests.length} shown`,
    `显示 ${shown.length} / ${model.requests.length}`
  )
  return section(
    "requests",
    say("Requests", "请求"),
    html`
      <form class="filters" role="search" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <select aria-label=${say("Call", "接口")} @input=${onInput("call")}>
          <option value="">${say("all calls", "全部接口")}</option>
          ${options(calls, filter.call)}
        </select>
        <select aria-label=${say("Result", "结果")} @input=${onInput("result")}>
          <option value="">${say("all results", "全部结果")}</option>
          ${options(Object.keys(results), filter.result, resultName)}
        </select>
        <input
          type="search"
          aria-label=${say("Text", "文本")}
          placeholder=${say("Search in both bodies", "搜索请求与返回")}
          @input=${onInput("text")}
        />
      </form>
      ${
        shown.length > 0
          ? html`<ol class="requests">
              ${repeat(shown, ({ id }) => id, row)}
            </ol>`
          : empty(
              model.requests.length > 0
                ? say("No request fits the filter.", "没有符合条件的请求。")
                : say("No request yet. Set your app's base URL to ", "尚无请求。请将应用的接口地址设为 ") +
                    location.origin
            )
      }
    `,
    html`<span class="muted">${count}</span>`
  )
}
