import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaTransformation from "effect/SchemaTransformation"

type Fields = Schema.Struct.Fields
type ErrorClass = { readonly prototype: Error } & (new (fields: never) => Error & { readonly _tag: string })

type Encoded<Class extends ErrorClass, F extends Fields> = {
  readonly _tag: InstanceType<Class>["_tag"]
} & Schema.Struct<F>["Encoded"]

/** A class of errors that is a Schema too. */
export type Schemed<Class extends ErrorClass, F extends Fields> = Class &
  Schema.BottomLazyWithoutNew<SchemaAST.AST, Schema.Codec<InstanceType<Class>, Encoded<Class, F>>> & {
    readonly Type: InstanceType<Class>
    readonly Encoded: Encoded<Class, F>
    readonly DecodingServices: never
    readonly EncodingServices: never
    /** The schemas of its fields. */
    readonly fields: F
  }

/** A value that may be `undefined`, which JSON leaves out. */
export const orUndefined = <S extends Schema.Top>(schema: S) =>
  Schema.UndefinedOr(schema).pipe(Schema.withDecodingDefaultKey(Effect.undefined))

/**
 * Makes a class of errors a Schema: `Schema.encode` and `Schema.decode` take it.
 *
 * `Schema.TaggedError` would make both in one. Then every bundle would carry the schemas, though few programs send errors
 * anywhere, and an error whose fields don't fit would throw in the middle of a failure. Mark the call pure.
 */
export const schemaOf = <Class extends ErrorClass, const F extends Fields>(
  Class: Class,
  fields: F
): Schemed<Class, F> => {
  const tag = Class.prototype.name
  let ast: SchemaAST.AST | undefined
  const make = () => {
    const struct = Schema.TaggedStruct(tag, fields) as unknown as Schema.Codec<{ readonly _tag: string }>
    const whole = SchemaTransformation.transform({
      decode: ({ _tag, ...fields }: { readonly _tag: string }): Error => new Class(fields as never),
      encode: (error) => error as never
    })
    // Not `instanceof`: another copy of this package makes errors of another class.
    const is = (u: unknown): u is Error => u instanceof Error && "_tag" in u && u._tag === tag
    const toCodec = () => Schema.link<Error>()(struct, whole)
    return struct.pipe(Schema.decodeTo(Schema.declare(is, { toCodec, expected: tag }), whole)).ast
  }
  return Object.defineProperties(Class, {
    // The methods of every schema: pipe, annotate, check and so on.
    ...Object.getOwnPropertyDescriptors(Object.getPrototypeOf(Schema.String)),
    ast: { get: () => (ast ??= make()) },
    fields: { value: fields }
  }) as Schemed<Class, F>
}
