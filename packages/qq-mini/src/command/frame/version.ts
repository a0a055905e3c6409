import { readFileSync } from "node:fs"

// The built file lies as deep below the package as this one.
const manifest = new URL("../../../package.json", import.meta.url)

/** The version of this package. */
export const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }
