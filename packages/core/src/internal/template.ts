/** What subscription messages and template messages share: the data of a template, and the code of a wrong one. */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Code } from "../Code.ts"
import { InvalidInput } from "../reason/client.ts"
import { both } from "./problem.ts"
import { Finite } from "./schema.ts"

const value = () =>
  Schema.Union([Schema.String, Finite, Schema.Boolean, Schema.BigInt])
    .annotate({
      message: both(
        "must be the text that the user sees: a string, a number or a boolean",
        "必须是用户看到的文字，可以是字符串、数字或布尔值"
      )
    })
    .pipe(
      Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transform((value) => String(value)),
        encode: SchemaGetter.transform((value: string) => value)
      })
    )

const keyword = () =>
  Schema.Struct({ value: value() }).annotate({
    message: both('must be an object, as { value: "x" }', '必须是对象，如 { value: "x" }')
  })

/** The schema of `{ keyword1: { value: "…" } }`, with at least one keyword. */
export const templateData = () =>
  Schema.Record(Schema.String, keyword())
    .annotate({
      message: both(
        'must be an object of keywords, as { keyword1: { value: "x" } }',
        '必须是关键词对象，如 { keyword1: { value: "x" } }'
      )
    })
    .check(
      Schema.makeFilter((data) =>
        Object.keys(data).length > 0 ? undefined : both("needs at least one keyword", "至少需要一个关键词")
      )
    )

/** QQ's code for a template that the program does not have. */
export const unknownTemplate: Code = {
  code: 40037,
  reason: InvalidInput,
  field: "template_id",
  help: { en: "The template_id is not one of this program.", zh: "template_id 不属于该小程序。" }
}
