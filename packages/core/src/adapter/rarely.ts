/** Warnings about an outage, at most one a minute. */
export { rareWarning } from "../internal/rarely.ts"
