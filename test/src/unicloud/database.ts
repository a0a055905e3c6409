/** A stand-in for uniCloud's document database, which several processes can share. */
import type { QueryDatabase } from "@qq-mini/unicloud/UniCloud"
import { createServer, type Server } from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { json } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"
import { type Answer, type Command, type Document, Documents, type Operation } from "./documents.ts"

export type { Document, Failure, Operation } from "./documents.ts"

interface Matching {
  /** The first 100, or as many as are asked for: at most 500. */
  readonly get: () => Promise<{ readonly data: ReadonlyArray<any> }>
  readonly limit: (documents: number) => Matching
  readonly orderBy: (field: string, order: "asc" | "desc") => Matching
  /** `_id`, and these. */
  readonly field: (fields: Readonly<Record<string, true>>) => Matching
  /** Counts only documents that are different now; an object in the change is merged with the one that is there. */
  readonly update: (change: Document) => Promise<{ readonly updated: number }>
  readonly remove: () => Promise<{ readonly deleted: number }>
}

/** What `uniCloud.database()` gives. */
export interface Database {
  readonly command: QueryDatabase["command"]
  readonly collection: (name: string) => {
    /** Several are added one after the other, until one is there already. */
    readonly add: {
      (document: Document): Promise<{ readonly id: string }>
      (documents: Document | ReadonlyArray<Document>): Promise<object>
    }
    readonly aggregate: ReturnType<QueryDatabase["collection"]>["aggregate"]
    readonly doc: (id: string) => Matching & {
      readonly set: (document: Document) => Promise<{ readonly updated: number; readonly upsertedId?: string }>
    }
    readonly where: (equal: Document) => Matching & {
      readonly updateAndReturn: (change: Document) => Promise<{ readonly updated: 0 | 1; readonly doc: any }>
    }
  }
}

export const { connect }: { readonly connect: (server: string | Documents) => Database } = createRequire(
  import.meta.url
)("./database-client.cjs")

type When = "before" | "after"

interface Fault {
  readonly when: When
  /** None: it never answers. */
  readonly answer: Answer | undefined
}

export class DatabaseServer extends Documents implements AsyncDisposable {
  readonly url: string
  readonly #server: Server
  readonly #counts = new Map<Operation, number>()
  readonly #faults = new Map<Operation, Array<Fault>>()
  #delay: readonly [from: number, to: number] = [0, 5]

  private constructor(server: Server) {
    super()
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(): Promise<DatabaseServer> {
    const server = createServer(async (request, response) => {
      // a client may end before it has said what it wants
      const command = await json(request).catch(() => undefined)
      if (command === undefined) return
      const answer = await database.#handle(command as Command)
      if (answer !== undefined) response.end(JSON.stringify(answer))
    })
    // else it closes connections that a client is about to use again
    server.keepAliveTimeout = 0
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const database = new DatabaseServer(server)
    return database
  }

  /** How often it was asked for, with those that failed. */
  count(operation: Operation): number {
    return this.#counts.get(operation) ?? 0
  }

  /** The next ones fail: before anything was done, or after all of it was. */
  fail(operation: Operation, when: When, times = 1, error = { message: "request timeout", errCode: "SYS_ERR" }): void {
    this.#plan(operation, { when, answer: { error } }, times)
  }

  /** The next ones are never answered. */
  hang(operation: Operation, times = 1, when: When = "before"): void {
    this.#plan(operation, { when, answer: undefined }, times)
  }

  /** Milliseconds that pass before each operation, and again before its answer: at random in between. */
  delay(from: number, to = from): void {
    this.#delay = [from, to]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #plan(operation: Operation, fault: Fault, times: number): void {
    const faults = this.#faults.get(operation) ?? []
    this.#faults.set(operation, [...faults, ...Array.from({ length: times }, () => fault)])
  }

  async #pause(): Promise<void> {
    const [from, to] = this.#delay
    if (to > 0) await setTimeout(from + Math.random() * (to - from))
  }

  async #handle(command: Command): Promise<Answer | undefined> {
    const { operation } = command
    this.#counts.set(operation, this.count(operation) + 1)
    const fault = this.#faults.get(operation)?.shift()
    await this.#pause()
    if (fault?.when === "before") return fault.answer
    const answer = this.answer(command)
    await this.#pause()
    return fault === undefined ? answer : fault.answer
  }
}

export const startDatabase = (): Promise<DatabaseServer> => DatabaseServer.start()
