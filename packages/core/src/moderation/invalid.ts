/** The error of a backfill whose options or contents are wrong. */
import { QQError } from "../reason/error.ts"
import { type FieldProblem, invalidInput } from "../reason/input.ts"

/** Makes the error from all problems. */
export const invalid = (fields: ReadonlyArray<FieldProblem>): QQError =>
  new QQError({ endpoint: "moderation.backfill", app: undefined, reason: invalidInput(fields) })
