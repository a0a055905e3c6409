#!/usr/bin/env node
/** The command `qq-mini`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { functions, isNamed, placesOf, shown } from "@qq-mini/core/adapter/shown"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { root } from "./commands.ts"
import { describe, type Described, endWith, exitCodes, Failure } from "./frame/exit.ts"
import { layer as layerHelp } from "./frame/help.ts"
import { both } from "./frame/invocation.ts"
import { printError } from "./frame/output.ts"
import { version } from "./frame/version.ts"

// The reader of a pipe may end first, as head does.
process.stdout.on("error", (error) => {
  if (isNamed(error, /^EPIPE$/)) process.exit()
  throw error
})

/** A defect, without its message, which nobody has checked for secrets. */
const describeDefect = (defect: unknown): Described => {
  const places = placesOf(defect)
  const name = shown(defect, functions)
  return describe(
    new Failure({
      exit: exitCodes.fault,
      reason: "Fault",
      help: both(
        [`This is a fault of qq-mini ${version} (${name}). Please report it.`, ...places].join("\n"),
        [`这是 qq-mini ${version} 自身的错误（${name}），请反馈。`, ...places].join("\n")
      )
    })
  )
}

const report = ({ exit, json, text }: Described) => Effect.andThen(printError(json, text), endWith(exit))

const program = Command.runWith(root, { version })(process.argv.slice(2)).pipe(
  // Wrong calls are reported when they are found: see `help.ts`.
  Effect.catch((error) =>
    error._tag === "QQError" || error._tag === "Failure" ? report(describe(error)) : Effect.void
  ),
  Effect.catchDefect((defect) => report(describeDefect(defect))),
  Effect.provide(Layer.mergeAll(layerHelp, NodeServices.layer, Layer.succeed(Logger.LogToStderr, true)))
)

NodeRuntime.runMain(program, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : exitCodes.interrupted)
})
