/** The Worker of the examples, with what tests must be able to do to it: age and evict its object, count, and run the contract. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import { redact } from "@qq-mini/core/App"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import { createQQMini, durableObject, kv, QQTokens as Base } from "@qq-mini/edge"
import type { Options, State } from "@qq-mini/edge/QQTokens"
import { env } from "cloudflare:workers"
import * as Effect from "effect/Effect"
import { handle } from "../../../examples/edge/handler.ts"

interface Env {
  readonly QQ_APPID: string
  readonly QQ_APPSECRET: string
  readonly QQ_BASE_URL: string
  readonly QQ_TOKENS: any
  readonly QQ_KV: any
  readonly STALL_URL: string
}

/** The object, which can be evicted, counts what it is asked, and whose token can be aged. */
export class QQTokens extends Base {
  asked = 0
  alarms = 0
  override readonly options: Options
  readonly state: State & { readonly abort: () => void; readonly storage: { readonly sync: () => Promise<void> } }
  constructor(state: any, env: Env) {
    super(state, env)
    this.state = state
    this.options = { renewal: (env as { readonly QQ_ALARM?: string }).QQ_ALARM !== "off" }
  }
  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === "/evict") this.state.abort()
    if (pathname === "/asked") return Response.json(this.asked)
    if (pathname === "/alarms") return Response.json(this.alarms)
    if (pathname === "/age") {
      const { storage } = this.state
      await storage.put("slot", { ...((await storage.get("slot")) as object), expires: Date.now() + 200_000 })
      if (this.options.renewal !== false) await storage.setAlarm(Date.now())
      await storage.sync()
      // it begins anew with what is stored
      this.state.abort()
    }
    this.asked++
    return super.fetch(request)
  }
  override async alarm(): Promise<void> {
    await super.alarm()
    this.alarms++
  }
}

const keyOf = ({ QQ_APPID, QQ_APPSECRET, QQ_BASE_URL }: Env) =>
  AccessToken.keyOf({ appid: QQ_APPID, appsecret: redact(QQ_APPSECRET) }, QQ_BASE_URL)

const object = (env: Env) => env.QQ_TOKENS.get(env.QQ_TOKENS.idFromName(keyOf(env)))

const stores = {
  "a Durable Object": () => durableObject((env as unknown as Env).QQ_TOKENS),
  "Workers KV in front of one": () =>
    kv((env as unknown as Env).QQ_KV, durableObject((env as unknown as Env).QQ_TOKENS))
}

// a busy machine loses no call
const settings = { attemptTimeout: 60_000, deadline: 120_000 }
const checking = createQQMini({ env, store: stores["a Durable Object"](), ...settings })
// a client that reads copies of the token in KV
const copying = createQQMini({ env, store: stores["Workers KV in front of one"](), ...settings })
const memory = createQQMini({ env, ...settings })

const unanswered = createQQMini({
  env,
  baseUrl: `${(env as unknown as Env).STALL_URL}/left`,
  ...settings
})

/** Has the object do something at which it ends. */
const ending = (path: string) => async (_: unknown, env: Env) => {
  await object(env)
    .fetch(`https://qq-mini${path}`)
    .catch(() => {})
  return new Response("ended")
}

const routes: Readonly<Record<string, (request: Request, env: Env, ctx: any) => Promise<Response>>> = {
  "/evict": ending("/evict"),
  // leaves its token only 200 seconds, and has its alarm come now
  "/age": ending("/age"),
  // the slot's generation, as the object has it
  "/generation": async (_, env) => {
    const asked = { method: "POST", body: JSON.stringify({ operation: "read", key: keyOf(env) }) }
    const { generation } = await (await object(env).fetch("https://qq-mini", asked)).json()
    return Response.json(generation)
  },
  "/check": async (request, _, ctx) =>
    Response.json(await checking.with(ctx).security.msgSecCheck({ content: "x" }, { signal: request.signal })),
  // nothing that the runtime gives with a request
  "/forgotten": async (request) =>
    Response.json(await checking.security.msgSecCheck({ content: (await request.text()) || "x" })),
  // QQ never answers, and nothing but the visitor ends it
  "/left": async (request) =>
    Response.json(
      await unanswered.security.msgSecCheck({ content: "x", access_token: "mine" }, { signal: request.signal })
    ),
  "/asked": (_, env) => object(env).fetch("https://qq-mini/asked"),
  "/alarms": (_, env) => object(env).fetch("https://qq-mini/alarms"),
  "/contract": async (request) => {
    const { name, store } = (await request.json()) as { readonly name: string; readonly store: keyof typeof stores }
    const { run } = TokenCacheConformance.cases.find((one) => one.name === name)!
    const exit = await Effect.runPromiseExit(Effect.provide(run, stores[store]()))
    return new Response(exit._tag === "Success" ? "passed" : String(exit.cause))
  },
  "/copying": async (request, _, ctx) =>
    Response.json(await copying.with(ctx).security.msgSecCheck({ content: await request.text() })),
  // no options, and no binding
  "/memory": async (request) => Response.json(await memory.security.msgSecCheck({ content: await request.text() })),
  "/unbound": () =>
    createQQMini({ env, store: durableObject(undefined) })
      .security.msgSecCheck({ content: "x" })
      .then(
        () => new Response("made"),
        (error) => new Response(error.message)
      )
}

export default {
  fetch: (request: Request, env: Env, ctx: any): Promise<Response> => {
    const route = routes[new URL(request.url).pathname]
    return route === undefined ? handle(checking.with(ctx), request) : route(request, env, ctx)
  }
}
