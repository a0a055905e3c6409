import * as Acode from "@qq-mini/core/Acode"
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import type * as Endpoint from "@qq-mini/core/Endpoint"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { endpoints } from "../internal/calls.ts"
import { defaultOffer } from "../internal/program.ts"
import * as Sandbox from "../Sandbox.ts"

/** The name of a call with what a person fills in. */
export interface Trial {
  readonly call: string
  readonly appid: string
  readonly input: Readonly<Record<string, unknown>>
}

/** What the form of a call asks for. */
interface Field {
  readonly name: string
  readonly required: boolean
  readonly kind: "text" | "number" | "boolean" | "json" | "file"
}

interface Ast {
  readonly _tag: string
  readonly types?: ReadonlyArray<Ast>
  readonly propertySignatures?: ReadonlyArray<{ readonly name: PropertyKey; readonly type: Ast }>
  readonly context?: { readonly isOptional: boolean } | undefined
}

const kinds: Readonly<Record<string, Field["kind"]>> = {
  Number: "number",
  Boolean: "boolean",
  Objects: "json",
  Arrays: "json"
}

const kindOf = (ast: Ast): Field["kind"] => {
  const inner = ast._tag === "Union" ? ast.types?.find(({ _tag }) => _tag !== "Undefined") : ast
  return kinds[inner?._tag ?? ""] ?? "text"
}

// The sandbox knows these.
const filledIn = new Set(["session_key", "app_key", "offer_id"])

const fieldsOf = ({ input }: Endpoint.Any): ReadonlyArray<Field> => {
  const { propertySignatures } = (input as { readonly ast: Ast }).ast
  // An image is a file in whatever form.
  if (propertySignatures === undefined) return [{ name: "base64", required: true, kind: "file" }]
  return propertySignatures
    .filter(({ name }) => !filledIn.has(String(name)))
    .map(({ name, type }) => ({
      name: String(name),
      required: type.context?.isOptional !== true,
      kind: kindOf(type)
    }))
}

/** All calls, with what their forms ask for. */
export const calls = (): ReadonlyArray<{ readonly name: string; readonly fields: ReadonlyArray<Field> }> =>
  endpoints.map((endpoint) => ({ name: endpoint.name, fields: fieldsOf(endpoint) }))

const unknownCall = App.invalidConfig("call", "is no call of QQ's API", "不是 QQ 的接口")

// Fresh: a program with a sandbox and a client of its own must not share them.
const client = Layer.fresh(QQMini.layer.pipe(Layer.provide(Sandbox.layerTransport), Layer.provide(Sandbox.layerApps)))

/**
 * Makes a call as an app would, once, with the token that the program has. The sandbox adds what only it knows: the
 * token, the user's session key and the keys of the offer. So the signature is right, and no other token gets old.
 */
export const tryCall = Effect.fnUntraced(function* (
  platform: Sandbox.Sandbox["Service"],
  { appid, call, input }: Trial
): Effect.fn.Return<unknown, QQError> {
  const endpoint = endpoints.find(({ name }) => name === call)
  if (endpoint === undefined) return yield* unknownCall
  const program = platform.programs.find((one) => one.appid === appid) ?? platform.programs[0]!
  const names = new Set(
    (endpoint.input as unknown as { readonly ast: Ast }).ast.propertySignatures?.map(({ name }) => name)
  )
  const { openid } = input
  const user = typeof openid === "string" ? yield* platform.user(openid) : undefined
  const { app_key, offer_id } = program.offer ?? defaultOffer
  const known = {
    ...(names.has("session_key") && user ? { session_key: user.session_key } : {}),
    ...(names.has("app_key") ? { app_key, offer_id } : {}),
    ...(endpoint.authorization === "access_token" ? { access_token: yield* platform.token(program.appid) } : {})
  }
  const value = yield* Effect.flatMap(QQMini.QQMini, (qq) =>
    qq.call(endpoint, { appid: program.appid, ...known, ...input }, { attempts: 1 })
  ).pipe(Effect.provide(client), Effect.provideService(Sandbox.Sandbox, platform))
  if (value instanceof Acode.Image) {
    return { picture: `data:${value.mediaType};base64,${Buffer.from(value.bytes).toString("base64")}` }
  }
  return value
})
