/** The Worker of the examples, with what tests must be able to do to it: evict its object, count, and run the contract. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import { redact } from "@qq-mini/core/App"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import { createQQMini, durableObject, kv, QQTokens as Base } from "@qq-mini/edge"
import type { Options, State } from "@qq-mini/edge/QQTokens"
import { env } from "cloudflare:workers"
import * as Effect from "effect/Effect"
import worker from "../../../examples/edge/worker/index.ts"

interface Env {
  readonly QQ_APPID: string
  readonly QQ_APPSECRET: string
  readonly QQ_BASE_URL: string
  readonly QQ_TOKENS: any
  readonly QQ_KV: any
  readonly STALL_URL: string
}

/** The object, which can be evicted and counts what it is asked. */
export class QQTokens extends Base {
  asked = 0
  override readonly options: Options
  readonly state: State & { readonly abort: () => void }
  constructor(state: any, env: Env) {
    super(state, env)
    this.state = state
    this.options = { renewal: (env as { readonly QQ_ALARM?: string }).QQ_ALARM !== "off" }
  }
  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === "/evict") this.state.abort()
    if (pathname === "/asked") return Response.json(this.asked)
    this.asked++
    return super.fetch(request)
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

const checking = createQQMini({ env, store: stores["a Durable Object"]() })
// a client that reads copies of the token in KV
const copying = createQQMini({ env, store: stores["Workers KV in front of one"]() })

const unanswered = createQQMini({
  env,
  baseUrl: `${(env as unknown as Env).STALL_URL}/left`,
  attemptTimeout: 60_000,
  deadline: 60_000
})

const routes: Readonly<Record<string, (request: Request, env: Env, ctx: any) => Promise<Response>>> = {
  "/evict": async (_, env) => {
    await object(env)
      .fetch("https://qq-mini/evict")
      .catch(() => {})
    return new Response("evicted")
  },
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

const memory = createQQMini({ env })

export default {
  fetch: (request: Request, env: Env, ctx: any): Promise<Response> => {
    const route = routes[new URL(request.url).pathname]
    return route === undefined ? worker.fetch(request, env, ctx) : route(request, env, ctx)
  }
}
