/** All checks of the doctor together. */
import { functions, shown } from "@qq-mini/core/adapter/shown"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { both } from "../frame/invocation.ts"
import { configuration, files } from "./configuration.ts"
import { after, type Finding, type Name, names, presentable, problem, skipped } from "./Finding.ts"
import { walk } from "./network.ts"
import { type Examined, store } from "./store.ts"
import { programsOf, type Subject } from "./Subject.ts"
import { token } from "./token.ts"
import { versions } from "./versions.ts"

// No check takes longer (ms).
const deadlineMillis = 10_000

const tooLong = (name: Name): Finding =>
  problem(
    name,
    both(
      `This check did not end within ${deadlineMillis / 1_000} s.`,
      `此项检查未能在 ${deadlineMillis / 1_000} 秒内完成。`
    ),
    both(
      "Something answers too slowly or not at all: a firewall that drops packets, a proxy, or a disk.",
      "某处应答过慢或没有应答：如丢弃数据包的防火墙、代理或磁盘。"
    )
  )

const broken = (name: Name): Finding =>
  skipped(name, both("The doctor itself failed here. Please report this.", "检查程序自身出错，请反馈此问题。"))

/** Ends a check that takes too long. After a defect of the doctor itself, the other findings are still worth reading. */
const bounded = <R>(names: ReadonlyArray<Name>, check: Effect.Effect<ReadonlyArray<Finding>, never, R>) =>
  check.pipe(
    Effect.timeoutOrElse({ duration: deadlineMillis, orElse: () => Effect.succeed(names.map(tooLong)) }),
    Effect.catchDefect((defect) => Effect.as(Effect.logDebug(shown(defect, functions)), names.map(broken)))
  )

const secretAndContest = (subject: Subject, examined: Examined | undefined, cause: Name | undefined) =>
  Effect.gen(function* () {
    const programs = yield* Effect.orElseSucceed(programsOf(subject), () => [])
    const obstacle = cause ?? (programs.length === 0 ? "configuration" : examined === undefined ? "store" : undefined)
    if (obstacle !== undefined || examined === undefined) {
      return [after("secret", obstacle ?? "store"), after("contest", obstacle ?? "store")]
    }
    return (yield* Effect.forEach(programs, (app) => token(subject, examined, app), { concurrency: 4 })).flat()
  })

/** Runs all checks. `report` gets the findings of each as it ends. Returns all, in the order of {@link names}. */
export const examine = (
  subject: Subject,
  report: (findings: ReadonlyArray<Finding>) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const all: Array<Finding> = []
    const run = <R>(names: ReadonlyArray<Name>, check: Effect.Effect<ReadonlyArray<Finding>, never, R>) =>
      Effect.gen(function* () {
        const found = (yield* bounded(names, check)).map((finding) => presentable(finding))
        all.push(...found)
        yield* report(found)
        return found
      })
    let examined: Examined | undefined
    const openStore: Effect.Effect<ReadonlyArray<Finding>, never, Scope.Scope> = Effect.map(store(subject), (found) => {
      examined = found
      return [found.finding]
    })
    // The store comes with the check of the secret, which uses it.
    const tokens = Effect.gen(function* () {
      const way = yield* Effect.forkChild(walk(subject, run))
      yield* run(["store"], openStore)
      const cause = yield* Fiber.join(way)
      yield* run(["secret", "contest"], secretAndContest(subject, examined, cause))
    })
    yield* Effect.all(
      [
        Effect.scoped(tokens),
        run(["configuration"], configuration(subject)),
        run(
          ["files"],
          Effect.map(files(subject), (finding) => [finding])
        ),
        run(["versions"], versions(subject.folder))
      ],
      { concurrency: "unbounded", discard: true }
    )
    return all.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  })
