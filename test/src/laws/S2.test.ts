/**
 * S2: secrets and tokens are compared in constant time. The test counts the characters that are read; it uses no clock.
 */
import { assert, describe, it } from "@effect/vitest"
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Security from "@qq-mini/core/Security"
import * as Signature from "@qq-mini/core/Signature"
import { TokenCache } from "@qq-mini/core/TokenCache"
import * as UserData from "@qq-mini/core/UserData"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import type { Database } from "@qq-mini/unicloud/UniCloud"
import * as OpenBridgeTokenCache from "@qq-mini/unicloud/OpenBridgeTokenCache"
import * as UniConfig from "@qq-mini/unicloud/UniConfig"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import { sources } from "../support/sources.ts"
import { app, tokensOnly } from "../support/token.ts"

const { prototype } = String

/** Tells of every unit that is read of a text; gives back how to stop. */
const watch = (onRead: (text: string, index: number) => void): (() => void) => {
  const { charCodeAt } = prototype
  prototype.charCodeAt = function (this: string, index) {
    onRead(String(this), index)
    return charCodeAt.call(this, index)
  }
  return () => (prototype.charCodeAt = charCodeAt)
}

/** Runs, and fails unless each of these texts was read unit by unit to its end. */
const readsAll = <A, E, R>(texts: (value: A) => ReadonlyArray<string>, run: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const read = new Map<string, Set<number>>()
    const stop = watch((text, index) => read.set(text, (read.get(text) ?? new Set()).add(index)))
    return run.pipe(
      Effect.ensuring(Effect.sync(stop)),
      Effect.tap((value) =>
        Effect.sync(() => {
          for (const text of texts(value)) {
            const units = [...(read.get(text) ?? [])].filter((index) => index < text.length)
            assert.strictEqual(units.length, text.length, `of ${text} were read ${units.length} units`)
          }
        })
      )
    )
  })

/** A text that differs in one unit. */
const otherAt = (text: string, index: number) =>
  `${text.slice(0, index)}${text[index] === "x" ? "y" : "x"}${text.slice(index + 1)}`

/** Guesses that are wrong at the beginning, in the middle, at the end, and right. */
const guessesOf = (text: string) => [0, text.length >> 1, text.length - 1].map((at) => otherAt(text, at)).concat(text)

const secret = "aB3dE5gH7jK9mN1p"

describe("S2: the comparison", () => {
  const texts = [
    "",
    "a",
    "b",
    "\u0000",
    "a\u0000",
    "aa",
    "ab",
    "ba",
    secret,
    `${secret}x`,
    "密钥",
    "密",
    "\ud800",
    "\udc00"
  ]

  it("agrees with ===, plain and redacted", () => {
    for (const one of texts) {
      for (const other of texts) {
        assert.strictEqual(sameSecret(one, other), one === other, JSON.stringify([one, other]))
        assert.strictEqual(sameSecret(Redacted.make(one), Redacted.make(other)), one === other)
        assert.strictEqual(sameSecret(Redacted.make(one), other), one === other)
      }
    }
  })

  it("asks nothing of the texts but their units: no operator compares them", () => {
    assert.notMatch(String(sameSecret).replace("difference === 0", ""), /[!=]=/)
  })

  it("reads the same units, wherever the texts differ", () => {
    const counts = guessesOf(secret).map((guess) => {
      let count = 0
      const stop = watch(() => count++)
      sameSecret(secret, guess)
      stop()
      return count
    })
    assert.deepStrictEqual(counts, Array(4).fill(2 * secret.length))
  })

  it.effect("reads both to the end when one is longer", () =>
    readsAll(
      () => [secret, `${secret}andMore`],
      Effect.sync(() => {
        assert.isFalse(sameSecret(secret, `${secret}andMore`))
        assert.isFalse(sameSecret(`${secret}andMore`, secret))
      })
    )
  )
})

