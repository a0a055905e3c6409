/** How the facade makes calls where vk makes them once: other attempts, a renewed token, a token of the caller's own. */
import { codeOf, invalidToken, jsonOf, mayRepeat, wrongOf } from "./answers.ts"
import type { Call } from "./cases.ts"
import { isFault, type Path } from "./exchange.ts"
import type { Outcome, Vk } from "./run.ts"

const maxAttempts = 3

/** The caller's own token of a call. `undefined` where it uses its program's. */
const ownTokenOf = ({ input, name }: Call): string | undefined => {
  const given = input()
  const token = name === "request" ? given?.data?.access_token : given?.access_token
  return typeof token === "string" && token !== "" ? token : undefined
}

/** The input without empty parameters. */
const filled = (input: Readonly<Record<string, any>>): Readonly<Record<string, any>> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== "" && value !== null && value !== undefined))

/** The call with its program's token instead of the caller's own. */
const withProgramsToken = (call: Call, uses: boolean): Call => ({
  ...call,
  input: () => {
    const { access_token: _, ...input } = call.input()
    // With a token, no program needs a secret, and a message not even a program.
    const program = call.name === "subscribeMessage.send" ? { appid: "-", appsecret: "-" } : { appsecret: "-" }
    const given = uses && (input.appid || program.appid) ? { ...program, ...filled(input) } : input
    return call.name === "request" ? { ...given, data: { ...given.data, access_token: true } } : given
  }
})

/** Makes the calls of a case on vk's model, with the differences in how calls are made. Tells which of them mattered. */
export const caller = (vk: Vk, active: ReadonlySet<string>, shown: Set<string>) => {
  let refusedFetch: Outcome | undefined

  /** One call of vk's. With `wrongStatus`, a token of an answer with another status than 2xx is not taken. */
  const callOnce = (call: Call, token: string | undefined): Outcome => {
    const outcome = vk.call(call, token)
    const at = outcome.requests.findIndex(
      ({ path, reply }) => path === "token" && wrongOf(path, reply) === "wrongStatus"
    )
    const reply = outcome.requests[at]?.reply
    if (reply === undefined || isFault(reply) || !active.has("wrongStatus")) return outcome
    vk.forget(jsonOf(reply).access_token)
    return { ...outcome, requests: outcome.requests.slice(0, at + 1) }
  }

  const once = (given: Call): Outcome => {
    const own = ownTokenOf(given)
    // With its switch, a token of the caller's own is ignored in every call.
    const uses = active.has("ignoreAccessToken") ? own : undefined
    if (own !== undefined && uses !== undefined) shown.add("ignoreAccessToken")
    const call = own === undefined ? given : withProgramsToken(given, uses !== undefined)
    let renewals = own === undefined ? 1 : 0
    let outcome = callOnce(call, uses)
    const attempts = new Map<Path, number>()
    for (;;) {
      const last = outcome.requests.at(-1)
      if (last === undefined) return outcome
      const { path, reply, url } = last
      const count = (attempts.get(path) ?? 0) + 1
      attempts.set(path, count)
      // A connection that takes too long is tried again in any case: vk's own may take a minute.
      const repeats = count < maxAttempts && (active.has("noRetries") ? mayRepeat(last) : reply === "connecting")
      const token = /[?&]access_token=([^&]+)/.exec(url)?.[1]
      const isRefused = token !== undefined && !isFault(reply) && invalidToken.has(codeOf(reply))
      const renews = active.has("noRetries") && renewals > 0 && isRefused
      if (!repeats && !renews) return outcome
      if (reply !== "connecting") shown.add("noRetries")
      if (renews) {
        renewals--
        vk.forget(token)
      }
      const again = callOnce(call, uses)
      outcome = { ...again, requests: [...outcome.requests, ...again.requests] }
    }
  }

  return (call: Call): Outcome => {
    const before = vk.stored()
    const made = once(call)
    // what vk adds to the caller's object, whose token is its own
    const { appid } = made.input ?? {}
    const input = { ...call.input(), ...(appid ? { appid } : {}) }
    const outcome = ownTokenOf(call) === undefined ? made : { ...made, input }
    const token = outcome.requests.findLast(({ path }) => path === "token")
    if (token === undefined || isFault(token.reply) || !active.has("refusedSecret")) return outcome
    if (refusedFetch !== undefined) {
      shown.add("refusedSecret")
      for (const token of Object.values(vk.stored())) if (!Object.values(before).includes(token)) vk.forget(token)
      return { ...refusedFetch, requests: [] }
    }
    if (outcome.requests.at(-1) === token && codeOf(token.reply)) refusedFetch = outcome
    return outcome
  }
}
