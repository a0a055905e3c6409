import { assert, describe, it } from "@effect/vitest"
import {
  connections,
  denoKv,
  functions,
  isNamed,
  matches,
  redis,
  shown,
  type Source,
  sqlite,
  systemCalls,
  uniCloudDatabase
} from "../src/adapter/shown.ts"

const named = (fields: object, message = "x") => Object.assign(new Error(message), fields)

class SocketTimeoutError extends Error {}
// What esbuild and Rollup make of the second class with a name in one file.
class TimeoutError2 extends Error {}
class TimeoutError$1 extends Error {}

describe("shown", () => {
  const rows: ReadonlyArray<readonly [error: unknown, source: Source, text: string]> = [
    [named({ code: "ECONNRESET" }), connections, "ECONNRESET"],
    [named({ code: "EAI_AGAIN" }), connections, "EAI_AGAIN"],
    [named({ code: "UND_ERR_SOCKET" }), connections, "UND_ERR_SOCKET"],
    [named({ code: "ERR_SSL_WRONG_VERSION_NUMBER" }), connections, "ERR_SSL_WRONG_VERSION_NUMBER"],
    [named({ code: "Z_DATA_ERROR" }), connections, "Z_DATA_ERROR"],
    [named({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), connections, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [named({ name: "ConnectionTimeoutError" }), connections, "ConnectionTimeoutError"],
    [named({ name: "ResponseTimeoutError", code: "ECONNRESET" }), connections, "ETIMEDOUT"],
    [named({ code: "ESOCKETTIMEDOUT" }), connections, "ETIMEDOUT"],
    [new TypeError("client error (Connect): tcp connect error"), connections, "ECONNREFUSED"],
    [new TypeError("client error (Connect): dns error: no record"), connections, "ENOTFOUND"],
    [new TypeError("fetch failed", { cause: named({ code: "ENOTFOUND" }) }), connections, "ENOTFOUND"],
    [new AggregateError([named({ code: "ECONNREFUSED" })]), connections, "ECONNREFUSED"],
    [named({ code: "NEW_IN_UNDICI_9" }), connections, "the connection was lost"],
    [named({ code: 42, name: {} }), connections, "the connection was lost"],
    [named({ code: "ENOENT" }), systemCalls, "ENOENT"],
    [named({ code: "ELSE" }), systemCalls, "unknown"],
    [new Error("WRONGPASS invalid username-password pair"), redis, "WRONGPASS"],
    ["NOAUTH Authentication required.", redis, "NOAUTH"],
    [new Error("HUNTER2 is no word of Redis"), redis, "it failed"],
    [new SocketTimeoutError("x"), redis, "SocketTimeoutError"],
    [new TimeoutError2("x"), redis, "TimeoutError"],
    [new TimeoutError$1("x"), redis, "TimeoutError"],
    [named({ socketError: named({ code: "ECONNREFUSED" }), originalError: new Error("x") }), redis, "ECONNREFUSED"],
    [named({ code: "ERR_SQLITE_ERROR", errcode: 5, errstr: "database is locked" }), sqlite, "database is locked"],
    [named({ code: "ERR_SQLITE_ERROR", errcode: 1, errstr: "no such table: x" }), sqlite, "it failed"],
    [named({ code: "EACCES" }), sqlite, "EACCES"],
    [new TypeError("x"), denoKv, "TypeError"],
    [new Error("x"), denoKv, "the database failed"],
    [{ errCode: "DATABASE_REQUEST_FAILED", errMsg: "x" }, uniCloudDatabase, "DATABASE_REQUEST_FAILED"],
    [named({ code: "sandboxSecretOfTheFirst" }), uniCloudDatabase, "the database failed"],
    [new RangeError("x"), functions, "RangeError"],
    [undefined, functions, "an unknown error"]
  ]
  it.each(rows)("S1: %o", (error, source, text) => assert.strictEqual(shown(error, source), text))

  it("S1: looks no further than five causes, and ends where they are a ring", () => {
    const deep = (depth: number): unknown =>
      depth === 0 ? named({ code: "EPIPE" }) : new Error("x", { cause: deep(depth - 1) })
    assert.strictEqual(shown(deep(4), connections), "EPIPE")
    assert.strictEqual(shown(deep(5), connections), connections.phrase)
    const ring: { cause?: unknown; errors?: Array<unknown> } = {}
    ring.cause = ring
    assert.strictEqual(shown(ring, connections), connections.phrase)
    ring.errors = Array.from({ length: 1_000 }, () => ring)
    assert.strictEqual(shown(ring, connections), connections.phrase)
  })

  it("S1: takes what can't be looked at for one without a name", () => {
    const { proxy, revoke } = Proxy.revocable([], {})
    revoke()
    for (const error of [proxy, { errors: proxy, cause: proxy }, Object.create(null), Symbol("x"), () => {}]) {
      assert.strictEqual(shown(error, connections), connections.phrase)
      assert.isFalse(isNamed(error, /E/))
      assert.isFalse(matches(error, /x/))
    }
  })

  it("S1: decides by the error itself, and not by its cause", () => {
    const error = new Error("collection not found", { cause: named({ code: "ENOENT" }) })
    assert.isFalse(isNamed(error, /ENOENT/))
    assert.isTrue(isNamed(error, /^Error$/))
    assert.isTrue(isNamed({ overloaded: true }, /^overloaded$/))
    assert.isTrue(matches(error, /not found/))
    assert.isTrue(matches({ errCode: "A", errMsg: "B" }, /^A B$/))
  })
})
