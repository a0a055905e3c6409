/** `uniCloud` for tests: see `unicloud.cjs`. */
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import type { UniCloud } from "@qq-mini/unicloud/UniCloud"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { assert } from "vitest"

interface Options {
  /** The address of a `DatabaseServer`. */
  readonly database?: string
  readonly redis?: NonNullable<UniCloud["redis"]>
  readonly dcloudAppid?: string
}

/** Makes a `uniCloud` that has everything. */
export const makeUniCloud: (options?: Options) => Required<Omit<UniCloud, "$context">> = createRequire(import.meta.url)(
  "./unicloud.cjs"
).makeUniCloud

/** A version of Node that uniCloud runs. */
export type NodeVersion = 12 | 14 | 16 | 18 | 20

/** The real Node of a version that uniCloud runs. */
export const nodeBinary = (version: NodeVersion): string =>
  fileURLToPath(new URL(`../../node_modules/node${version}/bin/node`, import.meta.url))

/** The error of a call that must fail, and with nothing else. */
export const qqErrorOf = (call: Promise<unknown>): Promise<QQError> =>
  call.then(
    () => assert.fail("was expected to fail"),
    (error: unknown) => (isQQError(error) ? error : assert.fail(`no QQError: ${String(error)}`))
  )
