/** What goes wrong, when it does. */
import type { FaultPlan } from "./plan.ts"
import { faultText } from "./story.ts"
import { bearableFreezeMillis } from "./tokenLaws.ts"
import type { World } from "./world.ts"

/** When a fault is over. */
export const endOf = (fault: FaultPlan): number => {
  switch (fault.kind) {
    case "crash":
      return fault.at + fault.backAfter
    case "weather":
      return fault.at + fault.during + fault.by
    case "thief":
      return fault.at + fault.every * fault.times
    default:
      return "during" in fault ? fault.at + fault.during : fault.at
  }
}

/** Lets a fault happen now. */
export const strike = (world: World, fault: FaultPlan): void => {
  const { facts, platform, timeline } = world
  const { now } = timeline
  world.note(faultText(fault))
  const holder = "holder" in fault && fault.holder !== undefined ? world.holders.get(fault.holder)! : undefined
  switch (fault.kind) {
    case "crash":
      if (!holder!.isUp) return
      facts.trouble("crash", fault.holder, now, now)
      holder!.crash()
      timeline.at(now + fault.backAfter, () => {
        world.note(`holder ${fault.holder} starts again`)
        holder!.start()
        world.tokens.began(fault.holder)
      })
      return
    case "freeze":
      facts.trouble(fault.during > bearableFreezeMillis ? "freeze" : "stutter", fault.holder, now, now + fault.during)
      holder!.freeze(fault.during)
      return
    case "jump":
      return holder!.jump(fault.by)
    case "forget":
      if (holder!.plan.runs === "request") facts.trouble("crash", fault.holder, now, now)
      return holder!.forget()
    case "read-only":
      world.store.readOnlyUntil = Math.max(world.store.readOnlyUntil, now + fault.during)
      return
    case "flush":
      facts.trouble("store", undefined, now, now)
      world.tokens.flushed()
      return world.store.flush()
    case "busy":
      return platform.run((sandbox) => sandbox.fault({ kind: "code", code: -1, during: fault.during }))
    case "spoiled":
      return platform.run((sandbox) => sandbox.fault({ kind: fault.answer, during: fault.during }))
    case "refuse":
      return platform.run((sandbox) => sandbox.fault({ kind: "badToken", times: fault.times }))
    case "revoke":
      return platform.run((sandbox) => sandbox.revokeTokens())
    case "thief":
      for (let i = 0; i < fault.times; i++) timeline.at(now + i * fault.every, () => world.qq.steal())
      return
  }
}
