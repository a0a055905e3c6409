/** The secrets of requests. */
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** Watches the requests that leave, to know every secret that was on the wire. */
export const watch = (secrets: Set<string>) =>
  Layer.effect(
    Transport.Transport,
    Effect.map(Transport.Transport, ({ send }) => ({
      send: (request) => {
        for (const [, value] of request.query) if (Redacted.isRedacted(value)) secrets.add(Redacted.value(value))
        return send(request)
      }
    }))
  )
