/**
 * The sandbox for tests of apps without Effect, with any test runner. `startSandbox` starts a server on this machine,
 * and returns promises where `Sandbox` has effects:
 *
 * ```ts
 * const sandbox = await startSandbox()
 * const qq = createQQMini(sandbox.options)
 *
 * const { openid } = await sandbox.login()
 * await sandbox.subscribe({ openid })
 * await qq.subscribeMessage.send({ touser: openid, template_id: defaultTemplate, data: { keyword1: { value: "hi" } } })
 * assert.equal((await sandbox.requests("subscribeMessage.send")).length, 1)
 *
 * await qq.close()
 * await sandbox.close()
 * ```
 *
 * A method that is used wrongly, such as with an unknown openid, is rejected with a `QQError`.
 */
import * as App from "@qq-mini/core/App"
import type { CallName } from "@qq-mini/core/Promise"
import { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Fault from "./Fault.ts"
import { callMethod, checkOptions, type Method } from "./internal/use.ts"
import type { LogEntry, Options, Sandbox } from "./Sandbox.ts"
import { type Listening, start } from "./SandboxServer.ts"

export { defaultOffer, defaultPrograms, defaultTemplate, type LogEntry, riskySamples } from "./Sandbox.ts"
export { riskyColour } from "./RiskyColour.ts"

type Platform = Sandbox["Service"]

/** A method of the platform, as a function that returns a promise. */
type Promised<F> = F extends (...args: infer Args) => Effect.Effect<infer A> ? (...args: Args) => Promise<A> : never

/** Options for `createQQMini` of any package, and for the layers of their clients. */
export interface ClientOptions {
  /** The default program. */
  readonly appid: string
  readonly appsecret: string
  /** All programs: `qq.app("1198765432")` calls for another one. */
  readonly apps: ReadonlyArray<{ readonly appid: string; readonly appsecret: string }>
  readonly baseUrl: string
  /** The memory of each client. The default store would keep the sandbox's tokens in a file of the user. */
  readonly store: "memory"
}

/** A running sandbox. Stop it with `close` or `await using`. */
export interface TestSandbox extends AsyncDisposable {
  /** The base URL, such as `http://127.0.0.1:40123`. */
  readonly url: string
  /**
   * Options for a client of this sandbox: `createQQMini(sandbox.options)`, or with more of your own,
   * `createQQMini({ ...sandbox.options, attempts: 1 })`.
   */
  readonly options: ClientOptions
  /**
   * The same as environment variables, for an app that reads them: `Object.assign(process.env, sandbox.env)` before it
   * makes its client, or `spawn("node", ["app.js"], { env: { ...process.env, ...sandbox.env } })`.
   */
  readonly env: Readonly<Record<"QQ_APPID" | "QQ_APPSECRET" | "QQ_APPS" | "QQ_BASE_URL" | "QQ_STORE", string>>
  /**
   * Logs a user in, as `qq.login` does in the mini program: `const { code, openid } = await sandbox.login()`. The code
   * is for `auth.code2Session`. Other names are other users: `sandbox.login({ user: "another" })`.
   */
  readonly login: Promised<Platform["login"]>
  /**
   * Subscribes a user to a template, as `qq.subscribeAppMsg` does: `sandbox.subscribe({ openid })`. It allows one
   * message, or as many as `times` says.
   */
  readonly subscribe: Promised<Platform["subscribe"]>
  /** Makes a user refuse the messages of a template: `sandbox.refuse({ openid })`. */
  readonly refuse: Promised<Platform["refuse"]>
  /** Submits a form as a user. Returns its form_id, which allows one template message. */
  readonly submitForm: Promised<Platform["submitForm"]>
  /** Buys coins at Midas as a user: `sandbox.buyCoins({ openid, amt: 10 })`. */
  readonly buyCoins: Promised<Platform["buyCoins"]>
  /**
   * Pays an order of `gamePay.prePay` as its user, and posts the notification to your server until it is accepted:
   * `const { accepted } = await sandbox.pay({ bill_no, url: "http://127.0.0.1:3000/paid" })`.
   */
  readonly pay: Promised<Platform["pay"]>
  /** Posts the notification of a paid order again. */
  readonly notifyPaid: Promised<Platform["notifyPaid"]>
  /** Pushes a new form_id of a user to your server: `sandbox.pushForm({ openid, url })`. */
  readonly pushForm: Promised<Platform["pushForm"]>
  /** What the calls of `openData` stored for a user. */
  readonly stored: Promised<Platform["stored"]>
  /** Fetches a token as another client. The old token stays valid for its grace period. */
  readonly stealToken: Promised<Platform["stealToken"]>
  /** Makes all tokens of the program invalid immediately. */
  readonly revokeTokens: Promised<Platform["revokeTokens"]>
  /**
   * Marks a picture as risky from now on. Pictures are compared by their bytes. Risky texts are the option `riskyTexts`
   * and {@link riskySamples}.
   */
  readonly markRisky: Promised<Platform["markRisky"]>
  /**
   * Makes calls fail. The client repeats a check up to 3 times, so a single fault is often not seen by the app:
   *
   * ```ts
   * await sandbox.fault({ kind: "empty", endpoint: "security.msgSecCheck", times: 3 })
   * await sandbox.fault({ kind: "code", endpoint: "subscribeMessage.send", code: 46003 })
   * await sandbox.fault({ kind: "html502", share: 1 }) // all calls, until heal()
   * ```
   */
  readonly fault: (
    fault: Omit<Fault.Fault, "endpoint"> & {
      /** The call that it hits. By default every call. */
      readonly endpoint?: CallName | undefined
    }
  ) => Promise<void>
  /** Removes all faults. */
  readonly heal: () => Promise<void>
  /**
   * The requests that came, oldest first: all of them, or those of one call, `sandbox.requests("security.msgSecCheck")`.
   * `params` of a request has what the app sent, without secrets.
   */
  readonly requests: (call?: CallName) => Promise<ReadonlyArray<LogEntry>>
  /**
   * Makes the sandbox as it was at the start: no users, orders, used quotas, marked pictures, faults or requests. For
   * `beforeEach`. Only tokens stay valid, so that clients go on.
   */
  readonly reset: () => Promise<void>
  /** Stops the server. Close the clients first. */
  readonly close: () => Promise<void>
}

/** The value of a result. An error gets the name of the function, and the stack of the test that called it. */
const valueOf = <A>(endpoint: string, result: Result.Result<A, QQError>, above: Function): A => {
  if (Result.isSuccess(result)) return result.success
  const error = new QQError({ endpoint, app: undefined, reason: result.failure.reason })
  Error.captureStackTrace(error, above)
  throw error
}

/**
 * Starts a sandbox on a free port of this machine. Each test file may have its own.
 *
 * ```ts
 * const sandbox = await startSandbox()
 * const sandbox = await startSandbox({ riskyTexts: ["bad word"] })
 * const sandbox = await startSandbox({ programs: [{ appid, appsecret, templates: { "my-template": "any" } }] })
 * ```
 *
 * Rejected with a `QQError` for a wrong option. If the variable `HTTP_PROXY` is set, set `NO_PROXY=127.0.0.1` too.
 */
export const startSandbox = async (options: Options & Listening = {}): Promise<TestSandbox> => {
  valueOf("startSandbox", Effect.runSync(Effect.result(checkOptions(options))), startSandbox)
  const { close, run, url } = await start(options)
  const { programs } = await run(Effect.succeed)
  const apps = programs.map(({ appid, appsecret }) => ({ appid, appsecret: Redacted.value(App.redact(appsecret)) }))
  const { appid, appsecret } = apps[0]!

  /** Makes a method of the platform. */
  const method = <K extends Method & keyof TestSandbox>(name: K): TestSandbox[K] => {
    const call = async (argument?: unknown) =>
      valueOf(`sandbox.${name}`, await run((platform) => Effect.result(callMethod(platform, name, argument))), call)
    return call as TestSandbox[K]
  }

  return {
    url,
    options: { appid, appsecret, apps, baseUrl: url, store: "memory" },
    env: {
      QQ_APPID: appid,
      QQ_APPSECRET: appsecret,
      QQ_APPS: JSON.stringify(apps),
      QQ_BASE_URL: url,
      QQ_STORE: "memory"
    },
    login: method("login"),
    subscribe: method("subscribe"),
    refuse: method("refuse"),
    submitForm: method("submitForm"),
    buyCoins: method("buyCoins"),
    pay: method("pay"),
    notifyPaid: method("notifyPaid"),
    pushForm: method("pushForm"),
    stored: method("stored"),
    fault: method("fault"),
    heal: method("heal"),
    stealToken: method("stealToken"),
    revokeTokens: method("revokeTokens"),
    markRisky: method("markRisky"),
    requests: method("requests"),
    reset: method("reset"),
    close,
    [Symbol.asyncDispose]: close
  }
}
