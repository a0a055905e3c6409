import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaTransformation from "effect/SchemaTransformation"

type Fields = Schema.Struct.Fields
type ErrorClass = { readonly prototype: Error } & (new (fields: never) => Error & { readonly _tag: string })

type Encoded<Class extends ErrorClass, F extends Fields> = {
  readonly _tag: InstanceType<Class>["_tag"]
} & Schema.Struct<F>["Encoded"]

/** An error class that is also a Schema. */
export type Schemed<Class extends ErrorClass, F extends Fields> = Class &
  Schema.BottomLazyWithoutNew<SchemaAST.AST, Schema.Codec<InstanceType<Class>, Encoded<Class, F>>> & {
    readonly Type: InstanceType<Class>
    readonly Encoded: Encoded<Class, F>
    readonly DecodingServices: never
    readonly EncodingServices: never
    /** The schemas of its fields. */
    readonly fields: F
  }

/** The schema of a field that may be `undefined`. JSON omits such a field. */
export const orUndefined = <S extends Schema.Top>(schema: S) =>
  Schema.UndefinedOr(schema).pipe(Schema.withDecodingDefaultKey(Effect.undefined))

/**
 * Turns an error class into a Schema, for `Schema.encode` and `Schema.decode`. Mark the call as pure.
 *
 * `Schema.TaggedError` would define both together. But then every bundle would contain the schemas, although few
 * programs encode errors, and an error with wrong fields would throw while another failure is being handled.
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
    // Not `instanceof Class`: another copy of this package has another class.
    const is = (u: unknown): u is Error => u instanceof Error && "_tag" in u && u._tag === tag
    const toCodec = () => Schema.link<Error>()(struct, whole)
    return struct.pipe(Schema.decodeTo(Schema.declare(is, { toCodec, expected: tag }), whole)).ast
  }
  return Object.defineProperties(Class, {
    // The methods that every schema has: pipe, annotate, check and so on.
    ...Object.getOwnPropertyDescriptors(Object.getPrototypeOf(Schema.String)),
    ast: { get: () => (ast ??= make()) },
    fields: { value: fields }
  }) as Schemed<Class, F>
}
