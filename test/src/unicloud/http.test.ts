/** Both HTTP layers of uniCloud: bytes both ways, every way to fail, no secret in an error, and nothing after the answer. */
import type { QQError, Reason } from "@qq-mini/core/QQError"
import { createQQMini as createNodeQQMini } from "@qq-mini/node"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { createQQMini, type Options } from "@qq-mini/unicloud"
import type { Httpclient, UniCloud } from "@qq-mini/unicloud/UniCloud"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { buffer } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { inspect } from "node:util"
import { createContext, runInContext } from "node:vm"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { assert, describe, it } from "vitest"
import { nobodyThere } from "../support/nobodyThere.ts"
import { first, image, png, risky, template_id } from "../support/calls.ts"
import { makeUniCloud, qqErrorOf } from "./unicloud.ts"

const appid = "1112345678"
const appsecret = "s3cr!et~(w)'ith/+signs=&?"
const token = "TOKEN/of+512=".repeat(30)
const sessionKey = "c2Vzc2lvbiBrZXkhIQ=="
const code = "c0de!/of+the='(l)ogin"
const secrets = [appsecret, token, token.slice(0, 13), sessionKey, code]

const both = ["httpclient", "request"] as const
type Http = (typeof both)[number]

/** Fails where a text shows a secret in any spelling, or a part of an address. */
const assertClean = (text: string) => {
  // The page about the reason has an address of its own.
  const lower = text.toLowerCase().replaceAll(/https:\/\/qq-mini\.github\.io\/qq-mini\/errors\.html#\w+/g, "")
  for (const secret of secrets) {
    const form = new URLSearchParams({ x: secret }).toString().slice(2)
    for (const shown of [secret, encodeURIComponent(secret), form, Buffer.from(secret).toString("base64")]) {
      assert.notInclude(lower, shown.toLowerCase())
    }
  }
  for (const part of ["http://", "https://", "127.0.0.1", "no-such-host", "/api/", "/sns/", "secret=", "token="]) {
    assert.notInclude(lower, part)
  }
}

/** Everything of an error that can be seen. */
const assertHidden = (error: unknown) => {
  const shown = { showHidden: true, depth: 9, maxStringLength: null, maxArrayLength: null } as const
  assertClean(inspect(error, shown))
  assertClean(inspect(error, { ...shown, customInspect: false }))
  assertClean(String(error))
  assertClean(JSON.stringify(error))
  for (let cause: any = error; cause !== undefined; cause = cause.cause) {
    assertClean(`${cause.name} ${cause.message} ${cause.stack}`)
    if (cause.reason !== undefined) assertHidden(cause.reason)
    if (cause.because !== undefined) assertHidden(cause.because)
  }
}

const failure = async (promise: Promise<unknown>): Promise<QQError> => {
  const error = await qqErrorOf(promise)
  assertHidden(error)
  return error
}

/** What came of a send: the reason, which must be that it can't be known. */
const because = ({ reason }: QQError): Reason =>
  reason._tag === "OutcomeUnknown" ? reason.because : assert.fail(`no OutcomeUnknown: ${reason._tag}`)

interface Received {
  readonly path: string
  readonly method: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

type Answer = (response: ServerResponse, socket: Socket, received: Received) => void

/** A server that remembers what it was sent, and answers every request in one way. */
const listen = async (answer: Answer) => {
  const requests: Array<Received> = []
  const server = createServer(async (incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url!, "http://x")
    const received = {
      path: pathname,
      method: incoming.method!,
      query: searchParams,
      headers: incoming.headers,
      body: await buffer(incoming)
    }
    requests.push(received)
    answer(response, incoming.socket, received)
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    count: (path: string) => requests.filter((one) => one.path === path).length,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** A client for a server: over the real urllib 2 or the stand-in, unless there is another `uniCloud`. */
const create = (url: string, http: Http, options: Options = {}) =>
  createQQMini({ uniCloud: makeUniCloud(), appid, appsecret, store: "memory", baseUrl: url, http, ...options })

type Client = ReturnType<typeof create>

const check = (qq: Client) => qq.security.msgSecCheck({ content: "x", access_token: token })
const send = (qq: Client) =>
  qq.subscribeMessage.send({ touser: "U", template_id, data: { keyword1: { value: "x" } }, access_token: token })

const paths = {
  token: "/api/getToken",
  login: "/sns/jscode2session",
  check: "/api/json/security/MsgSecCheck",
  send: "/api/json/subscribe/SendSubscriptionMessage",
  code: "/api/json/qqa/CreateMiniCode"
}

/** One call of each kind of delivery on a server that fails: what they fail with. */
const fail = async (qq: Client) => {
  const [token, login, checked, sent, mini] = await Promise.all([
    failure(qq.auth.getAccessToken({ cache: false })),
    failure(qq.auth.code2Session({ code, needKey: true })),
    failure(check(qq)),
    failure(send(qq)),
    failure(qq.acode.getMiniCode({ access_token: token_ }))
  ])
  return { token, login, checked, sent, mini }
}
const token_ = token

/** All that a server that broke off may have said before. */
const half = JSON.stringify({ openid: "O", session_key: sessionKey, access_token: token, errCode: 0, errcode: 0 })

const unreadable = (found: string, status: number) => (reason: Reason) =>
  assert.deepInclude(reason as object, { _tag: "UnreadableAnswer", found, status })
const broken = (problem: RegExp) => (reason: Reason) => {
  if (reason._tag !== "ConnectionFailed") assert.fail(reason._tag)
  assert.match(reason.problem, problem)
}
/** Of an attempt that nobody answered, in ms. */
const attemptTimeout = 2_000
const late = (reason: Reason) =>
  assert.deepInclude(reason as object, { _tag: "TimedOut", during: "answer", limit: attemptTimeout })

/** Ways to fail after a request was received, and what each is for a call. */
const faults: Readonly<Record<string, { readonly answer: Answer; readonly is: (reason: Reason) => void }>> = {
  "a reset before the answer": { answer: (_, socket) => socket.resetAndDestroy(), is: broken(/^ECONNRESET$/) },
  "an end before the answer": { answer: (_, socket) => socket.end(), is: broken(/^ECONNRESET$/) },
  "a reset in the middle of the body": {
    answer: (response, socket) => {
      response.writeHead(200, { "content-length": 10_000 })
      response.write(half, () => socket.resetAndDestroy())
    },
    is: broken(/^(ECONNRESET|the connection was lost)$/)
  },
  "an end in the middle of the body": {
    answer: (response, socket) => {
      response.writeHead(200, { "content-length": 10_000 })
      response.write(half, () => socket.end())
    },
    is: broken(/^(ECONNRESET|the connection was lost)$/)
  },
  "no HTTP": { answer: (_, socket) => socket.end(`SSH-2.0 ${half}\r\n`), is: broken(/^HPE_/) },
  silence: { answer: () => {}, is: late },
  "silence after the headers": { answer: (response) => response.writeHead(200).flushHeaders(), is: late },
  "a body without end": {
    answer: (response, socket) => {
      const timer = setInterval(() => response.write(" "), 20)
      socket.on("close", () => clearInterval(timer))
    },
    is: late
  },
  "JSON that is none": { answer: (response) => response.end(half.slice(0, -1)), is: unreadable("not JSON", 200) },
  "JSON that says nothing": {
    answer: (response) => response.end(JSON.stringify([sessionKey])),
    is: unreadable("unknown JSON", 200)
  },
  "a gateway's page": {
    answer: (response) => response.writeHead(502, { "content-type": "text/html" }).end(`<html>${half}</html>`),
    is: unreadable("html", 502)
  },
  "an empty body": { answer: (response) => response.end(), is: unreadable("empty", 200) },
  "no content": { answer: (response) => response.writeHead(204).end(), is: unreadable("empty", 204) },
  "more than 1 MB": {
    answer: (response, _, { path }) => response.end(path === paths.code ? "x" : " ".repeat(1024 * 1024) + half),
    is: (reason) =>
      reason._tag === "UnreadableAnswer" && reason.size === 1
        ? unreadable("not JSON", 200)(reason)
        : unreadable("too large", 200)(reason)
  }
}

for (const http of both) {
  describe.concurrent(`uniCloud.${http}`, () => {
    it("gives what the client for Node gives", async () => {
      await using sandbox = await SandboxServer.start()
      const options = { appid: first.appid, appsecret: first.appsecret, baseUrl: sandbox.url }
      await using qq = create(sandbox.url, http, options)
      await using node = createNodeQQMini(options)
      const results = async (qq: Client, user: string) => {
        const { code, openid } = await sandbox.run((platform) => platform.login({ user: "same" }))
        const other = await sandbox.run((platform) => platform.login({ user }))
        await sandbox.run((platform) => platform.subscribe({ openid: other.openid }))
        const token = await qq.auth.getAccessToken()
        const session = await qq.auth.code2Session({ code, needKey: true })
        assert.strictEqual(session.openid, openid)
        const message = { touser: other.openid, template_id, data: { keyword1: { value: "“x”\0😀" } } }
        return {
          token: token.length,
          session: { ...session, session_key: atob(session.session_key!).length },
          text: [await qq.security.msgSecCheck({ content: risky }), await qq.security.msgSecCheck({ content: "好" })],
          picture: await qq.security.imgSecCheck({ media: png(64, 64) }),
          base64: await qq.security.imgSecCheck({ media: Buffer.from(image).toString("base64") }),
          code: await qq.acode.getMiniCode({ path: "pages/index/index" }),
          sent: await qq.subscribeMessage.send(message),
          again: (await failure(qq.subscribeMessage.send(message))).reason
        }
      }
      const ours = await results(qq, "first")
      const theirs = await results(node, "second")
      assert.deepStrictEqual(ours, theirs)
      assert.deepStrictEqual(ours.text, [{ risky: true }, { risky: false }])
      assert.isUndefined(ours.sent)
      assert.isAbove(ours.code.bytes.length, 100)
    })

    it("carries every byte both ways", async () => {
      const every = Uint8Array.from({ length: 1_024 }, (_, i) => i)
      const picture = Buffer.concat([Buffer.from("GIF89a\x08\0\x08\0"), every, Buffer.from(";")])
      await using server = await listen((response, _, { path }) => {
        if (path === paths.token) response.end(JSON.stringify({ access_token: token, expires_in: 7_200 }))
        else if (path === paths.code) response.end(picture)
        else response.end(`{"errCode":0}`)
      })
      await using qq = create(server.url, http)
      const { bytes, mediaType } = await qq.acode.getMiniCode({ path: "pages/a?b=“c”" })
      assert.strictEqual(mediaType, "image/gif")
      assert.deepStrictEqual(Buffer.from(bytes), picture)
      // a part of a larger buffer
      const larger = Uint8Array.from([...Buffer.from("before"), ...picture, ...Buffer.from("after")])
      await qq.security.imgSecCheck({ media: larger.subarray(6, 6 + picture.length) })
      await qq.security.msgSecCheck({ content: "\u0001“好”😀" })
      const [granted, made, checked, text] = server.requests
      assert.deepInclude(granted, { method: "GET", path: paths.token })
      assert.deepStrictEqual(
        [...granted!.query],
        [
          ["appid", appid],
          ["secret", appsecret],
          ["grant_type", "client_credential"]
        ]
      )
      assert.strictEqual(granted!.body.length, 0)
      assert.deepStrictEqual(JSON.parse(made!.body.toString()), { appid, path: "pages/a?b=“c”" })
      assert.deepStrictEqual(JSON.parse(text!.body.toString()), { appid, content: "\u0001“好”😀" })
      for (const { headers, method, query, body } of [made!, checked!, text!]) {
        assert.strictEqual(method, "POST")
        assert.deepStrictEqual([...query], [["access_token", token]])
        assert.strictEqual(headers["content-length"], String(body.length))
        assert.isUndefined(headers["transfer-encoding"])
      }
      assert.match(text!.headers["content-type"]!, /^application\/json\b/)
      const boundary = /^multipart\/form-data; boundary=([\w-]+)$/.exec(checked!.headers["content-type"]!)![1]!
      assert.deepStrictEqual(
        checked!.body,
        Buffer.concat([
          Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="appid"\r\n\r\n${appid}\r\n`),
          Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="media"; filename="media.gif"\r\n`),
          Buffer.from("Content-Type: image/gif\r\n\r\n"),
          picture,
          Buffer.from(`\r\n--${boundary}--\r\n`)
        ])
      )
    })

    it("takes an image of 2 MB, and a body in pieces", async () => {
      const picture = Buffer.concat([Buffer.from("GIF89a\x08\0\x08\0"), Buffer.alloc(2_000_000, 7), Buffer.from(";")])
      await using server = await listen((response) => {
        for (let at = 0; at < picture.length; at += 50_000) response.write(picture.subarray(at, at + 50_000))
        response.end()
      })
      await using qq = create(server.url, http)
      const { bytes } = await qq.acode.getMiniCode({ access_token: token })
      assert.isTrue(picture.equals(bytes))
    })

    for (const [name, { answer, is }] of Object.entries(faults)) {
      it(`D1: ${name}: what may be repeated is, a send is sent once`, async () => {
        await using server = await listen(answer)
        await using qq = create(server.url, http, {
          attemptTimeout: is === late ? attemptTimeout : 5_000,
          deadline: 20_000
        })
        const { checked, login, mini, sent, token } = await fail(qq)
        for (const reason of [token.reason, checked.reason, because(sent), because(mini), because(login)]) is(reason)
        assert.isTrue(checked.isRetryable)
        assert.isFalse(sent.isRetryable)
        assert.strictEqual(server.count(paths.send), 1)
        assert.strictEqual(server.count(paths.code), 1)
        for (const path of [paths.token, paths.check, paths.login]) assert.strictEqual(server.count(path), 3, path)
      })
    }

    it("D1: a refused connection: nothing was sent, so all is repeated", async () => {
      const { count, uniCloud } = counted()
      await using qq = create(nobodyThere, http, { uniCloud })
      for (const error of Object.values(await fail(qq))) {
        assert.deepInclude(error.reason as object, { _tag: "ConnectionFailed", problem: "ECONNREFUSED" })
      }
      assert.strictEqual(count.requests, 5 * 3)
    })

    it("D1: a host that is not there", async () => {
      await using qq = create("http://no-such-host.invalid", http, { attempts: 2 })
      const { reason } = await failure(send(qq))
      if (reason._tag !== "ConnectionFailed") assert.fail(reason._tag)
      assert.match(reason.problem, /^(ENOTFOUND|EAI_AGAIN|ConnectionTimeoutError)$/)
    })

    it("D1: a connection that is not accepted", async () => {
      await using full = await overfull()
      const { count, uniCloud } = counted(1_000)
      await using qq = create(full.url, http, { uniCloud, attempts: 2, attemptTimeout: 1_000, deadline: 10_000 })
      const { reason } = await failure(send(qq))
      if (http === "httpclient") {
        assert.deepInclude(reason as object, { _tag: "ConnectionFailed", problem: "ConnectionTimeoutError" })
        // an attempt that can't connect is not one of the two that are counted
        assert.isAtLeast(count.attempts, 3)
      } else {
        // it does not tell whether it was connected, so the worse is taken for true
        assert.strictEqual(reason._tag === "OutcomeUnknown" && reason.because._tag, "TimedOut")
        assert.strictEqual(count.requests, 1)
      }
    })

    it("follows no redirect", async () => {
      await using target = await listen((response) => response.end(`{"errCode":0,"errcode":0}`))
      for (const status of [301, 302, 303, 307, 308]) {
        await using server = await listen((response) => {
          response.writeHead(status, { location: `${target.url}/${appsecret}` }).end()
        })
        await using qq = create(server.url, http, { attempts: 1 })
        unreadable("empty", status)((await failure(check(qq))).reason)
        unreadable("empty", status)(because(await failure(send(qq))))
        assert.strictEqual(server.requests.length, 2)
      }
      assert.strictEqual(target.requests.length, 0)
    })

    it("waits as Retry-After says, and gives up where that is too long", async () => {
      const at: Array<number> = []
      await using server = await listen((response) => {
        at.push(performance.now())
        if (at.length === 2) response.end(`{"errCode":0}`)
        else response.writeHead(503, { "Retry-After": at.length === 1 ? "1" : "7" }).end("busy")
      })
      await using qq = create(server.url, http)
      assert.deepStrictEqual(await check(qq), { risky: false })
      assert.isAtLeast(at[1]! - at[0]!, 990)
      const error = await failure(check(qq))
      unreadable("not JSON", 503)(error.reason)
      assert.strictEqual(error.retryAfter, 7_000)
      assert.strictEqual(at.length, 3)
    })

    it("reads what is compressed, and never takes it for a pass where it is broken", async () => {
      const yes = gzipSync(`{"errCode":0}`)
      const serve = (body: Uint8Array, coding = "gzip") =>
        listen((response) => response.writeHead(200, { "Content-Encoding": coding }).end(body))
      await using server = await serve(yes)
      await using qq = create(server.url, http, { attempts: 1 })
      assert.deepStrictEqual(await check(qq), { risky: false })
      assert.isUndefined(server.requests[0]!.headers["accept-encoding"])
      await using brotli = await serve(brotliCompressSync(`{"errCode":0}`), "br")
      await using one = create(brotli.url, http, { attempts: 1 })
      assert.deepStrictEqual(await check(one), { risky: false })
      for (const body of [yes.subarray(0, -8), Buffer.from("no gzip")]) {
        await using wrong = await serve(body)
        await using other = create(wrong.url, http, { attempts: 1 })
        broken(/^Z_(BUF|DATA)_ERROR$/)((await failure(check(other))).reason)
      }
    })
  })
}

/** `uniCloud` with its real clients, whose requests are counted, and those that begin an attempt of this time. */
function counted(attemptTimeout?: number) {
  const count = { requests: 0, attempts: 0 }
  const { httpclient, request } = makeUniCloud()
  const uniCloud: UniCloud = {
    httpclient: {
      request: (url, options) => {
        count.requests++
        if (options.timeout[0] + options.timeout[1] === attemptTimeout) count.attempts++
        return httpclient.request(url, options)
      }
    },
    request: (options) => {
      count.requests++
      return request(options)
    }
  }
  return { count, uniCloud }
}

/** A listening socket of a process that accepts nothing, its queue full: who connects hears nothing. */
async function overfull() {
  const listen = `require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, function () {
    require("node:fs").writeSync(1, String(this.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] })
  const [port] = await once(child.stdout, "data")
  const sockets = Array.from({ length: 4 }, () => connect(Number(port), "127.0.0.1").on("error", () => {}))
  await sleep(100)
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      child.kill("SIGKILL")
      await once(child, "exit")
    }
  }
}

type Sent = Parameters<Httpclient["request"]>[1]

/** A `uniCloud` of which both clients are one function, which remembers its requests. */
const fake = (answer: (path: string, sent: Sent, n: number) => unknown) => {
  const requests: Array<{ readonly path: string; readonly timeout: Sent["timeout"] }> = []
  const request: Httpclient["request"] = (url, sent) => {
    const { pathname } = new URL(url)
    requests.push({ path: pathname, timeout: sent.timeout })
    return answer(pathname, sent, requests.length) as ReturnType<Httpclient["request"]>
  }
  const uniCloud: UniCloud = {
    httpclient: { request },
    request: async ({ data, header, method, timeout, url }) => {
      const content = data === undefined ? {} : { content: Buffer.from(data as string) }
      const received: any = await request(url, { method, headers: header, ...content, timeout: [0, timeout] })
      return received && { statusCode: received.status, header: received.headers, data: received.data }
    }
  }
  return { uniCloud, requests }
}

const json = (value: unknown) => ({ status: 200, headers: {}, data: Buffer.from(JSON.stringify(value)) })

for (const http of both) {
  describe.concurrent(`uniCloud.${http}, whatever it gives`, () => {
    const pass = `{"errCode":0}`
    const other = createContext({ pass })
    const bytes = new TextEncoder().encode(pass)
    const inside = new TextEncoder().encode(`xxx${pass}xxx`)
    const circular: Record<string, unknown> = { errCode: 0, token }
    circular["self"] = circular

    for (const [name, data] of Object.entries({
      "a string": pass,
      "an object": { errCode: 0 },
      "an ArrayBuffer": bytes.buffer,
      "a Uint8Array": bytes,
      "a part of a buffer": inside.subarray(3, 3 + bytes.length),
      "a DataView of a part": new DataView(inside.buffer, 3, bytes.length),
      "an ArrayBuffer of another realm": runInContext(
        `{ const a = new Uint8Array(pass.length); for (let i = 0; i < a.length; i++) a[i] = pass.charCodeAt(i); a.buffer }`,
        other
      ),
      "a Uint8Array of another realm": runInContext(
        `{ const a = new Uint8Array(pass.length); for (let i = 0; i < a.length; i++) a[i] = pass.charCodeAt(i); a }`,
        other
      )
    })) {
      it(`reads ${name}`, async () => {
        for (const headers of [{}, undefined, null]) {
          const { uniCloud } = fake(async () => ({ status: 200, headers, data }))
          await using qq = create("http://127.0.0.1:1", http, { uniCloud, attempts: 1 })
          assert.deepStrictEqual(await check(qq), { risky: false })
        }
      })
    }

    const odd: ReadonlyArray<readonly [name: string, answer: unknown, found: string | undefined]> = [
      ["null", { status: 200, headers: {}, data: null }, "empty"],
      ["no data", { status: 200, headers: {} }, "empty"],
      ["an empty string", { status: 200, headers: {}, data: "" }, "empty"],
      ["true", { status: 200, headers: {}, data: true }, "unknown JSON"],
      ["a number", { status: 200, headers: {}, data: 0 }, "unknown JSON"],
      ["an array", { status: 200, headers: {}, data: [0] }, "unknown JSON"],
      ["an object in a circle", { status: 200, headers: {}, data: circular }, undefined],
      ["a function", { status: 200, headers: {}, data: () => pass }, undefined],
      ["a BigInt", { status: 200, headers: {}, data: 0n }, undefined],
      ["nothing at all", undefined, undefined],
      ["null for an answer", null, undefined],
      ["a string for an answer", token, "empty"]
    ]
    it.each(odd)("takes for no answer: %s", async (_, answer, found) => {
      const { requests, uniCloud } = fake(async () => answer)
      await using qq = create("http://127.0.0.1:1", http, { uniCloud, attempts: 1 })
      const is = (reason: Reason) =>
        found === undefined
          ? assert.strictEqual(reason._tag, "ConnectionFailed")
          : assert.deepInclude(reason as object, { _tag: "UnreadableAnswer", found })
      is((await failure(check(qq))).reason)
      is((await failure(qq.auth.getAccessToken({ cache: false }))).reason)
      is(because(await failure(send(qq))))
      assert.strictEqual(requests.length, 3)
    })

    const url = `http://127.0.0.1/api/getToken?secret=${appsecret}&access_token=${token}`
    const unlookable = new Proxy(
      {},
      {
        get: () => {
          throw new Error(url)
        }
      }
    )
    const thrown: ReadonlyArray<readonly [string, unknown]> = [
      ["an Error", Object.assign(new Error(url), { url, options: { headers: { secret: appsecret } } })],
      ["one whose names are texts", Object.assign(new Error(url), { name: url, code: url, syscall: url })],
      ["one whose names are objects", Object.assign(new Error(url), { name: { url }, code: [url], syscall: { url } })],
      ["one with a cause", new Error(url, { cause: new Error(url) })],
      ["several in one", new AggregateError([new Error(url)], url)],
      ["what can't be looked at", unlookable],
      ["a string", url],
      ["an object", { errMsg: url, errCode: url }],
      ["nothing", undefined]
    ]
    const ways = {
      throws: (error: unknown) => {
        throw error
      },
      "rejects with": (error: unknown) => Promise.reject(error)
    }
    for (const [way, answer] of Object.entries(ways)) {
      it.each(thrown)(`D1: ${way} %s`, async (_, error) => {
        const { requests, uniCloud } = fake(() => answer(error))
        await using qq = create("http://127.0.0.1:1", http, { uniCloud, attempts: 2 })
        for (const reason of [(await failure(check(qq))).reason, because(await failure(send(qq)))]) {
          assert.deepInclude(reason as object, { _tag: "ConnectionFailed", problem: "the connection was lost" })
        }
        assert.strictEqual(requests.length, 2 + 1)
        assert.strictEqual((await failure(qq.auth.getAccessToken({ cache: false }))).reason._tag, "ConnectionFailed")
      })
    }

    it.each([
      ["ConnectionTimeoutError", {}],
      ["SocketAssignTimeoutError", {}],
      ["RequestError", { code: "ECONNREFUSED", syscall: "connect" }],
      ["RequestError", { code: "ETIMEDOUT", syscall: "connect" }],
      ["RequestError", { code: "ENOTFOUND", syscall: "getaddrinfo" }],
      ["Error", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }]
    ])("D1: repeats a send after urllib's %s %o", async (name, more) => {
      const { requests, uniCloud } = fake((_path, _sent, n) =>
        n < 3
          ? Promise.reject(Object.assign(new Error(`Connect timeout, POST ${url}`), { name }, more))
          : json({ errcode: 0 })
      )
      await using qq = create("http://127.0.0.1:1", http, { uniCloud })
      assert.isUndefined(await send(qq))
      assert.strictEqual(requests.length, 3)
    })

    it.each([
      ["ResponseTimeoutError", {}, "TimedOut"],
      ["ResponseError", { code: "ECONNRESET", syscall: "read" }, "ConnectionFailed"],
      ["ResponseError", { code: "ETIMEDOUT", syscall: "read" }, "TimedOut"],
      ["Error", { code: "ESOCKETTIMEDOUT" }, "TimedOut"],
      ["Error", { code: "EPIPE", syscall: "write" }, "ConnectionFailed"]
    ])("D1: repeats no send after urllib's %s %o", async (name, more, reason) => {
      const { requests, uniCloud } = fake(() => Promise.reject(Object.assign(new Error(`POST ${url}`), { name }, more)))
      await using qq = create("http://127.0.0.1:1", http, { uniCloud })
      assert.strictEqual(because(await failure(send(qq)))._tag, reason)
      assert.strictEqual(requests.length, 1)
    })

    it("reads Retry-After in any spelling, and none that is no time", async () => {
      for (const [headers, expected] of [
        [{ "retry-after": "7" }, 7_000],
        [{ "Retry-After": "7" }, 7_000],
        [{ "RETRY-AFTER": 7 }, 7_000],
        [{ "retry-after": ["7", "8"] }, undefined],
        [{ "retry-after": token }, undefined],
        [{}, undefined]
      ] as const) {
        const { uniCloud } = fake(async () => ({ status: 503, headers, data: Buffer.from("busy") }))
        await using qq = create("http://127.0.0.1:1", http, { uniCloud, attempts: 1 })
        assert.strictEqual((await failure(check(qq))).retryAfter, expected)
      }
    })
  })
}

