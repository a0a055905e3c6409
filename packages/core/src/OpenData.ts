/**
 * Data that QQ keeps for a user: `openData.setUserStorage`, `openData.removeUserStorage`,
 * `openData.setUserInteractiveData`.
 *
 * Each call is signed with the session key of the user's login. The client makes the signature. The session key stays on
 * your server, and is in no error.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Code } from "./Code.ts"
import type { Composed } from "./endpoint/definition.ts"
import * as Endpoint from "./Endpoint.ts"
import { both } from "./internal/problem.ts"
import { Finite, group, ok, secretText, Text } from "./internal/schema.ts"
import { InvalidInput, type QQError } from "./QQError.ts"
import { loginState } from "./Signature.ts"

const maxPairs = 128
const maxKeyBytes = 128
const maxPairBytes = 1_024

const utf8 = new TextEncoder()
const sizeOf = (text: string): number => utf8.encode(text).length

const tooLong = (size: number, max: number): string =>
  both(
    `is ${group(size)} bytes long; QQ takes at most ${group(max)}`,
    `长 ${group(size)} 字节，超过上限 ${group(max)} 字节`
  )
