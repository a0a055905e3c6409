/**
 * How many mini codes this user made on this machine, by program. QQ tells nobody how many are left. Each is a line of a
 * file, so that commands that run at once do not lose one.
 */
import { defaultStorePath } from "@qq-mini/node/NodeQQMini"
import * as Effect from "effect/Effect"
import { appendFile, mkdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** How many codes QQ makes for a program. */
export const maxCodes = 50

/** A code that was made. */
export interface Made {
  readonly appid: string
  /** The base URL, because a sandbox counts apart. */
  readonly from: string
  /** When, as an ISO date. */
  readonly at: string
  readonly path: string
}

const file = Effect.map(defaultStorePath, (path) => join(dirname(path), "minicodes.jsonl"))

/** Notes a code, and returns how many of the program are noted. `undefined` if the file can't be used. */
export const count = (made: Made): Effect.Effect<number | undefined> =>
  Effect.flatMap(file, (path) =>
    Effect.tryPromise(async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await appendFile(path, `${JSON.stringify(made)}\n`, { mode: 0o600 })
      const lines = (await readFile(path, "utf8")).trimEnd().split("\n")
      return lines
        .map((line) => JSON.parse(line) as Made)
        .filter(({ appid, from }) => appid === made.appid && from === made.from).length
    })
  ).pipe(Effect.orElseSucceed(() => undefined))
