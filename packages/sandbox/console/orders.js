/** The orders, which a click pays. */
import { html } from "/sandbox/lib/lit-html/lit-html.js"
import { act, model, now, say, tell } from "./model.js"
import { clock, digits, empty, field, scrolling, section } from "./parts.js"

/** @typedef {import("./model.js").State["orders"][number]} Order */

let url = ""

/** @type {Record<string, readonly [en: string, zh: string]>} */
const unpaid = {
  "paid before": ["This order is paid already.", "该订单已支付。"],
  expired: ["This order has expired.", "该订单已过期。"],
  unknown: ["There is no such order any more.", "该订单已不存在。"]
}

/** @param {Order} order */
const pay = async ({ appid, bill_no }) => {
  const paid = await act("pay", { appid, bill_no, attempts: 1, ...(url === "" ? {} : { url }) })
  if (paid === undefined) return
  const { accepted, answers, state } = paid
  if (unpaid[state]) return tell(...unpaid[state], true)
  if (answers.length === 0) return tell("Paid. There is no URL to notify.", "已支付。未设置通知网址。")
  if (accepted) tell("Paid, and your server accepted the notification.", "已支付，你的服务已接收通知。")
  else tell("Paid, but your server did not accept the notification.", "已支付，但你的服务没有接收通知。", true)
}

/** @param {Order} order */
const stateOf = (order) => {
  if (order.paidAt !== undefined) {
    return html`<span class="badge good">${say("paid", "已支付")}</span>
      <span class="muted">${clock(order.paidAt)}</span>`
  }
  if (order.validUntil <= now()) return html`<span class="badge bad">${say("expired", "已过期")}</span>`
  return html`<button aria-label=${say(`Pay ${order.bill_no}`, `支付 ${order.bill_no}`)} @click=${() => pay(order)}>
    ${say("Pay", "支付")}
  </button>`
}

/** @param {Order} order */
const row = (order) => {
  const user = model.state?.users.find(({ openid }) => openid === order.openid)
  return html`<tr>
    <th scope="row"><code>${order.bill_no}</code></th>
    <td>${user?.user ?? order.openid.slice(0, 8)}</td>
    <td class="number">${digits(order.good_num)} × <code>${order.goodid}</code></td>
    <td class="number">${digits(order.amt)}</td>
    <td>${stateOf(order)}</td>
  </tr>`
}

export const orders = () => {
  const all = model.state?.orders ?? []
  if (all.length === 0) {
    return section(
      "orders",
      say("Orders", "订单"),
      empty(say("No order of gamePay.prePay yet.", "尚无 gamePay.prePay 的订单。"))
    )
  }
  return section(
    "orders",
    say("Orders", "订单"),
    html`
      ${scrolling(
        say("All orders", "全部订单"),
        html`<table>
          <thead>
            <tr>
              <th scope="col">bill_no</th>
              <th scope="col">${say("User", "用户")}</th>
              <th scope="col" class="number">${say("Goods", "道具")}</th>
              <th scope="col" class="number">${say("Amount", "金额")}</th>
              <th scope="col">${say("State", "状态")}</th>
            </tr>
          </thead>
          <tbody>
            ${all.map(row)}
          </tbody>
        </table>`
      )}
      ${field(
        say("Where payments are notified", "支付通知网址"),
        html`<input
          type="url"
          placeholder="http://127.0.0.1:3000/paid"
          @input=${(/** @type {InputEvent} */ event) => {
            url = /** @type {HTMLInputElement} */ (event.target).value
          }}
        />`
      )}
    `
  )
}
