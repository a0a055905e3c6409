/** The report on a post. */
import type { PartOrigin } from "../ImagePreparer.ts"
import type { QQError } from "../reason/error.ts"
import type { Piece } from "./split.ts"

/** The verdict on one text or picture. Show it only if it is `passed`. */
export type Verdict<Place> =
  /** QQ said yes to all of it. */
  | { readonly verdict: "passed" }
  /** QQ calls it risky, and where: in this piece of the text, or in this frame or area of the picture. */
  | ({ readonly verdict: "risky" } & Place)
  /** It could not be checked. */
  | { readonly verdict: "failed"; readonly error: QQError }
  /** It was not checked to its end: with `stopAtFirst` another one was risky, or the time was over. */
  | { readonly verdict: "skipped"; readonly because: "risky" | "deadline" }

/** The result of the check of a post. */
export interface Report {
  /** Whether the post may be shown: QQ said yes to every text and picture. */
  readonly passed: boolean
  /** `risky` if QQ calls a part of it risky; `unchecked` if none is, but not all could be checked. */
  readonly verdict: "passed" | "risky" | "unchecked"
  /** The verdict on each text, in the order of the input. */
  readonly texts: ReadonlyArray<Verdict<Piece>>
  /** The verdict on each picture, in the order of the input. */
  readonly images: ReadonlyArray<Verdict<PartOrigin>>
}

/** C1: a post passes only if each of its parts passes, and there is one. */
export const reportOf = (texts: Report["texts"], images: Report["images"]): Report => {
  const all = [...texts, ...images].map(({ verdict }) => verdict)
  const passed = all.length > 0 && all.every((verdict) => verdict === "passed")
  return { passed, verdict: passed ? "passed" : all.includes("risky") ? "risky" : "unchecked", texts, images }
}
