/**
 * The cases: each parameter of each call with each odd value, each answer of QQ's, each fault of the network, each
 * configuration, and combinations of these that a seed chooses.
 */
import { callNames, type CallName, pathOf, programs, programsOf, signatures, takesToken } from "./calls.ts"
import type { Path, Reply, Script } from "./exchange.ts"
import { type Config, configs, usualConfig } from "./projects.ts"
import { errors, faults, goodAnswers, json, oddAnswers, slow, usual } from "./replies.ts"

/** One call of a case. `input` makes a new value each time, because vk changes it. */
export interface Call {
  readonly name: CallName
  readonly input: () => any
}

/** What `vk-global-data` holds: a valid token, one that never expires, an expired one, none, or it can't be used. */
export type Stored = "valid" | "for ever" | "expired" | "none" | "no collection"

/** A case: what is called, in which project, and what QQ says. */
export interface Case {
  /** What varies, for the reader. */
  readonly title: string
  /** The calls, one after the other on one instance. */
  readonly calls: ReadonlyArray<Call>
  /** Whether they are made at the same time. */
  readonly together?: boolean
  /** Whether the stored token is removed before each further call. */
  readonly removed?: boolean
  readonly config: Config
  readonly stored: Stored
  readonly script: Required<Script>
}

const usually = { config: usualConfig, stored: "valid", script: usual } as const

/** Makes numbers from 0 to 1 from a seed (mulberry32). */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const callOf = (name: CallName, input: () => any = signatures[name].valid): Call => ({ name, input })

/** Each parameter with each value, the others as in a valid input. */
const byParameter = callNames.flatMap((name): ReadonlyArray<Case> => {
  const { inputs = [], parameters, valid } = signatures[name]
  const one = (title: string, input: () => unknown): Case => ({
    ...usually,
    title: `${name} ${title}`,
    calls: [callOf(name, input)]
  })
  return [
    one("as usual", valid),
    ...inputs.map(([title, input]) => one(title, input)),
    ...Object.entries(parameters).flatMap(([parameter, values]) =>
      values.map(([title, value]) => one(`${parameter} ${title}`, () => ({ ...valid(), [parameter]: value() })))
    ),
    ...programsOf(name).map(([title, program]) => one(`appid ${title}`, () => ({ ...valid(), ...program })))
  ]
})

/** The calls that ask QQ. */
const networkCalls = callNames.filter((name) => pathOf[name] !== undefined)

const answersOf = (path: Path) => [...goodAnswers[path], ...errors, ...oddAnswers, ...faults]

/** Each answer of each call, for ever and once. */
const byAnswer = networkCalls.flatMap((name): ReadonlyArray<Case> => {
  const path = pathOf[name]!
  const stored = path === "token" ? "none" : "valid"
  const one = (title: string, replies: ReadonlyArray<Reply>): Case => ({
    ...usually,
    stored,
    title: `${name}: ${title}`,
    calls: [callOf(name)],
    script: { ...usual, [path]: replies }
  })
  return [
    ...answersOf(path).map(([title, reply]) => one(title, [reply])),
    ...[...errors.slice(0, 12), ...oddAnswers, ...faults].map(([title, reply]) =>
      one(`${title}, once`, [reply, ...usual[path]])
    ),
    ...slow.map(([title, after]) => one(title, [{ ...(usual[path][0] as object), after } as Reply]))
  ]
})

/** Answers to the fetch of a token that a call needs. */
const byToken = networkCalls.filter(takesToken).flatMap((name): ReadonlyArray<Case> =>
  [...goodAnswers.token, ...errors.slice(0, 12), ...oddAnswers, ...faults].map(([title, reply]) => ({
    ...usually,
    stored: "none",
    title: `${name}, token: ${title}`,
    calls: [callOf(name)],
    script: { ...usual, token: [reply] }
  }))
)

/** Programs that are asked for in each project. */
const asked: ReadonlyArray<readonly [string, object]> = [
  ["", {}],
  ...programs.filter(([title]) =>
    ["A1", "A2", "A2 with a secret", "A3 with a secret", "NOPE", "'', ''"].includes(title)
  )
]

/** Each project, and programs that are asked for there. */
const byConfig = configs.flatMap((config) =>
  callNames.flatMap((name): ReadonlyArray<Case> =>
    asked.slice(0, programsOf(name).length + 1).map(([title, program]) => ({
      ...usually,
      stored: "none",
      config,
      title: `${config.title}: ${name} ${title}`,
      calls: [callOf(name, () => ({ ...signatures[name].valid(), ...program }))]
    }))
  )
)

/** A call after another one that QQ refused or that got lost: what one call met must not hurt the next. */
const bySequence = networkCalls.flatMap((name): ReadonlyArray<Case> => {
  const path = pathOf[name]!
  return [...errors.filter(([title]) => title.startsWith("errcode")), ...faults].map(([title, reply]) => ({
    ...usually,
    stored: path === "token" ? "none" : "valid",
    title: `${name} after ${title}`,
    calls: [callOf(name), callOf(name)],
    script: { ...usual, [path]: [reply, ...usual[path]] }
  }))
})

