/** Observes calls: the whole call, its waits, its attempts and their requests. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import type { Any } from "../endpoint/definition.ts"
import { millisOf } from "../internal/time.ts"
import type { CountedCall } from "../Limit.ts"
import type { QQError } from "../reason/error.ts"
import type { Reason } from "../reason/client.ts"
import { answered } from "../Retry.ts"
import { callHook, type Hooks, type RequestEvent } from "./hooks.ts"
import { type Attributes, type Meter, metrics } from "./metrics.ts"
import type { Observable, Observers } from "./observe.ts"
import {
  annotate,
  type AttemptRecord,
  CallRecord,
  CurrentAttempt,
  CurrentCall,
  inSpan,
  isTraced,
  resultOf,
  type TokenSource
} from "./record.ts"
import type { TokenAges } from "./tokens.ts"

/** Who gets what is observed. Spans go to the tracer of the fiber. */
export interface Sinks {
  readonly meter: Meter | undefined
  readonly hooks: Hooks | undefined
}

// The shortest pause between two reads of the same remaining quota (ms).
const sampleMillis = 5_000

// An app chooses the path of `QQMini.request`, so the path is in no name and in no metric.
const shortName = (endpoint: string): string => endpoint.split(" ", 1)[0]!

const spanNameOf = ({ method, name, path }: Any): string => (name === shortName(name) ? `${method} ${path}` : method)

const codeOf = (reason: Reason): number | undefined => ("code" in reason ? reason.code : undefined)

const sourceOf = ({ authorization }: Any, proof: unknown): TokenSource | undefined =>
  Redacted.isRedacted(proof) ? "caller" : proof === undefined || authorization === "secret" ? undefined : "memory"

// A client has one origin, so it is parsed once.
const servers = new Map<string, Readonly<Record<string, string | number>>>()

/** The attributes of a server. */
const serverOf = (origin: string) => {
  let server = servers.get(origin)
  if (server === undefined) {
    const { hostname, port, protocol } = new URL(origin)
    server = {
      "server.address": hostname,
      "server.port": Number(port) || (protocol === "http:" ? 80 : 443),
      "url.scheme": protocol.slice(0, -1)
    }
    servers.set(origin, server)
  }
  return server
}

/** The attributes of a quota, from its key. */
const attributesOf = (key: string): Attributes => {
  const [appid, endpoint] = key.split(" ")
  return { "qq.app": appid || undefined, "qq.endpoint": endpoint! }
}

const eventOf = ({ attempt, call, request }: AttemptRecord): RequestEvent => ({
  endpoint: call.endpoint,
  app: call.appid,
  attempt,
  method: request!.method,
  origin: request!.origin,
  path: request!.path
})

