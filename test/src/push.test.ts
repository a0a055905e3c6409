/** What QQ posts: decoded, checked, handled once and answered, by every kind of handler. */
import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as Push from "@qq-mini/core/Push"
import * as PushHttp from "@qq-mini/core/PushHttp"
import * as PushStore from "@qq-mini/core/PushStore"
import * as PushWeb from "@qq-mini/core/PushWeb"
import * as NodePushHandler from "@qq-mini/node/NodePushHandler"
import * as UniPushHandler from "@qq-mini/unicloud/PushHandler"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { createHmac } from "node:crypto"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"

const program = { appid: "1112345678", appsecret: "theSecretOfThePushTest" }
const path = "/shop/paid"
const payment = { openid: "U1", bill_no: "B1", amt: 10, ts: 1_600_000_000, app_remark: "a b!" }

/** What QQ does, with Node's modules. */
const sign = (fields: object, encoding: "component" | "form" = "component", secret = program.appsecret): string => {
  const encode = (value: string) =>
    encoding === "form" ? new URLSearchParams([["", value]]).toString().slice(1) : encodeURIComponent(value)
  const pairs = Object.entries(fields).filter(([, value]) => value !== "")
  const text = pairs
    .map(([name, value]) => `${name}=${encode(String(value))}`)
    .sort()
    .join("&")
  const message = `POST&${encodeURIComponent(path)}&${text}&AppSecret=${secret}`
  return createHmac("sha256", secret).update(message).digest("hex")
}
const signed = (fields: object, ...rest: [encoding?: "component" | "form", secret?: string]) => ({
  ...fields,
  sig: sign(fields, ...rest)
})
const json = (fields: object) => JSON.stringify(fields)
const form = (fields: object) => new URLSearchParams(Object.entries(fields).map(([k, v]) => [k, String(v)])).toString()

interface Reply {
  readonly status: number
  readonly text: string
}
type Post = (body: string | Uint8Array) => Promise<Reply>
type OnPaid = (payment: Push.PayNotification) => unknown

const listen = async (listener: RequestListener) => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const post: Post = async (body) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}?from=qq`
    const response = await fetch(url, { method: "POST", body: body as BodyInit })
    return { status: response.status, text: await response.text() }
  }
  return { post, close: () => new Promise((resolve) => server.close(resolve)) }
}

const none = () => Promise.resolve()
const readAll = async (parts: AsyncIterable<Buffer>) => {
  const pieces: Array<Buffer> = []
  for await (const part of parts) pieces.push(part)
  return Buffer.concat(pieces)
}
/** As a body parser leaves it. */
const parse = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return Object.fromEntries(new URLSearchParams(bytes.toString()))
  }
}

type Serve = (onPaid: OnPaid) => Promise<{ readonly post: Post; readonly close: () => Promise<unknown> }>
const handlers: Readonly<Record<string, Serve>> = {
  "a Request": async (onPaid) => {
    const handle = PushWeb.payNotificationHandler({ ...program, onPaid })
    const post: Post = async (body) => {
      const response = await handle(
        new Request(`https://x.y${path}?from=qq`, { method: "POST", body: body as BodyInit })
      )
      return { status: response.status, text: await response.text() }
    }
    return { post, close: none }
  },
  "node:http": (onPaid) => listen(NodePushHandler.payNotificationHandler({ ...program, onPaid })),
  "Express whose body parser has read the body": (onPaid) => {
    const handle = NodePushHandler.payNotificationHandler({ ...program, onPaid })
    return listen(async (req, res) => {
      const body = parse(await readAll(req))
      await handle(Object.assign(req, { body, originalUrl: req.url!, url: "/paid" }), res)
    })
  },
  "Express whose body parser has skipped the body": (onPaid) => {
    const handle = NodePushHandler.payNotificationHandler({ ...program, onPaid })
    return listen((req, res) => handle(Object.assign(req, { body: {} }), res))
  },
  "effect/http": async (onPaid) => {
    const handle = (paid: Push.PayNotification) => Effect.promise(async () => onPaid(paid))
    const routes = HttpRouter.add("POST", "/shop/paid", PushHttp.payNotification({ handle })).pipe(
      HttpRouter.provideRequest(Layer.merge(Layer.orDie(App.layer(program)), PushStore.layerMemory))
    )
    const { dispose, handler } = HttpRouter.toWebHandler(routes, { disableLogger: true })
    const post: Post = async (body) => {
      const response = await handler(new Request(`https://x.y${path}`, { method: "POST", body: body as BodyInit }))
      return { status: response.status, text: await response.text() }
    }
    return { post, close: dispose }
  },
  "a uniCloud function": async (onPaid) => {
    const handle = UniPushHandler.payNotificationHandler({ ...program, path, store: "memory", onPaid })
    const post: Post = async (body) => {
      const encoded = Buffer.from(body as string).toString("base64")
      const event = { httpMethod: "POST", path: "/paid", headers: {}, body: encoded, isBase64Encoded: true }
      const answer = await handle(event)
      return { status: answer.statusCode, text: answer.body }
    }
    return { post, close: none }
  }
}

const success = { status: 200, text: '{"code":0,"msg":"成功"}' }

