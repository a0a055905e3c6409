/** An object of unknown content. */
export type Json = Readonly<Record<string, any>>
