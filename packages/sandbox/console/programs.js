/** The programs: their tokens, which count down, and their quotas. */
import { html } from "/sandbox/lib/lit-html/lit-html.js"
import { act, model, now, say, tell } from "./model.js"
import { digits, empty, section, span } from "./parts.js"

/** @typedef {import("./model.js").State["programs"][number]} Program */

/** @param {Program} program */
const tokens = ({ appid, tokens }) => {
  if (tokens.length === 0) return empty(say("No valid token.", "没有有效的 access_token。"))
  return html`<table>
    <caption class="hidden">
      ${say("Valid tokens of", "有效的 access_token：")} ${appid}
    </caption>
    <thead>
      <tr>
        <th scope="col">access_token</th>
        <th scope="col">${say("State", "状态")}</th>
        <th scope="col" class="number">${say("Ends in", "剩余时间")}</th>
      </tr>
    </thead>
    <tbody>
      ${tokens.toReversed().map(
        ({ token, validUntil }, index) =>
          html`<tr>
            <td><code>${token}</code></td>
            <td>${index === 0 ? say("current", "当前") : say("replaced", "已被替换")}</td>
            <td class="number">${span(validUntil - now())}</td>
          </tr>`
      )}
    </tbody>
  </table>`
}

/** @param {string | number} window */
const windowName = (window) => {
  if (typeof window === "number") return span(window)
  return { minute: say("minute", "每分钟"), day: say("day", "每天"), lifetime: say("in total", "总计") }[window]
}

/** @param {Program} program */
const quotas = ({ quotas }) => html`
  <ul class="quotas">
    ${quotas.map(({ endpoint, max, used, window }) => {
      const label = `${endpoint}, ${windowName(window)}`
      return html`<li>
        <span class="name">${endpoint}</span>
        <span class="muted">${windowName(window)}</span>
        <meter aria-label=${label} min="0" .max=${max} .value=${used} .high=${max * 0.9} .optimum=${0}></meter>
        <span class="number">${digits(used)} / ${digits(max)}</span>
      </li>`
    })}
  </ul>
`

/** @param {Program} program */
const one = (program) => {
  const { appid } = program
  const revoke = async () => {
    if ((await act("revokeTokens", appid)) !== null) return
    tell(`All tokens of ${appid} are invalid now.`, `${appid} 的 access_token 已全部失效。`)
  }
  const steal = async () => {
    if ((await act("stealToken", appid)) === undefined) return
    tell("Another client has fetched a token: the old one ends soon.", "另一客户端获取了 access_token，旧的即将失效。")
  }
  return html`
    <article aria-labelledby=${`program-${appid}`}>
      <div class="head">
        <h3 id=${`program-${appid}`}><code>${appid}</code></h3>
        <button @click=${steal}>${say("Fetch as another client", "模拟他人获取")}</button>
        <button @click=${revoke}>${say("Revoke tokens", "吊销全部")}</button>
      </div>
      ${tokens(program)}
      <details class="more">
        <summary>${say("Quotas", "调用额度")}</summary>
        ${quotas(program)}
      </details>
    </article>
  `
}

export const programs = () => section("programs", say("Programs", "小程序"), (model.state?.programs ?? []).map(one))
