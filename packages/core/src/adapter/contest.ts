/**
 * What a store remembers of tokens that became invalid before they expired, for programs that report on it.
 */
export { afterEarlyDeath, type History, read, reasonOf, type Verdict } from "../token/contest.ts"