describe("S2: it is what compares", () => {
  it.effect("the token that QQ refused, and the one that is in use or in the store", () =>
    readsAll(
      (token) => [token],
      Effect.gen(function* () {
        const tokens = yield* AccessToken.AccessToken
        const old = yield* tokens.get(app, 10_000)
        yield* tokens.renew(app, old, 10_000)
        return Redacted.value(old.value)
      })
    ).pipe(Effect.provide(tokensOnly))
  )

  it.effect("what the sandbox is sent: the AppSecret and the access token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const send = (query: Record<string, string>) =>
        Effect.orDie(
          Effect.flatMap(
            HttpClient.get(`http://sandbox/api/getToken?${new URLSearchParams(query)}`),
            (response) => response.json
          )
        )
      const right = Redacted.value(app.appsecret)
      for (const guess of guessesOf(right)) {
        const answer = yield* readsAll(
          () => [right, guess],
          send({ grant_type: "client_credential", appid: app.appid, secret: guess })
        )
        assert.strictEqual("access_token" in (answer as object), guess === right)
      }
      const token = yield* sandbox.stealToken()
      for (const guess of guessesOf(token)) {
        const answer = yield* readsAll(
          () => [token, guess],
          Effect.exit(Security.msgSecCheck({ content: "x", access_token: guess }))
        )
        assert.strictEqual(answer._tag === "Success", guess === token)
      }
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("the AppSecret that is configured now with the one before", () =>
    Effect.gen(function* () {
      let configured = secret
      const { credentials } = yield* UniConfig.make({
        configCenter: () => ({
          config: () => ({ "mp-qq": { oauth: { qq: { appid: app.appid, appsecret: configured } } } }),
          requireFile: () => undefined
        })
      })
      let known = yield* credentials(undefined)
      for (const next of [secret, ...guessesOf(secret)]) {
        const before = configured
        configured = next
        const found = yield* readsAll(() => [before, next], credentials(undefined))
        assert.strictEqual(found === known, next === before)
        known = found
      }
    })
  )

  it.effect("the signature of a payment notification with those of both encodings", () =>
    Effect.gen(function* () {
      const parameters = { bill_no: "B1", amt: 10, app_remark: "a b" }
      const signed = { path: "/paid", parameters, appsecret: secret }
      const component = yield* Signature.payNotification({ ...signed, encoding: "component" })
      const form = yield* Signature.payNotification({ ...signed, encoding: "form" })
      for (const sig of [...guessesOf(component), ...guessesOf(form)]) {
        const isRight = yield* readsAll(
          () => [sig, component, form],
          Signature.verifyPayNotification({ ...signed, parameters: { ...parameters, sig } })
        )
        assert.strictEqual(isRight, sig === component || sig === form)
      }
    })
  )

  it.effect("the signature of user data", () =>
    Effect.gen(function* () {
      const rawData = '{"nickName":"x"}'
      const right = yield* Signature.userData(rawData, secret)
      for (const signature of guessesOf(right)) {
        const answer = yield* readsAll(
          () => [signature, right],
          Effect.exit(UserData.verify({ rawData, signature, session_key: secret }))
        )
        assert.strictEqual(answer._tag === "Success", signature === right)
      }
    })
  )

  it.live("the token of other software with ours, in uniCloud", () =>
    Effect.gen(function* () {
      for (const theirs of guessesOf(secret)) {
        const kept = { rev: "1", generation: 1, token: secret, lifetime: 7_200_000, expires: Date.now() + 3_600_000 }
        const document = { ...kept, owner: "", leased: 0, history: "", marks: [], shared: true }
        const database: Database = {
          collection: () => ({
            add: () => Promise.resolve({}),
            doc: () => ({ get: () => Promise.resolve({ data: [document] }) }),
            where: () => ({ updateAndReturn: () => Promise.resolve({}), remove: () => Promise.resolve({}) })
          })
        }
        const store = OpenBridgeTokenCache.layer(
          database,
          {
            getAccessToken: () => Promise.resolve({ access_token: theirs }),
            setAccessToken: () => Promise.resolve(),
            removeAccessToken: () => Promise.resolve()
          },
          () => "__UNI__1"
        )
        const read = Effect.flatMap(TokenCache, (cache) => cache.read(`${app.appid}:x`))
        const { token } = yield* readsAll(() => [secret, theirs], Effect.scoped(Effect.provide(read, store)))
        assert.strictEqual(Redacted.value(token!), theirs)
      }
    })
  )
})

/** Ways to compare secrets by operators. */
const comparisons: ReadonlyArray<RegExp> = [
  /\bRedacted\.value\([^()]*(\([^()]*\)[^()]*)*\) *[!=]==? /,
  /[!=]==? *Redacted\.value\(/,
  /\b(token|secret|appsecret|signature|session_?key)(\.value)? [!=]==? \(?[\w.?]*\.(token|secret|appsecret|signature|value)\b/i,
  /\btoken\.value [!=]==? /,
  /\.get\("(secret|access_token)"\) [!=]==? /,
  /[!=]==? \w+\.get\("(secret|access_token)"\)/,
  /\bEqual\.equals\(.*([tT]oken|[sS]ecret)/,
  /\bRedacted\.(make)?Equivalence\b/
]

const compares = (line: string) => comparisons.some((pattern) => pattern.test(line))

describe("S2: nothing else compares", () => {
  it("the patterns find what they are for, and nothing else", () => {
    for (const line of [
      "const same = (one: Token, other: Token) => Redacted.value(one) === Redacted.value(other)",
      "if (Redacted.value(App.redact(own.appsecret)) !== given) {",
      "if (given === Redacted.value(secret)) {",
      'if (secret !== query.get("secret")) {',
      "if (list.some((token) => token.value === value && token.validUntil > now)) return appid",
      "if (found.token === state.token) return state",
      "} else if (found?.token !== state.token) {",
      "if ((await read(appid))?.token === over?.token) await ask(appid, then)",
      "if (Equal.equals(one.appsecret, other.appsecret)) return"
    ]) {
      assert.isTrue(compares(line), line)
    }
    for (const line of [
      'const live = token !== "" && expires > now',
      "if (slot.token !== undefined && slot.generation !== not) {",
      "const isReplaced = () => memory.current?.token !== current",
      'String(Redacted.value(redact(input.appsecret))).trim() === ""'
    ]) {
      assert.isFalse(compares(line), line)
    }
  })

  it("in no package", async () => {
    const found = (await sources()).flatMap(({ file, lines }) =>
      lines.filter(({ text }) => compares(text)).map((line) => ({ file, ...line }))
    )
    assert.deepStrictEqual(found, [])
  })
})