const granted = (seconds = 7_200) => json({ access_token: token, expires_in: seconds })

/** The real clients, which remember what time they were given, and how much was left then. */
const timed = (left: () => number) => {
  const given: Array<{ readonly path: string; readonly all: ReadonlyArray<number>; readonly left: number }> = []
  const { httpclient, request } = makeUniCloud()
  const uniCloud: UniCloud = {
    httpclient: {
      request: (url, options) => {
        given.push({ path: new URL(url).pathname, all: options.timeout, left: left() })
        return httpclient.request(url, options)
      }
    },
    request: (options) => {
      given.push({ path: new URL(options.url).pathname, all: [options.timeout], left: left() })
      return request(options)
    }
  }
  return { given, uniCloud }
}

const sum = (all: ReadonlyArray<number>) => all.reduce((sum, one) => sum + one, 0)

for (const http of both) {
  describe.concurrent(`uniCloud.${http}: times`, () => {
    const assertTimes = (all: ReadonlyArray<number>, most: number) => {
      assert.strictEqual(all.length, http === "httpclient" ? 2 : 1)
      for (const one of all) assert.isTrue(Number.isInteger(one) && one >= 1, String(all))
      assert.isAtMost(sum(all), most)
    }

    it("D3: a request is given at most its attempt's time, and at most its call's", async () => {
      const { requests, uniCloud } = fake(async (path) => (path === paths.token ? granted() : json({ errCode: 0 })))
      // the fake's request layer has no time for connecting
      const times = (n: number) => requests[n]!.timeout.slice(http === "httpclient" ? 0 : 1)
      for (const attemptTimeout of [3.9, 10, 999, 1_000, 2_999.5, 3_999, 1e9]) {
        requests.length = 0
        await using qq = create("http://127.0.0.1:1", http, { uniCloud, attemptTimeout })
        // with so little time it may not even begin
        const done = await qq.security.msgSecCheck({ content: "x" }, { deadline: "1 hour" }).catch(() => undefined)
        if (attemptTimeout > 10) assert.isDefined(done)
        for (const [n] of requests.entries()) assertTimes(times(n), Math.min(attemptTimeout, 60_000))
        if (attemptTimeout === 1e9) assert.strictEqual(sum(times(1)), 60_000)
        else if (attemptTimeout > 10) assert.strictEqual(sum(times(1)), Math.floor(attemptTimeout))
      }
      for (const deadline of [300, 900, 2_000]) {
        requests.length = 0
        await using qq = create("http://127.0.0.1:1", http, { uniCloud })
        await check(qq)
        await qq.security.msgSecCheck({ content: "x" }, { deadline }).catch(() => undefined)
        assert.isAbove(requests.length, 1)
        // the request for the token, too: it can't be stopped when the call has ended
        for (const [n] of requests.entries()) assertTimes(times(n), n === 0 ? 3_000 : deadline)
      }
    })

    it("D3: no request is given more time than the function has left, and the call ends in it", async () => {
      await using server = await listen((response, _, { path, query }) => {
        if (path === paths.token && query.get("appid") === appid) response.end(granted().data)
      })
      // a quarter of it is for connecting, which takes its time on a busy machine
      const within = 6_000
      const another = { appid: "1", appsecret }
      const calls = [
        check,
        (qq: Client) => qq.security.msgSecCheck({ content: "x" }),
        // whose token does not come either
        (qq: Client) => qq.app(another).security.msgSecCheck({ content: "x" }),
        (qq: Client) => qq.app(another).auth.getAccessToken(),
        send
      ]
      await Promise.all(
        calls.map(async (call) => {
          const end = performance.now() + within
          const timeLeft = () => end - performance.now()
          const { given, uniCloud } = timed(timeLeft)
          await using qq = create(server.url, http, { uniCloud, timeLeft })
          const error = await failure(call(qq))
          const reason = call === send ? because(error) : error.reason
          // the last of several attempts may not even be connected
          const unconnected = call !== send && reason._tag === "ConnectionFailed" && reason.problem
          if (unconnected !== "ConnectionTimeoutError") {
            assert.strictEqual(reason._tag, "TimedOut", JSON.stringify(error.reason))
          }
          assert.isAbove(given.length, 0)
          for (const { all, left } of given) assertTimes(all, left)
        })
      )
    })

    it("D3: the error names the limit that was in force", async () => {
      await using server = await listen(() => {})
      const end = performance.now() + 2_000
      await using qq = create(server.url, http, {
        timeLeft: () => end - performance.now(),
        attemptTimeout: 60_000,
        deadline: 60_000
      })
      const { reason } = await failure(qq.security.msgSecCheck({ content: "x", access_token: token }))
      if (reason._tag !== "TimedOut") return assert.strictEqual(reason._tag, "ConnectionFailed")
      assert.isAtMost(reason.limit, 1_700)
    })

    it("D3: where nothing is left nothing is sent, and it is known that nothing was", async () => {
      const { requests, uniCloud } = fake(async () => granted())
      for (const left of [300, 200, 0, -5, -Infinity]) {
        await using qq = create("http://127.0.0.1:1", http, { uniCloud, timeLeft: () => left })
        for (const call of [
          send,
          check,
          (qq: Client) => qq.auth.getAccessToken(),
          (qq: Client) => qq.acode.getMiniCode()
        ]) {
          const { endpoint, reason } = await failure(call(qq))
          assert.strictEqual(reason._tag, "TimedOut")
          assert.match(
            endpoint,
            /^(subscribeMessage\.send|security\.msgSecCheck|auth\.getAccessToken|acode\.getMiniCode)$/
          )
        }
      }
      // hardly anything
      await using qq = create("http://127.0.0.1:1", http, { uniCloud, timeLeft: () => 301 })
      await failure(check(qq))
      await sleep(100)
      assert.strictEqual(requests.length, 0)
    })

    it("D3: with time enough the time that is left changes nothing", async () => {
      const { requests, uniCloud } = fake(async (path) => (path === paths.token ? granted() : json({ errCode: 0 })))
      for (const left of [60_000, Infinity, undefined]) {
        await using qq = create("http://127.0.0.1:1", http, {
          uniCloud,
          timeLeft: () => left as number,
          // of which a busy machine may use some before it asks
          deadline: 30_000
        })
        assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
      }
      for (const { timeout } of requests) assert.strictEqual(sum(timeout), 3_000)
      // and what is no time is refused by its name
      await using qq = create("http://127.0.0.1:1", http, { uniCloud, timeLeft: () => 60_000 })
      for (const deadline of [-1, "soon" as never]) {
        const { reason } = await failure(qq.security.msgSecCheck({ content: "x" }, { deadline }))
        assert.strictEqual(reason._tag === "InvalidInput" && reason.field, "options.deadline")
      }
    })
  })

  const quiet = async (requests: { readonly length: number }) => {
    const before = requests.length
    await sleep(700)
    assert.strictEqual(requests.length, before, "a request was made after the answer")
  }

  describe.concurrent(`uniCloud.${http}: after an answer nothing goes on`, () => {
    const checkWith = (qq: Client, deadline?: number) =>
      qq.security.msgSecCheck({ content: "x" }, deadline === undefined ? {} : { deadline })

    it("answered, refused, and given up", async () => {
      let answer: unknown = json({ errCode: 0 })
      const { requests, uniCloud } = fake(async (path) => (path === paths.token ? granted() : answer))
      await using qq = create("http://127.0.0.1:1", http, { uniCloud })
      await Promise.all([checkWith(qq), checkWith(qq)])
      await quiet(requests)
      answer = json({ errcode: 45009 })
      await failure(checkWith(qq, 1_500))
      assert.deepStrictEqual(
        requests.map(({ path }) => path),
        [paths.token, paths.check, paths.check, paths.check]
      )
      // a pause that the deadline cuts off
      const busy = fake(async () => ({ status: 503, headers: {}, data: "" }))
      await using other = create("http://127.0.0.1:1", http, { uniCloud: busy.uniCloud })
      await failure(other.security.msgSecCheck({ content: "x", access_token: token }, { deadline: 30 }))
      await quiet(busy.requests)
    })

    it("T6: the deadline comes while the token is fetched: however that ends, it is not tried again", async () => {
      const ends: ReadonlyArray<() => unknown> = [
        () => granted(),
        () => Promise.reject(Object.assign(new Error("x"), { code: "ECONNREFUSED", syscall: "connect" })),
        () => ({ status: 502, headers: {}, data: "" })
      ]
      await Promise.all(
        ends.map(async (end) => {
          const { requests, uniCloud } = fake(async () => {
            await sleep(3_000)
            return end()
          })
          await using qq = create("http://127.0.0.1:1", http, { uniCloud })
          const { reason } = await failure(checkWith(qq, 1_500))
          assert.deepInclude(reason as object, { _tag: "TimedOut", during: "token" })
          await quiet(requests)
          assert.deepStrictEqual(
            requests.map(({ path }) => path),
            [paths.token]
          )
        })
      )
    })

    it("T6: a caller who goes away ends the fetch; where another waits it goes on, with that one's time", async () => {
      const { requests, uniCloud } = fake(async (path) => {
        if (path !== paths.token) return json({ errCode: 0 })
        await sleep(1_250)
        return requests.length === 1
          ? Promise.reject(Object.assign(new Error("x"), { code: "ECONNREFUSED", syscall: "connect" }))
          : granted()
      })
      await using qq = create("http://127.0.0.1:1", http, { uniCloud, attemptTimeout: 20_000, deadline: 30_000 })
      const controller = new AbortController()
      const gone = qq.security.msgSecCheck({ content: "x" }, { signal: controller.signal }).catch((error) => error)
      while (requests.length === 0) await sleep(1)
      controller.abort(new Error("gone"))
      assert.strictEqual((await gone).message, "gone")
      await quiet(requests)
      assert.strictEqual(requests.length, 1)

      requests.length = 0
      const short = failure(checkWith(qq, 1_000))
      while (requests.length === 0) await sleep(1)
      const long = checkWith(qq, 15_000)
      assert.strictEqual((await short).reason._tag, "TimedOut")
      assert.deepStrictEqual(await long, { risky: false })
      // refused, granted, and the check
      assert.strictEqual(requests.length, 3)
      const [refused, fetched, checked] = requests.map(({ timeout }) => sum(timeout))
      assert.isAtMost(refused!, 1_000)
      assert.isAtMost(fetched!, 15_000 - 50)
      assert.isAbove(fetched!, 1_000)
      assert.isAtMost(checked!, fetched!)
      await quiet(requests)
    })
  })

  describe(`uniCloud.${http}: ahead of a token's end`, () => {
    /** Moves this process's monotonic clock ahead while something runs. */
    const ahead = async (millis: number, body: () => Promise<void>) => {
      const { bigint } = process.hrtime
      process.hrtime.bigint = () => bigint() + BigInt(millis * 1e6)
      try {
        await body()
      } finally {
        process.hrtime.bigint = bigint
      }
    }

    it.each([
      ["is awaited", 20_000, false],
      ["that takes too long is given up, and the call goes on", 3_000, true]
    ] as const)("T6: a renewal %s", async (_, deadline, hangs) => {
      let underWay = 0
      const { requests, uniCloud } = fake(async (path, { timeout }) => {
        if (path !== paths.token) return json({ errCode: 0 })
        underWay++
        await sleep(hangs && requests.length > 1 ? sum(timeout) + 200 : 20)
        underWay--
        return granted(7_200)
      })
      const tokens = () => requests.filter(({ path }) => path === paths.token).length
      await using qq = create("http://127.0.0.1:1", http, { uniCloud })
      const check = () => qq.security.msgSecCheck({ content: "x" }, { deadline })
      await check()
      // it begins 5 minutes ahead
      await ahead(7_000_000, async () => {
        for (; tokens() < 2; await sleep(10)) {
          assert.deepStrictEqual(await check(), { risky: false })
          if (!hangs) assert.strictEqual(underWay, 0, "the renewal was not awaited")
        }
      })
      assert.strictEqual(tokens(), 2)
      await quiet(requests)
      assert.strictEqual(requests.at(-1)!.path, paths.check)
    })
  })
}

