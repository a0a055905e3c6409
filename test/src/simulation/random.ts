/** Numbers that a seed decides. */
import type { Random } from "effect/Random"

/** Draws the next number, from 0 to below 1. */
export type Draw = () => number

/** The numbers of a seed, the same in every run (mulberry32). */
export const draws = (seed: number): Draw => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed of its own for each part of a run, so that parts do not disturb each other's numbers. */
export const seedOf = (seed: number, part: number): number => Math.imul(seed ^ 0x9e3779b9, 2 * part + 0x85ebca6b)

/** A whole number from `least` to `most`. */
export const between = (draw: Draw, least: number, most: number): number =>
  least + Math.floor(draw() * (most - least + 1))

/** One of these. */
export const oneOf = <A>(draw: Draw, all: ReadonlyArray<A>): A => all[Math.floor(draw() * all.length)]!

/** The numbers as Effect's own service of random numbers. */
export const randomOf = (draw: Draw): (typeof Random)["Service"] => ({
  nextDoubleUnsafe: draw,
  nextIntUnsafe: () => Math.floor((draw() - 0.5) * 2 * Number.MAX_SAFE_INTEGER)
})
