/** A packed package: its files, and what is wrong with it. */
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Tar from "effect/encoding/Tar"
import * as Stream from "effect/Stream"
import { posix } from "node:path"
import { Readable } from "node:stream"
import { createGunzip } from "node:zlib"
import { publint } from "publint"
import { formatMessage } from "publint/utils"

/** The files of an archive of the registry's kind, which lie below `package/` there. */
export const filesOf = (archive: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> =>
  Effect.runPromise(
    NodeStream.fromReadable({
      evaluate: () => Readable.from([archive]).pipe(createGunzip()),
      onError: String
    }).pipe(
      Stream.pipeThroughChannel(Tar.decode()),
      Stream.filter((entry) => entry.header.type === "File"),
      Stream.mapEffect((entry) =>
        Effect.map(
          Stream.mkUint8Array(entry.body),
          (bytes) => [entry.header.path.replace(/^package\//, ""), bytes] as const
        )
      ),
      Stream.runCollect,
      Effect.map((files) => new Map(files))
    )
  )

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Maps that are named and missing, and sources of maps that are missing: a debugger would show nothing. */
const brokenMaps = (files: ReadonlyMap<string, Uint8Array>): ReadonlyArray<string> =>
  [...files].flatMap(([path, bytes]) => {
    const beside = (name: string) => posix.join(posix.dirname(path), name)
    if (path.endsWith(".map")) {
      const { sources, sourcesContent } = JSON.parse(text(bytes)) as {
        readonly sources: ReadonlyArray<string>
        readonly sourcesContent?: ReadonlyArray<string | null>
      }
      return sources
        .filter((source, i) => typeof sourcesContent?.[i] !== "string" && !files.has(beside(source)))
        .map((source) => `${path} names ${source}, which is not packed`)
    }
    const [, map] = /\.[cm]?[jt]s$/.test(path) ? (text(bytes).match(/\n\/\/# sourceMappingURL=(\S+)\s*$/) ?? []) : []
    return map === undefined || files.has(beside(map)) ? [] : [`${path} names ${map}, which is not packed`]
  })

/** What `attw` finds. */
interface Analysis {
  readonly problems?: ReadonlyArray<{ readonly kind: string; readonly resolutionKind?: string }>
}

/** ES modules alone: CommonJS requires them, from Node 20.19 on. */
const known = /^(NoResolution node10|CJSResolvesToESM node16-cjs)$/

/** The size of a packed package in bytes and files, and what publint, attw and a look at its maps find. */
export const examine = async (
  archive: Uint8Array<ArrayBuffer>
): Promise<{
  readonly files: number
  readonly packed: number
  readonly unpacked: number
  readonly found: ReadonlyArray<string>
}> => {
  const files = await filesOf(archive)
  const { messages, pkg } = await publint({ pack: { tarball: archive.buffer }, strict: true })
  const { problems = [] } = (await checkPackage(createPackageFromTarballData(archive))) as Analysis
  return {
    files: files.size,
    packed: archive.length,
    unpacked: [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0),
    found: [
      ...messages.map((message) => formatMessage(message, pkg!, { color: false }) ?? message.code),
      ...problems.map(({ kind, resolutionKind }) => `${kind} ${resolutionKind}`).filter((one) => !known.test(one)),
      ...brokenMaps(files)
    ]
  }
}
