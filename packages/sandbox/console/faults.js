/** Faults, switched on and off. */
import { html, nothing } from "/sandbox/lib/lit-html/lit-html.js"
import { act, model, now, say, tell, update } from "./model.js"
import { empty, field, options, scrolling, section, span, valuesOf } from "./parts.js"

/** @param {string} kind */
const meaning = (kind) =>
  ({
    badToken: say("A valid token is refused.", "有效的 access_token 被拒绝。"),
    revokedToken: say("All tokens become invalid, and the call is refused.", "所有 access_token 失效，调用被拒绝。"),
    stolenToken: say("Another client fetches a token.", "另一客户端获取了 access_token。"),
    code: say("The answer is an error with a code.", "返回指定的错误码。"),
    html502: say("An HTML page with status 502.", "返回状态码为 502 的网页。"),
    empty: say("An empty body.", "返回内容为空。"),
    truncated: say("Only the first half of the body.", "返回内容只有前一半。"),
    jsonAsImage: say("JSON that calls itself an image.", "返回 JSON，但声明为图片。"),
    imageAsJson: say("An image that calls itself JSON.", "返回图片，但声明为 JSON。"),
    wrongCase: say("errCode instead of errcode, and the reverse.", "errCode 与 errcode 互换。"),
    resetBefore: say("The connection breaks before the call is done.", "执行之前连接中断。"),
    resetAfter: say("The connection breaks after the call is done.", "执行之后连接中断。"),
    slowHeaders: say("The whole answer comes late.", "整个返回延迟到达。"),
    slowBody: say("The second half of the body comes late.", "返回内容的后一半延迟到达。"),
    hugeBody: say("A body of 32 MB.", "返回 32 MB 的内容。")
  })[kind] ?? ""

const form = { kind: "code", isLasting: false }

/** @param {SubmitEvent} event */
const switchOn = async (event) => {
  const { code, delay, endpoint, kind, times } = valuesOf(event)
  const fault = {
    kind,
    endpoint,
    ...(form.isLasting ? { share: 1 } : { times: Number(times ?? 1) }),
    ...(code === undefined ? {} : { code: Number(code) }),
    ...(delay === undefined ? {} : { delay: Number(delay) * 1_000 })
  }
  if ((await act("fault", fault)) === null) tell("The fault is switched on.", "故障已开启。")
}

const heal = async () => {
  if ((await act("heal")) === null) tell("All faults are switched off.", "故障已全部关闭。")
}

/** @param {NonNullable<typeof model.state>["faults"][number]} fault */
const row = ({ code, endpoint, kind, left, until }) => html`
  <tr>
    <th scope="row">${kind}${code === undefined ? nothing : html` <code>${code}</code>`}</th>
    <td>${endpoint ?? say("every call", "全部接口")}</td>
    <td class="number">${left ?? say("no end", "不限")}</td>
    ${until === undefined ? html`<td class="number">–</td>` : html`<td class="number">${span(until - now())}</td>`}
  </tr>
`

export const faults = () => {
  const active = model.state?.faults ?? []
  return section(
    "faults",
    say("Faults", "故障"),
    html`
      <form class="fields" @submit=${switchOn}>
        ${field(
          say("Kind", "类型"),
          html`<select
            name="kind"
            @input=${(/** @type {InputEvent} */ event) => {
              form.kind = /** @type {HTMLSelectElement} */ (event.target).value
              update()
            }}
          >
            ${options(model.faults, form.kind)}
          </select>`,
          meaning(form.kind)
        )}
        ${field(
          say("Call", "接口"),
          html`<select name="endpoint">
            <option value="">${say("every call", "全部接口")}</option>
            ${options(
              model.calls.map(({ name }) => name),
              undefined
            )}
          </select>`
        )}
        ${form.kind === "code" ? field(say("Code", "错误码"), html`<input name="code" type="number" value="-1" />`) : nothing}
        ${
          form.kind.startsWith("slow")
            ? field(
                say("Seconds", "延迟秒数"),
                html`<input name="delay" type="number" min="0" step="any" value="10" />`
              )
            : nothing
        }
        ${
          form.isLasting
            ? nothing
            : field(say("How often", "次数"), html`<input name="times" type="number" min="1" value="1" />`)
        }
        <label class="check">
          <input
            type="checkbox"
            .checked=${form.isLasting}
            @change=${(/** @type {Event} */ event) => {
              form.isLasting = /** @type {HTMLInputElement} */ (event.target).checked
              update()
            }}
          />
          ${say("until switched off", "直到关闭")}
        </label>
        <button class="main">${say("Switch on", "开启")}</button>
      </form>
      ${
        active.length === 0
          ? empty(say("No fault is on.", "没有开启的故障。"))
          : scrolling(
              say("Faults that are on", "已开启的故障"),
              html`<table>
                <thead>
                  <tr>
                    <th scope="col">${say("Kind", "类型")}</th>
                    <th scope="col">${say("Call", "接口")}</th>
                    <th scope="col" class="number">${say("Hits left", "剩余次数")}</th>
                    <th scope="col" class="number">${say("Ends in", "剩余时间")}</th>
                  </tr>
                </thead>
                <tbody>
                  ${active.map(row)}
                </tbody>
              </table>`
            )
      }
    `,
    active.length === 0 ? nothing : html`<button @click=${heal}>${say("Switch all off", "全部关闭")}</button>`
  )
}
