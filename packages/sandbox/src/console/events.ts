import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { Sandbox } from "../Sandbox.ts"

type Platform = Sandbox["Service"]

// How often a reader's state is compared with the platform's (ms).
const stateMillis = 250

const heartbeat = "15 seconds"

/** An event as the text of the stream. */
const event = (name: string, data: unknown, id?: string): string =>
  Sse.encoder.write({ _tag: "Event", event: name, id, data: JSON.stringify(data) })

/**
 * The server-sent events: first a `state`, then a `request` for each request, and a `state` when something changed.
 *
 * The id of a `request` has the name of this run of the server. So a reader that comes back with its last id gets what
 * it missed, and all that is kept if the server started anew in the meantime.
 */
export const events = (
  platform: Platform,
  {
    lastId = "",
    mask,
    run
  }: { readonly run: string; readonly lastId: string | undefined; readonly mask: (text: string) => string }
): HttpServerResponse.HttpServerResponse => {
  const [ofRun, seen] = lastId.split(".")
  const last = ofRun === run ? Number(seen) : 0
  let shown = ""
  /** The state, if the reader does not have it yet. */
  const state = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const json = JSON.stringify(yield* platform.state)
    if (json === shown) return []
    shown = json
    return [event("state", { run, now, ...JSON.parse(json) })]
  })
  const states = Stream.mapEffect(Stream.tick(stateMillis), () => state)
  const requests = platform.exchanges.pipe(
    Stream.filter(({ id }) => id > last),
    Stream.map((one) => event("forgotten" in one ? "forget" : "request", one, `${run}.${one.id}`))
  )
  const beats = Stream.map(Stream.tick(heartbeat), () => ": still here\n\n")
  const all = Stream.mergeAll([Stream.flattenIterable(states), requests, beats], { concurrency: "unbounded" })
  const first = Stream.flattenIterable(Stream.fromEffect(state))
  return HttpServerResponse.stream(
    Stream.concat(Stream.succeed("retry: 1000\n\n"), Stream.concat(first, all)).pipe(
      Stream.map(mask),
      Stream.encodeText
    ),
    {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
    }
  )
}
