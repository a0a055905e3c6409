/** A form for every call. The sandbox adds the token and the signature. */
import { html, nothing } from "/sandbox/lib/lit-html/lit-html.js"
import { keyed } from "/sandbox/lib/lit-html/directives/keyed.js"
import { model, post, say, update } from "./model.js"
import { appids, empty, field, hasMany, options, scrolling, section } from "./parts.js"

/** @typedef {import("./model.js").Field} Field */

const form = { call: "security.msgSecCheck", appid: "", isSending: false }

/** @type {{ readonly result?: any, readonly error?: import("./model.js").Both } | undefined} */
let outcome

/** What fields are filled with at first. @type {Record<string, string>} */
const samples = {
  content: "床前明月光，疑是地上霜",
  path: "pages/index/index",
  media_url: "https://example.com/picture.png",
  media_type: "2",
  data: '{ "keyword1": { "value": "hello" } }',
  kv_list: '[{ "key": "score", "value": "100" }]',
  key: '["score"]',
  amt: "10",
  goodid: "43",
  good_num: "1",
  present_counts: "5",
  real_notify_url: "https://example.com/paid",
  authorization: 'WECHATPAY2-SHA256-RSA2048 mchid="1900000001"',
  body: "<xml></xml>"
}

const newBill = () => `bill-${Date.now().toString(36)}`
let bill = newBill()

/** @param {string} name */
const sample = (name) => {
  const program = model.state?.programs.find(({ appid }) => appid === form.appid) ?? model.state?.programs[0]
  const user = model.state?.users.find(({ appid }) => appid === program?.appid)
  if (name === "openid" || name === "touser") return user?.openid ?? ""
  if (name === "template_id") return program?.templates[0] ?? ""
  if (name === "bill_no") return bill
  if (name === "kv_list" && form.call === "openData.setUserInteractiveData") return '[{ "key": "1", "value": 3 }]'
  if (name === "body" && form.call !== "wxPayProxy.unifiedOrder") return "{}"
  return samples[name] ?? ""
}

/** @param {Field} one */
const control = ({ kind, name, required }) => {
  const value = required || name === "path" ? sample(name) : ""
  if (kind === "file")
    return html`<input type="file" name=${name} accept="image/png,image/jpeg,image/gif" ?required=${required} />`
  if (kind === "json" || name === "content") {
    return html`<textarea
      name=${name}
      rows="3"
      ?required=${required}
      spellcheck="false"
      .defaultValue=${value}
    ></textarea>`
  }
  if (kind === "boolean") {
    return html`<select name=${name}>
      ${options(["", "true", "false"], "", (one) => one || "–")}
    </select>`
  }
  return html`<input
    name=${name}
    type=${kind === "number" || name === "media_type" ? "number" : "text"}
    autocomplete="off"
    ?required=${required}
    .defaultValue=${value}
  />`
}

/** @param {File} file @returns {Promise<string>} */
const base64 = async (file) => {
  let text = ""
  for (const byte of new Uint8Array(await file.arrayBuffer())) text += String.fromCharCode(byte)
  return btoa(text)
}

/** The value of a field as the call takes it. @param {Field} one @param {FormDataEntryValue} value */
const valueOf = async ({ kind, name }, value) => {
  if (value instanceof File) return base64(value)
  if (kind === "number" || name === "media_type") return Number(value)
  if (kind === "boolean") return value === "true"
  // What is not JSON is sent as it is: the answer says what is wrong.
  if (kind === "json") {
    try {
      return JSON.parse(value)
    } catch {
      return value
    }
  }
  return value
}

/** @param {ReadonlyArray<Field>} fields */
const send = (fields) => async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault()
  const data = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))
  const given = fields.flatMap((one) => {
    const value = data.get(one.name)
    return value === null || value === "" ? [] : [/** @type {const} */ ([one, value])]
  })
  const pairs = given.map(async ([one, value]) => [one.name, await valueOf(one, value)])
  form.isSending = true
  update()
  outcome = await post("try", {
    call: form.call,
    appid: form.appid,
    input: Object.fromEntries(await Promise.all(pairs))
  })
  form.isSending = false
  bill = newBill()
  update()
}

const shown = () => {
  if (outcome === undefined) return nothing
  const { error, result } = outcome
  if (error) return html`<p class="outcome bad">${error[model.language]}</p>`
  if (typeof result?.picture === "string") {
    return html`<img class="picture" src=${result.picture} alt=${say("The picture of the answer", "返回的图片")} />`
  }
  return scrolling(say("The result", "结果"), html`<pre>${JSON.stringify(result, undefined, 2)}</pre>`)
}

/** @param {"call" | "appid"} name */
const choose = (name) => (/** @type {InputEvent} */ event) => {
  form[name] = /** @type {HTMLSelectElement} */ (event.target).value
  outcome = undefined
  update()
}

export const trial = () => {
  const fields = model.calls.find(({ name }) => name === form.call)?.fields ?? []
  if (form.appid === "") form.appid = appids()[0] ?? ""
  return section(
    "try",
    say("Try a call", "试调用"),
    html`
      <p class="muted">
        ${say(
          "Made once, as an app would make it. The sandbox adds the token, the session key and the signature.",
          "与应用的调用相同，只调用一次。access_token、session_key 和签名由沙箱填写。"
        )}
      </p>
      <form class="fields" @submit=${send(fields)}>
        ${field(
          say("Call", "接口"),
          html`<select @input=${choose("call")}>
            ${options(
              model.calls.map(({ name }) => name),
              form.call
            )}
          </select>`
        )}
        ${
          hasMany()
            ? field(
                say("Program", "小程序"),
                html`<select @input=${choose("appid")}>
                  ${options(appids(), form.appid)}
                </select>`
              )
            : nothing
        }
        ${keyed(
          `${form.call} ${form.appid} ${model.calls.length}`,
          html`${fields.map((one) => field(one.required ? one.name : `${one.name} ${say("(optional)", "（可选）")}`, control(one)))}`
        )}
        ${fields.length === 0 ? empty(say("No parameters.", "无参数。")) : nothing}
        <button class="main" ?disabled=${form.isSending}>${say("Send", "发送")}</button>
      </form>
      <div aria-live="polite">${shown()}</div>
    `
  )
}