/** A call after another call, or after the same call of another program, that QQ closed or refused. */
const byOtherCall = networkCalls.flatMap((first) => {
  const path = pathOf[first]!
  const others = networkCalls.filter((name) => name !== first && pathOf[name] !== "token")
  // Whether vk stores what getAccessTokenFn fetched, here with another attempt, is not known.
  const closing = [...(first === "auth.getAccessTokenFn" ? [] : [-1]), 40001, 45009, 45011, 45029]
  return closing.flatMap((code): ReadonlyArray<Case> => {
    const made = {
      ...usually,
      script: { ...usual, [path]: [json({ errcode: code, errmsg: `text of ${code}` }), ...usual[path]] }
    }
    return [
      ...others.map((name) => ({
        ...made,
        title: `${name} after ${code} of ${first}`,
        calls: [callOf(first), callOf(name)]
      })),
      ...(programsOf(first).length === 0 ? [] : ["A2"]).map((appid) => ({
        ...made,
        title: `${first} of ${appid} after ${code}`,
        calls: [callOf(first), callOf(first, () => ({ ...signatures[first].valid(), appid }))]
      }))
    ]
  })
})

const storedKinds: ReadonlyArray<Stored> = ["valid", "for ever", "expired", "none", "no collection"]

/** Each state of the store. A login needs no token, and a caller's own token no store. */
const byStore = networkCalls.flatMap((name) =>
  storedKinds.flatMap((stored): ReadonlyArray<Case> => {
    const one = (title: string, call: Call): Case => ({
      ...usually,
      stored,
      title: `${title}: ${stored}`,
      calls: [call]
    })
    const ownToken = callOf(name, () => ({ ...signatures[name].valid(), access_token: "MINE" }))
    return [
      one(`${name}, stored`, callOf(name)),
      ...(takesToken(name) && name !== "request" ? [one(`${name} with a token, stored`, ownToken)] : [])
    ]
  })
)

/** Calls at the same time without a token, and calls whose token was removed in between. */
const byOthers = networkCalls.filter(takesToken).flatMap((name): ReadonlyArray<Case> => {
  const calls = [callOf(name), callOf(name), callOf(name)]
  return [
    { ...usually, title: `${name}, three at the same time`, calls, stored: "none", together: true },
    { ...usually, title: `${name}, the token is removed`, calls, removed: true }
  ]
})

/** Combinations that a seed chooses. Whether vk takes a given secret for a program whose own is empty is not known. */
const combined = (count: number, seed: number): ReadonlyArray<Case> => {
  const next = random(seed)
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(next() * from.length)]!
  const chance = (share: number) => next() < share
  return Array.from({ length: count }, (): Case => {
    const name = pick(networkCalls)
    const path = pathOf[name]!
    const { parameters, valid } = signatures[name]
    const names = Object.keys(parameters)
    const stored = chance(0.5) ? "valid" : pick(storedKinds)
    // Whether a wrong parameter or a missing collection is told first means nothing.
    const varied = stored === "no collection" || names.length === 0 ? 0 : Math.floor(next() * 3)
    const changed = Array.from({ length: varied }, () => {
      const parameter = pick(names)
      const [title, value] = pick(parameters[parameter]!)
      return { parameter, title, value }
    })
    const [appid, program] = chance(0.4) && programsOf(name).length > 0 ? pick(programsOf(name)) : ["", {}]
    const config = chance(0.3) ? pick(configs.filter(({ title }) => title !== "an empty secret")) : usualConfig
    const [answer, reply] = chance(0.5) ? pick(answersOf(path)) : ["", undefined]
    const input = () => ({
      ...valid(),
      ...Object.fromEntries(changed.map(({ parameter, value }) => [parameter, value()])),
      ...program
    })
    const replies = reply === undefined ? usual[path] : chance(0.5) ? [reply] : [reply, ...usual[path]]
    return {
      config,
      stored,
      title: [
        name,
        ...changed.map(({ parameter, title }) => `${parameter} ${title}`),
        `appid ${appid}`,
        config.title,
        stored,
        answer
      ].join("; "),
      calls: [callOf(name, input)],
      script: { ...usual, [path]: replies }
    }
  })
}

/** All cases. The seed is fixed, so that every run has the same. */
export const makeCases = (seed = 20260731): ReadonlyArray<Case> => {
  const systematic = [
    ...byParameter,
    ...byAnswer,
    ...byToken,
    ...byConfig,
    ...bySequence,
    ...byOtherCall,
    ...byStore,
    ...byOthers
  ]
  return [...systematic, ...combined(5_500 - systematic.length, seed)]
}