describe("uniCloud.httpclient: connections", () => {
  /** A server that says yes, with the connection of each request. */
  const listenForSockets = async () => {
    const sockets: Array<Socket> = []
    const server = await listen((response, socket) => {
      sockets.push(socket)
      response.end(JSON.stringify({ errCode: 0, errMsg: "ok" }))
    })
    return Object.assign(server, { sockets })
  }

  it("checks share one; D1: a send has its own", async () => {
    await using server = await listenForSockets()
    await using qq = create(server.url, "httpclient")
    await check(qq)
    await check(qq)
    await send(qq)
    await check(qq)
    const [one, again, ofSend, last] = server.sockets
    assert.isTrue(again === one && last === one)
    assert.isFalse(ofSend === one)
  })

  it("one that was idle for long is not used again, also when the function was frozen", async () => {
    await using server = await listenForSockets()
    await using qq = create(server.url, "httpclient")
    await check(qq)
    const { now } = Date
    try {
      Date.now = () => now() + 5_000
      await check(qq)
    } finally {
      Date.now = now
    }
    const [one, other] = server.sockets
    assert.isFalse(other === one)
  })

  it("an error in the middle of a kept one is repeated", async () => {
    let broke = 0
    await using server = await listen((response, socket) => {
      if (server.requests.length === 2) {
        broke++
        socket.destroy()
      } else response.end(JSON.stringify({ errCode: 0, errMsg: "ok" }))
    })
    await using qq = create(server.url, "httpclient")
    await check(qq)
    assert.deepStrictEqual(await check(qq), { risky: false })
    assert.deepStrictEqual([broke, server.requests.length], [1, 3])
  })
})
