/** How Workers ask their Durable Objects, over `fetch`. */
import { isNamed, matches } from "@qq-mini/core/adapter/shown"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"

/** The binding of a Durable Object class in a Worker's `env`. */
export interface Namespace {
  idFromName(name: string): unknown
  get(id: unknown): { readonly fetch: (input: string, init: RequestInit) => Promise<Response> }
}

/** The binding of a class. Fails with a `QQError` that says how to bind it, if there is none. */
export const bound = (
  namespace: Namespace | undefined,
  { binding, className, setting }: { readonly binding: string; readonly className: string; readonly setting: string }
): Effect.Effect<Namespace, QQError> => {
  if (typeof namespace?.idFromName === "function") return Effect.succeed(namespace)
  const bindings = `"durable_objects": { "bindings": [{ "name": "${binding}", "class_name": "${className}" }] }`
  const migrations = `"migrations": [{ "tag": "…", "new_sqlite_classes": ["${className}"] }]`
  return Effect.fail(
    invalidConfig(
      setting,
      `has no Durable Object: bind the class in wrangler.jsonc with ${bindings} and ${migrations}, and export it from the Worker`,
      `没有 Durable Object：请在 wrangler.jsonc 中绑定该类，写入 ${bindings} 与 ${migrations}，并从 Worker 导出`
    )
  )
}

/** Asks the object with this name. Both the question and the answer are JSON; no answer is `undefined`. */
export const ask = async (namespace: Namespace, name: string, question: object, signal: AbortSignal): Promise<any> => {
  // A new stub for each call: on Workers a stub can only be used in the request that made it.
  const stub = namespace.get(namespace.idFromName(name))
  const response = await stub.fetch("https://qq-mini", { method: "POST", body: JSON.stringify(question), signal })
  const text = await response.text()
  if (!response.ok) throw new Error()
  return text === "" ? undefined : JSON.parse(text)
}

/** The object's answer to a question. */
export const answer = (result: unknown): Response => new Response(result === undefined ? "" : JSON.stringify(result))

/** What went wrong with an object, without anything of the error itself. */
export const problemOf = (error: unknown): string =>
  isNamed(error, /^overloaded$/)
    ? "the Durable Object is overloaded"
    : matches(error, /new_sqlite_classes/)
      ? 'the Durable Object has no SQLite: list its class as "new_sqlite_classes" in the "migrations" of wrangler.jsonc'
      : "the Durable Object can't be reached"