/** The functions that observe calls. */
export const make = (
  { hooks, meter }: Sinks,
  ages: TokenAges
): Observers<"call" | "attempt" | "transport" | "admission" | "quota"> => {
  const listens = meter !== undefined || hooks !== undefined

  const endCall = (record: CallRecord, exit: Exit.Exit<unknown, QQError>) => {
    const { failure, result } = resultOf(exit)
    record.appid ??= failure?.app
    const name = failure?.reason._tag ?? result
    const endpoint = shortName(record.endpoint)
    meter?.update(metrics.calls, 1, { "qq.app": record.appid, "qq.endpoint": endpoint, "qq.result": name })
    meter?.update(metrics.callDuration, (record.now - record.began) / 1_000, {
      "qq.endpoint": endpoint,
      "qq.result": name
    })
    return { "error.type": name === "ok" ? undefined : name, "qq.code": failure?.code }
  }

  const endAttempt = (record: AttemptRecord, result: string, reason: Reason | undefined): Effect.Effect<void> => {
    const { call, request, span, status } = record
    const error = reason?._tag ?? (result === "ok" ? undefined : result)
    const code = reason === undefined ? undefined : codeOf(reason)
    if (span !== undefined) {
      annotate(span, { "http.response.status_code": status, "error.type": error, "qq.code": code })
    }
    if (request === undefined) return Effect.void
    const elapsed = call.now - record.began
    meter?.update(metrics.requestDuration, elapsed / 1_000, {
      "http.request.method": request.method,
      "server.address": serverOf(request.origin)["server.address"] as string,
      "qq.endpoint": shortName(call.endpoint),
      "http.response.status_code": status?.toString(),
      "error.type": error
    })
    return callHook("onResponse", hooks?.onResponse, { ...eventOf(record), status, elapsed, error, code })
  }

  /** A request that repeats one that failed. */
  const resend = (call: CallRecord): Effect.Effect<void> => {
    const { attempts, endpoint, failure } = call
    if (failure === undefined) return Effect.void
    call.resends++
    const error = failure.reason._tag
    meter?.update(metrics.retries, 1, { "qq.endpoint": shortName(endpoint), "error.type": error })
    return callHook("onRetry", hooks?.onRetry, {
      endpoint,
      app: call.appid,
      attempt: attempts,
      error,
      code: codeOf(failure.reason),
      waited: call.now - failure.at
    })
  }

  return {
    call: (call) => (endpoint, input, options) =>
      Effect.withFiber((fiber) => {
        const traced = isTraced(fiber)
        if (!traced && !listens) return call(endpoint, input, options)
        const record = new CallRecord(endpoint.name, fiber.getRef(Clock.Clock))
        const made = Effect.provideService(call(endpoint, input, options), CurrentCall, record)
        if (!traced) return Effect.onExit(made, (exit) => Effect.sync(() => endCall(record, exit)))
        return inSpan(`QQMini.${shortName(endpoint.name)}`, { kind: "internal" }, (span) =>
          Effect.onExit(made, (exit) =>
            Effect.sync(() =>
              annotate(span, {
                ...endCall(record, exit),
                "qq.endpoint": endpoint.name,
                "qq.app": record.appid,
                "qq.attempt": record.attempts,
                "qq.wait_ms": Math.round(record.waited),
                "qq.token_source": record.tokenSource
              })
            )
          )
        )
      }),

    admission: (admission) => ({
      hasPlace: (counted) => admission.hasPlace(counted),
      run: (call, counted, request) =>
        Effect.withFiber((fiber) => {
          const record = fiber.getRef(CurrentCall)
          if (record === undefined) return admission.run(call, counted, request)
          const from = record.now
          let waits = true
          const stop = () => {
            if (waits) record.waited += record.now - from
            waits = false
          }
          record.tokenSource ??= sourceOf(call.endpoint, call.caller.proof)
          const inTurn = Effect.suspend(() => {
            stop()
            return request
          })
          return Effect.onExit(admission.run(call, counted, inTurn), () => Effect.sync(stop))
        })
    }),

    attempt: ((attempt) => (endpoint: Any, options: Parameters<typeof attempt>[1]) =>
      Effect.withFiber((fiber) => {
        const call = fiber.getRef(CurrentCall)
        if (call === undefined) return attempt(endpoint, options)
        call.appid = options.appid
        call.attempts++
        const age = options.appid === undefined ? undefined : ages.get(options.appid, call.now)
        if (age !== undefined) meter?.update(metrics.tokenAge, age / 1_000, { "qq.app": options.appid })
        const send = (span: AttemptRecord["span"]) => {
          const record: AttemptRecord = {
            call,
            attempt: call.attempts,
            began: call.now,
            span,
            request: undefined,
            status: undefined
          }
          return Effect.andThen(resend(call), attempt(endpoint, options)).pipe(
            Effect.provideService(CurrentAttempt, record),
            Effect.onExit((exit) => {
              const { failure, result } = resultOf(exit)
              const reason = failure?.reason
              call.failure = reason && { reason, at: call.now }
              return endAttempt(record, result, reason)
            })
          )
        }
        if (!isTraced(fiber)) return send(undefined)
        let failure: ReturnType<typeof answered>
        return inSpan(spanNameOf(endpoint), { kind: "client" }, (span) => {
          const sent = send(span)
          annotate(span, {
            "http.request.method": endpoint.method,
            "http.request.resend_count": call.resends || undefined,
            "qq.endpoint": endpoint.name,
            "qq.app": options.appid,
            "qq.attempt": call.attempts
          })
          // A span shows its failure, so it gets the reason: an error that shows no secret.
          return Effect.mapError(sent, (failed) => (failure = failed).reason)
        }).pipe(Effect.mapError(() => failure))
      })) as (part: Observable["attempt"]) => Observable["attempt"],

    transport: (transport) => ({
      send: (request) =>
        Effect.withFiber((fiber) => {
          const record = fiber.getRef(CurrentAttempt)
          if (record === undefined) return transport.send(request)
          record.request = request
          if (record.span !== undefined) {
            annotate(record.span, {
              ...serverOf(request.origin),
              "url.path": request.path,
              // S1: without its query, which has the token.
              "url.full": request.origin + request.path
            })
          }
          return Effect.andThen(
            callHook("onRequest", hooks?.onRequest, eventOf(record)),
            Effect.map(transport.send(request), (response) => {
              record.status = response.status
              return response
            })
          )
        })
    }),

    quota: (quota) => {
      if (meter === undefined) return quota
      const sampledAt = new Map<string, number>()
      const failed = (operation: string) => () =>
        Effect.sync(() => meter.update(metrics.storeErrors, 1, { "qq.store": "quota", "qq.operation": operation }))
      /** Reads the rest of the quota now and then, beside the call. */
      const sample = ({ key, limits }: CountedCall): Effect.Effect<void> =>
        Effect.withFiber((fiber) => {
          const now = millisOf(fiber.getRef(Clock.Clock))
          if (now < (sampledAt.get(key) ?? -Infinity) + sampleMillis) return Effect.void
          sampledAt.set(key, now)
          const read = Effect.map(quota.remaining({ key, limits }), (remaining) => {
            if (Number.isFinite(remaining)) meter.update(metrics.quotaRemaining, remaining, attributesOf(key))
          })
          return Effect.asVoid(Effect.forkDetach(Effect.ignore(read), { startImmediately: true }))
        })
      return {
        ...quota,
        reserve: (options) =>
          Effect.withFiber((fiber) => {
            const record = fiber.getRef(CurrentCall)
            const reserved = Effect.tapError(quota.reserve(options), failed("reserve"))
            if (record === undefined) return reserved
            return Effect.map(reserved, (place) => {
              const { granted, wait } = place
              if (granted && wait > 0) record.queuedAt ??= record.now
              else {
                if (granted && record.queuedAt !== undefined) {
                  const waited = (record.now - record.queuedAt) / 1_000
                  meter.update(metrics.quotaWait, waited, attributesOf(options.key))
                }
                if (!granted) meter.update(metrics.quotaRemaining, 0, attributesOf(options.key))
                record.queuedAt = undefined
              }
              return place
            })
          }),
        complete: (options) => Effect.andThen(quota.complete(options), sample(options)),
        release: (options) => Effect.tapError(quota.release(options), failed("release")),
        close: (options) => Effect.tapError(quota.close(options), failed("close"))
      }
    }
  }
}
