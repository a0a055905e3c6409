/** The types of the parts of an OpenAPI document that are used here. */
import type { JsonSchema } from "effect/JsonSchema"

/** A body by its media type. */
export interface Media {
  readonly schema?: JsonSchema
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
  readonly encoding?: Readonly<Record<string, { readonly contentType: string }>>
}

/** Bodies by their media types. */
export type Content = Readonly<Record<string, Media>>

/** A parameter of the query, or a header. */
export interface Parameter {
  readonly name: string
  readonly in: "query" | "header"
  readonly required: boolean
  readonly description: string
  readonly schema: JsonSchema
  readonly example?: unknown
}

/** An answer. */
export interface Response {
  readonly description: string
  readonly content: Content
}

/** What a call sends. */
export interface Request {
  readonly security: ReadonlyArray<Readonly<Record<string, ReadonlyArray<never>>>>
  readonly parameters: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly required: true; readonly content: Content }
}

/** A call. */
export interface Operation extends Request {
  readonly operationId: string
  readonly tags: ReadonlyArray<string>
  readonly summary: string
  readonly description: string
  readonly responses: Readonly<Record<string, Response>>
  readonly [extension: `x-${string}`]: unknown
}

/** An OpenAPI document. */
export interface Document {
  readonly openapi: "3.1.0"
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: ReadonlyArray<object>
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly securitySchemes: Readonly<Record<string, object>>
  }
  readonly [extension: `x-${string}`]: unknown
}
