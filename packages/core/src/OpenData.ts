/**
 * Data of a user that QQ keeps: `openData.setUserStorage`, `openData.removeUserStorage`,
 * `openData.setUserInteractiveData`.
 *
 * Each call is signed with the session key of the user's login, which `code2Session` returns with `needKey`. The client
 * makes the signature.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Composed, Ingredients } from "./endpoint/definition.ts"
import * as Endpoint from "./Endpoint.ts"
import { jsonContent } from "./internal/composed.ts"
import { both } from "./internal/problem.ts"
import { group, maxBytes, ok, secretText, Text, utf8Length, Whole } from "./internal/schema.ts"
import type { QQError } from "./reason/error.ts"
import { loginState } from "./Signature.ts"

const user = () => ({ openid: Text, session_key: secretText() })

type User = Schema.Struct<ReturnType<typeof user>>["Type"]

/** Composes a request whose body is one parameter, and which is signed with the login state of a user. */
const signed =
  <Name extends string>(name: Name) =>
  ({ wire }: Ingredients<User & Readonly<Record<Name, unknown>>>): Effect.Effect<Composed, QQError> => {
    const content = jsonContent({ [name]: wire[name] })
    return Effect.map(loginState(wire.session_key, content.body), (signature) => ({
      ...content,
      query: [
        ["signature", signature],
        ["openid", wire.openid],
        ["sig_method", "hmac_sha256"]
      ]
    }))
  }

const notEmpty = /* @__PURE__ */ Schema.makeFilter<ReadonlyArray<unknown>>((list) =>
  list.length > 0 ? undefined : both("needs at least one entry", "至少需要一项")
)

const listOf = <A extends Schema.Codec<unknown, unknown>>(entry: A, en: string, zh: string) =>
  Schema.Array(entry)
    .annotate({ message: both(`must be an array, as ${en}`, `必须是数组，如 ${zh}`) })
    .check(notEmpty)

const maxPairs = 128
const maxPairBytes = 1_024

const pair = () =>
  Schema.Struct({ key: Text.check(maxBytes(128)), value: Schema.String })
    .annotate({
      message: both('must be an object, as { key: "k", value: "v" }', '必须是对象，如 { key: "k", value: "v" }')
    })
    .check(
      Schema.makeFilter(({ key, value }) => {
        const size = utf8Length(key) + utf8Length(value)
        return size <= maxPairBytes
          ? undefined
          : both(
              `has ${group(size)} bytes in key and value; QQ takes at most ${group(maxPairBytes)}`,
              `key 与 value 共 ${group(size)} 字节，超过上限 ${group(maxPairBytes)} 字节`
            )
      })
    )

const example = '[{ key: "k", value: "v" }]'

const storage = () =>
  Schema.Struct({
    ...user(),
    kv_list: listOf(pair(), example, example).check(
      Schema.makeFilter((list) =>
        list.length <= maxPairs
          ? undefined
          : both(
              `has ${group(list.length)} entries; QQ takes at most ${maxPairs}`,
              `有 ${group(list.length)} 项，超过上限 ${maxPairs} 项`
            )
      )
    )
  })

/**
 * Stores data of a user, which the program's open data context can read. Other keys of the user stay.
 *
 * - `openid`, `session_key`: of the user's last login.
 * - `kv_list`: at most 128 pairs `{ key, value }` of strings. A key has at most 128 bytes, key and value together at most
 *   1,024 bytes.
 *
 * Repeated if an answer gets lost: storing twice is storing once. Source: QQ's document "setUserStorage".
 */
export const setUserStorage = /* @__PURE__ */ Endpoint.post(
  "openData.setUserStorage",
  "/api/openDataContext/set_user_storage",
  () => ({
    authorization: "access_token",
    input: storage(),
    otherNames: { kv_list: ["KVDataList", "list"] },
    wire: Schema.toType(storage()),
    compose: signed("kv_list"),
    secrets: ["session_key"],
    output: ok(),
    delivery: "repeatable"
  })
)

const removal = () => Schema.Struct({ ...user(), key: listOf(Text, '["k"]', '["k"]') })

/**
 * Removes data of a user that `setUserStorage` stored.
 *
 * - `openid`, `session_key`: of the user's last login.
 * - `key`: the keys to remove, as an array.
 *
 * Repeated if an answer gets lost. Source: QQ's document "removeUserStorage".
 */
export const removeUserStorage = /* @__PURE__ */ Endpoint.post(
  "openData.removeUserStorage",
  "/api/openDataContext/remove_user_storage",
  () => ({
    authorization: "access_token",
    input: removal(),
    otherNames: { key: ["keyList"] },
    wire: Schema.toType(removal()),
    compose: signed("key"),
    secrets: ["session_key"],
    output: ok(),
    delivery: "repeatable"
  })
)

const numbers = '[{ key: "1", value: 3 }]'

const interactive = () =>
  Schema.Struct({
    ...user(),
    kv_list: listOf(
      Schema.Struct({ key: Text, value: Whole }).annotate({
        message: both('must be an object, as { key: "1", value: 3 }', '必须是对象，如 { key: "1", value: 3 }')
      }),
      numbers,
      numbers
    )
  })

/**
 * Sets interactive data of a user.
 *
 * - `openid`, `session_key`: of the user's last login.
 * - `kv_list`: pairs `{ key, value }`, whose values are whole numbers, as `{ key: "1", value: 3 }`.
 *
 * Not in QQ's documents that are left: the call comes from the code of other clients. It is not known whether QQ sets a
 * value or counts it, so the call is never repeated.
 */
export const setUserInteractiveData = /* @__PURE__ */ Endpoint.post(
  "openData.setUserInteractiveData",
  "/api/setuserinteractivedata",
  () => ({
    authorization: "access_token",
    input: interactive(),
    otherNames: { kv_list: ["KVDataList", "list"] },
    wire: Schema.toType(interactive()),
    compose: signed("kv_list"),
    secrets: ["session_key"],
    output: ok(),
    delivery: "once"
  })
)
