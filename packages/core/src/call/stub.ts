/** A client for tests, without HTTP. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isObject } from "effect/Predicate"
import * as App from "../App.ts"
import type { CallCredentials } from "../endpoint/definition.ts"
import type { groups } from "../Endpoints.ts"
import type { Reason } from "../reason/client.ts"
import { appidOf } from "./caller.ts"
import { encode } from "./encode.ts"
import { Progress } from "./progress.ts"
import { QQMini } from "./service.ts"

type Groups = typeof groups
type Stub = (input: unknown) => Effect.Effect<unknown, Reason>
type StubOf<F> = F extends (...args: infer Args) => Effect.Effect<infer A, unknown, unknown>
  ? (input: NonNullable<Args[0]> & CallCredentials) => Effect.Effect<A, Reason>
  : never

/** The functions that answer calls instead of QQ, by the name of the call. `request` answers `QQMini.request`. */
export type Stubs = Partial<
  { readonly request: Stub } & UnionToIntersection<
    {
      [G in keyof Groups]: { readonly [N in keyof Groups[G] as `${G}.${N & string}`]: StubOf<Groups[G][N]> }
    }[keyof Groups]
  >
>
type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never

/**
 * A client for tests in which functions answer the calls, without HTTP: `QQMini.layerStub({ "security.msgSecCheck": ()
 * => Effect.succeed({ risky: true }) })`.
 *
 * Inputs are checked as usual. A stub fails with a reason: `Effect.fail(new QQError.NotSubscribed({ … }))`. A call
 * without a stub is a defect that contains the name of the call.
 */
export const layerStub = (stubs: Stubs): Layer.Layer<QQMini> =>
  Layer.succeed(
    QQMini,
    QQMini.of({
      remaining: () => Effect.succeed(Infinity),
      call: (endpoint, input) =>
        Effect.withFiber((fiber) => {
          const stub = (stubs as Readonly<Record<string, Stub | undefined>>)[endpoint.name.split(" ")[0]!]
          if (stub === undefined) {
            return Effect.die(new Error(`QQMini.layerStub: no stub for ${endpoint.name}`))
          }
          const progress = new Progress(endpoint, fiber.getRef(Clock.Clock))
          progress.appid = appidOf(input) ?? fiber.getRef(App.Current)?.appid
          const reading = isObject(input) ? endpoint.read?.(input) : undefined
          return (reading ?? Effect.succeed(input as object)).pipe(
            Effect.flatMap((input: unknown) => Effect.fromResult(encode(endpoint, input))),
            Effect.flatMap(() => stub(input)),
            Effect.mapError((reason) => progress.error(reason))
          )
        })
    })
  )
