/** The mini codes that were made, as pictures. */
import { html } from "/sandbox/lib/lit-html/lit-html.js"
import { model, say } from "./model.js"
import { clock, empty, section } from "./parts.js"

export const codes = () => {
  const made = model.requests.filter(({ answer, endpoint }) => endpoint === "acode.getMiniCode" && answer?.picture)
  return section(
    "codes",
    say("Mini codes", "小程序码"),
    made.length === 0
      ? empty(say("No mini code yet.", "尚无小程序码。"))
      : html`<ul class="codes">
          ${made.map(({ answer, appid, at, params }) => {
            const path = String(params["path"] ?? say("home page", "首页"))
            return html`<li>
              <figure>
                <img src=${answer?.picture} alt=${say(`Mini code of ${path}`, `小程序码：${path}`)} />
                <figcaption><code>${path}</code><span class="muted">${appid} · ${clock(at)}</span></figcaption>
              </figure>
            </li>`
          })}
        </ul>`
  )
}
