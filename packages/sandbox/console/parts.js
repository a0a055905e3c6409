/** Small parts that several sections use. */
import { html, nothing } from "/sandbox/lib/lit-html/lit-html.js"
import { model, say, tell } from "./model.js"

/** A section with its heading. @param {string} id @param {string} title @param {unknown} content @param {unknown} [more] */
export const section = (id, title, content, more = nothing) => html`
  <section id=${id} aria-labelledby=${`${id}-title`} class="card">
    <div class="head">
      <h2 id=${`${id}-title`}>${title}</h2>
      ${more}
    </div>
    ${content}
  </section>
`

/** A field with its label. @param {string} label @param {unknown} control @param {unknown} [hint] */
export const field = (label, control, hint = nothing) => html`
  <label class="field"
    ><span>${label}</span>${control}${hint === nothing ? nothing : html`<small>${hint}</small>`}</label
  >
`

/**
 * The options of a `select`.
 * @param {ReadonlyArray<string>} values @param {string | undefined} chosen @param {(value: string) => unknown} [text]
 */
export const options = (values, chosen, text = (value) => value) =>
  values.map((value) => html`<option value=${value} ?selected=${value === chosen}>${text(value)}</option>`)

/** The appids of all programs. */
export const appids = () => (model.state?.programs ?? []).map(({ appid }) => appid)

/** Whether there are several programs, so that it must be said which. */
export const hasMany = () => appids().length > 1

/** @param {unknown} text */
export const empty = (text) => html`<p class="empty">${text}</p>`

/** A part that scrolls, also by keyboard. @param {string} label @param {unknown} content */
export const scrolling = (label, content) => html`
  <div class="scroll" role="region" tabindex="0" aria-label=${label}>${content}</div>
`

/** A text to copy. @param {string} text @param {string} what */
export const copied = (text, what) => html`
  <span class="copied"
    ><code>${text}</code>
    <button
      class="quiet"
      aria-label=${say(`Copy ${what}`, `复制${what}`)}
      @click=${async () => {
        await navigator.clipboard.writeText(text)
        tell("Copied.", "已复制。")
      }}
    >
      ${say("Copy", "复制")}
    </button></span
  >
`

/** The values of a form, without empty ones. @param {SubmitEvent} event @returns {Record<string, string>} */
export const valuesOf = (event) => {
  event.preventDefault()
  const form = /** @type {HTMLFormElement} */ (event.currentTarget)
  const pairs = [...new FormData(form)].filter(([, value]) => value !== "")
  return /** @type {Record<string, string>} */ (Object.fromEntries(pairs))
}

/** A time of day. @param {number} at */
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB")

/** A length of time, such as 1:59:02. @param {number} millis */
export const span = (millis) => {
  const seconds = Math.max(0, Math.round(millis / 1_000))
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  const [hours = 0, ...rest] = parts
  return [hours, ...rest.map((part) => String(part).padStart(2, "0"))].join(":")
}

/** @param {number} number */
export const digits = (number) => number.toLocaleString("en-US")
