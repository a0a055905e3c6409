import { assert, describe, it } from "@effect/vitest"
import type * as Broadcast from "@qq-mini/core/Broadcast"
import * as CsvRecipients from "@qq-mini/node/CsvRecipients"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The path of a file with this content, for the time of a test. */
const file = (content: string | Uint8Array) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "qq-mini-csv-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    ),
    (folder) => {
      const path = join(folder, "users.csv")
      writeFileSync(path, content)
      return path
    }
  )

const rowsOf = (path: string, options?: CsvRecipients.Options) =>
  Stream.runCollect(Stream.fromAsyncIterable(CsvRecipients.read(path, options), (cause) => cause as Error))

const shown = ({ line, problem, value }: Broadcast.Row<CsvRecipients.Fields>) =>
  `${line}: ${problem === undefined ? JSON.stringify(value) : problem.en}`

describe("CsvRecipients", () => {
  it.live("reports broken lines with their number, and reads those after them", () =>
    Effect.gen(function* () {
      const lines = [
        "\uFEFFOpenID, Keyword1 ,page",
        "A,hello,p",
        'B,"two',
        'lines, ""quoted""",p',
        "",
        'C,"broken,p',
        "D,x",
        "E,x,p,",
        "F,x,p,extra",
        " , ,",
        '"G",x,p'
      ]
      const rows = yield* rowsOf(yield* file(lines.join("\r\n")))
      assert.deepStrictEqual(rows.map(shown), [
        '2: {"openid":"A","keyword1":"hello","page":"p"}',
        '3: {"openid":"B","keyword1":"two\\nlines, \\"quoted\\"","page":"p"}',
        "6: has a broken quote",
        "7: has 2 columns, the first line has 3",
        '8: {"openid":"E","keyword1":"x","page":"p"}',
        "9: has 4 columns, the first line has 3",
        '11: {"openid":"G","keyword1":"x","page":"p"}'
      ])
    })
  )

  it.live("finds the lines of a long file, also after a quote that is never closed", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 3_000 }, (_, i) => (i % 7 === 0 ? `U${i},"a\nb"` : `U${i},x`))
      lines[1_000] = 'broken,"never closed'
      const content = ["openid,keyword1", ...lines].join("\n")
      const rows = yield* rowsOf(yield* file(content))
      const physical = content.split("\n")
      const good = rows.filter(({ problem }) => problem === undefined)
      assert.isAtLeast(good.length, 2_990)
      for (const { line, value } of good) assert.isTrue(physical[line - 1]!.startsWith(`${value!["openid"]},`))
      assert.strictEqual(rows.find(({ problem }) => problem !== undefined)!.line, physical.indexOf(lines[1_000]) + 1)
    })
  )

  it.live.each([
    ["GB 18030, with semicolons", [...Buffer.from("openid;课程\nA;"), 0xc4, 0xe3, 0xba, 0xc3]],
    ["UTF-16, with tabs", [0xff, 0xfe, ...Buffer.from("openid\t课程\nA\t你好\n", "utf16le")]],
    ["UTF-8, with commas", [...Buffer.from("openid,课程\nA,你好")]]
  ] as const)("reads what spreadsheets write: %s", ([, bytes]) =>
    Effect.gen(function* () {
      const path = yield* file(Uint8Array.from(bytes))
      const [row] = yield* rowsOf(path)
      assert.include(Object.values(row!.value!), "你好")
      const [mapped] = yield* rowsOf(path, {
        columns: Object.fromEntries([[Object.keys(row!.value!)[1]!, "keyword1"]])
      })
      assert.strictEqual(mapped!.value!["keyword1"], "你好")
    })
  )

  it.live("reports the line of a broken character, which does not garble the others", () =>
    Effect.gen(function* () {
      const bytes = Buffer.concat([
        Buffer.from("openid,课程\nA,你好\nB,再"),
        Buffer.from([0xe8, 0xa7]),
        Buffer.from("\nC,再见")
      ])
      for (const mark of ["", "\uFEFF"]) {
        const rows = yield* rowsOf(yield* file(Buffer.concat([Buffer.from(mark), bytes])))
        assert.deepStrictEqual(rows.map(shown), [
          '2: {"openid":"A","课程":"你好"}',
          "3: has a broken character",
          '4: {"openid":"C","课程":"再见"}'
        ])
      }
    })
  )

  it.live("says what is wrong with a file, in both languages", () =>
    Effect.gen(function* () {
      for (const path of [yield* file("name,x\n1,2"), yield* file("")]) {
        const error = yield* Effect.flip(rowsOf(path))
        assert.include(error.message, "openid,keyword1")
        assert.include(error.message, "首行")
      }
      const twice = yield* Effect.flip(rowsOf(yield* file("OpenID,keyword1,openid\nA,x,B")))
      assert.include(twice.message, "column openid twice")
      assert.include((yield* Effect.flip(rowsOf("/nowhere/users.csv"))).message, "ENOENT")
    })
  )
})