describe.each(Object.entries(handlers))("payment notifications by %s", (_, serve) => {
  /** Runs with a server, and what it was called with. */
  const using = (
    run: (post: Post, paid: ReadonlyArray<Push.PayNotification>) => Promise<void>,
    onPaid: OnPaid = () => {}
  ) =>
    Effect.promise(async () => {
      const paid: Array<Push.PayNotification> = []
      const { close, post } = await serve((it) => {
        paid.push(it)
        return onPaid(it)
      })
      try {
        await run(post, paid)
      } finally {
        await close()
      }
    })

  it.live("a genuine one is handled once, as JSON and as a form, in both encodings", () =>
    using(async (post, paid) => {
      const bodies = [
        json(signed(payment)),
        form(signed({ ...payment, bill_no: "B2" })),
        form(signed({ ...payment, bill_no: "B3" }, "form")),
        json(signed({ ...payment, bill_no: "B4", amt: "10", app_remark: "" }, "form"))
      ]
      for (const body of bodies) {
        assert.deepStrictEqual(await post(body), success)
        // QQ repeats it.
        assert.deepStrictEqual(await post(body), success)
      }
      assert.deepStrictEqual(
        paid.map(({ amt, app_remark, bill_no, openid, ts }) => ({ openid, bill_no, amt, ts, app_remark })),
        ["B1", "B2", "B3", "B4"].map((bill_no) => ({
          ...payment,
          bill_no,
          app_remark: bill_no === "B4" ? "" : payment.app_remark
        }))
      )
    })
  )

  it.live("I2: a forged one and odd bytes are refused, and nothing is handled", () =>
    using(async (post, paid) => {
      const changed = { ...signed(payment), amt: 1 }
      for (const body of [json(changed), form(changed), form(signed(payment, "form", "anotherSecret"))]) {
        assert.strictEqual((await post(body)).status, 403)
      }
      const odd = ["", "{", "null", "[[]]", "x", "<xml/>", "%E0%A4%A=%", json({ ...payment, sig: { a: [] } })]
      const twice = `${form(signed(payment))}&amt=1`
      for (const body of [...odd, new Uint8Array([0xff, 0xfe, 0]), json({ a: "x".repeat(70_000) })]) {
        assert.include([400, 413], (await post(body)).status, String(body).slice(0, 20))
      }
      // A body parser may drop one of the two.
      assert.include([400, 403], (await post(twice)).status)
      assert.deepStrictEqual(paid, [])
    })
  )

  it.live("twice at once, it is handled once; if that fails, QQ is to come again", () => {
    const entered = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    let calls = 0
    return using(
      async (post, paid) => {
        const body = json(signed(payment))
        const first = post(body)
        await Promise.race([entered.promise, first])
        const second = await post(body).finally(() => end.resolve())
        assert.strictEqual(second.status, 500)
        assert.notStrictEqual(JSON.parse(second.text).code, 0)
        const { status, text } = await first
        assert.strictEqual(status, 500)
        // S1: the sender learns nothing of the failure.
        assert.notInclude(text, "theOrdersPassword")
        assert.strictEqual(paid.length, 1)
        assert.deepStrictEqual(await post(body), success)
        assert.deepStrictEqual(await post(body), success)
        assert.strictEqual(paid.length, 2)
      },
      async () => {
        if (++calls > 1) return
        entered.resolve()
        await end.promise
        throw new Error("theOrdersPassword")
      }
    )
  })
})

describe("pushes", () => {
  const formId = { CreateTime: 1_600_000_000, OpenId: "U1", MsgType: "game_formid", MsgId: "M1", Content: "F1" }

  it.effect("are decoded by their type, with all fields; ids of 64 bits stay exact", () =>
    Effect.gen(function* () {
      const { MsgType: _, ...known } = formId
      assert.deepStrictEqual(yield* Push.push(json(formId)), { _tag: "GameFormId", ...known, fields: formId })
      const other = yield* Push.push('{"MsgType":"new_thing","MsgId":9007199254740993,"More":{"a":[1]}}')
      const fields = { MsgType: "new_thing", MsgId: "9007199254740993", More: { a: [1] } }
      assert.deepStrictEqual(other, { _tag: "UnknownPush", MsgType: "new_thing", MsgId: "9007199254740993", fields })
      const problems = yield* Effect.forEach(
        ["", "x", "{", json({ ...formId, OpenId: [] }), "x".repeat(Push.maxBytes + 1)],
        (body) => Effect.map(Effect.flip(Push.push(body)), ({ field, problem }) => field ?? problem)
      )
      assert.deepStrictEqual(problems, ["format", "MsgType", "format", "OpenId", "size"])
    })
  )

  it.live("are handled once by their id, and again if that failed", () =>
    Effect.promise(async () => {
      const got: Array<Push.Push> = []
      const handle = PushWeb.pushHandler({
        onPush: (push) => {
          got.push(push)
          if (got.length === 1) throw new TypeError("no")
        }
      })
      const post = async (body: object) => {
        const response = await handle(new Request("https://x.y/push", { method: "POST", body: json(body) }))
        return { status: response.status, text: await response.text() }
      }
      assert.strictEqual((await post(formId)).status, 500)
      assert.deepStrictEqual([await post(formId), await post(formId)], [success, success])
      assert.deepStrictEqual(
        got.map(({ MsgId }) => MsgId),
        ["M1", "M1"]
      )
      // Without an id, each is handled.
      for (let i = 0; i < 2; i++) await post({ MsgType: "other" })
      assert.strictEqual(got.length, 4)
      assert.strictEqual((await handle(new Request("https://x.y/push"))).status, 405)
    })
  )
})
