/** The schema of the keywords of a message template, which two kinds of message share. */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { both } from "./problem.ts"
import { Finite } from "./schema.ts"

const value = () =>
  Schema.Union([Schema.String, Finite]).pipe(
    Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transform((value: string | number) => String(value)),
      encode: SchemaGetter.transform((value: string) => value)
    })
  )

/** The schema of `{ keyword1: { value: "…" } }`, with at least one keyword. */
export const templateData = () =>
  Schema.Record(Schema.String, Schema.Struct({ value: value() })).check(
    Schema.makeFilter((data) =>
      Object.keys(data).length > 0 ? undefined : both("needs at least one keyword", "至少需要一个关键词")
    )
  )
