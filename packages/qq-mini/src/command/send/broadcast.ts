/** A broadcast of the command: its parts, and how they are provided. */
import * as Broadcast from "@qq-mini/core/Broadcast"
import type { Duration } from "effect/Duration"
import * as Effect from "effect/Effect"
import { wrongUsage } from "../frame/exit.ts"
import { both } from "../frame/invocation.ts"
import type { Settings } from "../frame/Settings.ts"
import { isInMemory, layerStores, withCountingClient } from "../frame/stores.ts"
import type { Many } from "./input.ts"
import { recipientsOf } from "./recipients.ts"

/** The texts of this file. */
export const texts = {
  memory: both(
    "A broadcast must be remembered, or a second command would send everything again: name another store than memory, as --store sqlite.",
    "群发必须有记录，否则再次运行会全部重发：请使用 memory 以外的存储，如 --store sqlite。"
  )
}

/** Makes the broadcast of this name. */
export const makeBroadcast = (
  settings: Settings,
  { csv, data, id, page, quietHours, rate, template }: Omit<Many, "id"> & { readonly id: string }
) =>
  Broadcast.make({
    id,
    recipients: csv === undefined ? undefined : recipientsOf(csv, data),
    ...(template !== undefined && { template_id: template }),
    ...(page !== undefined && { page }),
    ...(rate !== undefined && { rate }),
    ...(quietHours !== undefined && { quietHours }),
    deadline: settings.options["deadline"] as Duration | undefined
  })

/** A broadcast that is known by its name alone. */
export const knownBroadcast = (settings: Settings, id: string) =>
  makeBroadcast(settings, {
    id,
    csv: undefined,
    template: undefined,
    page: undefined,
    data: {},
    rate: undefined,
    quietHours: undefined,
    report: undefined,
    dryRun: false,
    resendUnknown: false,
    yes: false
  })

/** Provides the client and the stores of a broadcast. */
export const withStores =
  (settings: Settings) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    isInMemory(settings)
      ? Effect.fail(wrongUsage(texts.memory))
      : effect.pipe(withCountingClient(settings), Effect.provide(layerStores(settings)))
