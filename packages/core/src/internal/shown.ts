import * as Result from "effect/Result"

/**
 * A source of foreign errors, such as a Redis client. Such errors contain addresses, commands and values, and so
 * secrets. Only names that are known in advance are shown, and otherwise a fixed phrase.
 */
export interface Source {
  /** Matches a whole name that may be shown. */
  readonly names: RegExp
  /** The text to show for all other errors. */
  readonly phrase: string
}

const oneOf = (...lists: ReadonlyArray<string>) => new RegExp(`^(?:${lists.join("|")})$`)

// The names of operating systems for errors of sockets and name servers.
const sockets =
  "E(?:ACCES|ADDRINUSE|ADDRNOTAVAIL|AGAIN|AI_[A-Z]{4,6}|BUSY|CANCELED|CONNABORTED|CONNREFUSED|CONNRESET|HOSTDOWN" +
  "|HOSTUNREACH|INVAL|IO|MFILE|NETDOWN|NETRESET|NETUNREACH|NFILE|NOBUFS|NOENT|NOMEM|NOTCONN|NOTFOUND|PERM|PIPE" +
  "|PROTO|SERVFAIL|SHUTDOWN|TIMEDOUT|TIMEOUT)"

// The names of operating systems for other errors of files.
const files =
  "E(?:DQUOT|EXIST|FBIG|INTR|ISDIR|LOOP|NAMETOOLONG|NODEV|NOSPC|NOSYS|NOTDIR|NOTEMPTY|NOTSUP|ROFS|STALE|TXTBSY|XDEV)"

// The prefixes belong to Node, undici, its HTTP parser, OpenSSL and zlib.
const network = `${sockets}|ABORT_ERR|(?:ERR|UND_ERR|HPE|CERT|UNABLE_TO|Z)_[A-Z][A-Z0-9_]{1,50}`

// The names of undici, Node, urllib, Deno and Bun for a connection that was never made.
const unmade =
  "ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT" +
  "|ConnectTimeoutError|ConnectionTimeoutError|SocketAssignTimeoutError|ConnectionRefused|CERT_HAS_EXPIRED" +
  "|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|ERR_TLS_CERT_ALTNAME_INVALID"

// The first words of Redis' errors.
const redisWords =
  "ASK|BUSY|BUSYGROUP|BUSYKEY|CLUSTERDOWN|CROSSSLOT|DENIED|ERR|EXECABORT|LOADING|MASTERDOWN|MISCONF|MOVED|NOAUTH" +
  "|NOMASTERLINK|NOPERM|NOPROTO|NOREPLICAS|NOSCRIPT|NOTBUSY|OOM|READONLY|TRYAGAIN|UNAUTHORIZED|UNKILLABLE|WRONGPASS" +
  "|WRONGTYPE"

// The errors of the npm package `redis`, and names that the adapters use.
const redisClients =
  "(?:Abort|ClientClosed|ClientOffline|CommandTimeoutDuringMaintenance|ConnectionTimeout|DisconnectsClient" +
  "|MaxCommandRedirections|RootNodesUnavailable|SocketClosedUnexpectedly|SocketTimeout|SocketTimeoutDuringMaintenance" +
  "|Timeout)Error|HTTP_[1-5]\\d\\d|UNREACHABLE|UNSUPPORTED"

// SQLite's own messages, which never contain values.
const sqliteTexts =
  "SQL logic error|access permission denied|query aborted|database is locked|database table is locked|out of memory" +
  "|attempt to write a readonly database|interrupted|disk I/O error|database disk image is malformed" +
  "|database or disk is full|unable to open database file|locking protocol|constraint failed|datatype mismatch" +
  "|bad parameter or other API misuse|authorization denied|file is not a database|string or blob too big" +
  "|database schema has changed|large file support is disabled"

const classes = "(?:Abort|Aggregate|Range|Reference|Syntax|Timeout|Type|URI)Error"

// The first words of the error codes of uniCloud's providers.
const uniCloudCodes =
  "(?:CLOUD|DATABASE|EXCEED|FLOW|FUNCTION|INVALID|LIMIT|NETWORK|OPERATION|PERMISSION|REQUEST|RESOURCE|SERVER|SERVICE" +
  "|SYS|SYSTEM)_[A-Z][A-Z_]{1,50}|FunctionBizError|InternalServerError"

/** Errors of HTTP clients. */
export const connections: Source = {
  names: /* @__PURE__ */ oneOf(network, unmade),
  phrase: "the connection was lost"
}

/** Errors of system calls on files and sockets. */
export const systemCalls: Source = { names: /* @__PURE__ */ oneOf(sockets, files), phrase: "unknown" }

/** Errors of Redis clients, over Redis' own protocol or HTTP. */
export const redis: Source = { names: /* @__PURE__ */ oneOf(network, redisWords, redisClients), phrase: "it failed" }

/** Errors of `node:sqlite`. */
export const sqlite: Source = { names: /* @__PURE__ */ oneOf(sockets, files, sqliteTexts), phrase: "it failed" }

/** Errors of Deno KV. */
export const denoKv: Source = {
  names: /* @__PURE__ */ oneOf(
    network,
    classes,
    "Busy|Interrupted|TimedOut|PermissionDenied|NotCapable|BadResource|UnexpectedEof",
    "Connection(?:Refused|Reset|Aborted)|BrokenPipe"
  ),
  phrase: "the database failed"
}

/** Errors of uniCloud's database. */
export const uniCloudDatabase: Source = {
  names: /* @__PURE__ */ oneOf(network, uniCloudCodes, "uni-open-bridge-has-another-appid-for-this-app"),
  phrase: "the database failed"
}

/** Errors thrown by functions of an app. */
export const functions: Source = { names: /* @__PURE__ */ oneOf(network, classes), phrase: "an unknown error" }

/** Reads a property of any value. `undefined` if it can't be read. */
export const peek = (value: unknown, name: PropertyKey): unknown =>
  value === undefined || value === null
    ? undefined
    : Result.getOrUndefined(Result.try(() => (value as Readonly<Record<PropertyKey, unknown>>)[name]))

// Only this beginning of a text is examined.
const maxCharacters = 4_000

const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, maxCharacters) : "")

const messageOf = (error: unknown): string => text(error) || text(peek(error, "message")) || text(peek(error, "errMsg"))

const labels = (error: unknown): ReadonlyArray<string> =>
  [
    ...["code", "errCode", "errstr", "name"].map((name) => text(peek(error, name))),
    // Workers set this on errors of a Durable Object.
    peek(error, "overloaded") === true ? "overloaded" : ""
  ].filter((label) => label !== "")

/** Whether a name of the error itself, not of its cause, matches. */
export const isNamed = (error: unknown, names: RegExp): boolean => labels(error).some((label) => names.test(label))

/** Whether a name or the message of an error matches. For decisions only: the text must not be shown. */
export const matches = (error: unknown, pattern: RegExp): boolean =>
  pattern.test([...labels(error), messageOf(error)].join(" "))

// Deno says only in the message that a connection was never made.
const unconnected = (error: unknown): string | undefined =>
  matches(error, /client error \(Connect\)/) ? (matches(error, /dns error/) ? "ENOTFOUND" : "ECONNREFUSED") : undefined

const unmadeNames = /* @__PURE__ */ oneOf(unmade)

/** Whether an error itself says that a connection was never made. */
export const isUnmade = (error: unknown): boolean => isNamed(error, unmadeNames) || unconnected(error) !== undefined

const maxCauses = 16

/** The causes of an error. There are several if several attempts failed. */
export const causesOf = (error: unknown): ReadonlyArray<unknown> => {
  const several = peek(error, "errors")
  const some = Result.try(() =>
    Array.isArray(several) ? Array.from({ length: Math.min(several.length, maxCauses) }, (_, i) => several[i]) : []
  )
  if (Result.isSuccess(some) && some.success.length > 0) return some.success
  // The npm package `redis` keeps the original error in `socketError`.
  return [peek(error, "socketError") ?? peek(error, "cause")]
}

/** The places of an error's stack, without its message. */
export const placesOf = (error: unknown): ReadonlyArray<string> =>
  text(peek(error, "stack"))
    .split("\n")
    .filter((line) => /^\s+at /.test(line))

const maxDepth = 4

// The names of urllib and `uniCloud.request` for an answer that timed out.
const timeoutNames = /^(?:ResponseTimeoutError|ESOCKETTIMEDOUT)$/

const nameOf = (error: unknown, names: RegExp, depth = 0): string | undefined => {
  if (error === undefined || error === null || depth > maxDepth) return undefined
  if (isNamed(error, timeoutNames)) return "ETIMEDOUT"
  const name = [
    unconnected(error),
    ...labels(error),
    // In one file with another class of the same name, bundlers add a number to the name.
    text(peek(peek(error, "constructor"), "name")).replace(/\$?\d+$/, ""),
    /^\S{2,40}(?= )/.exec(messageOf(error))?.[0]
  ].find((name) => name !== undefined && names.test(name))
  return name ?? nameOf(causesOf(error)[0], names, depth + 1)
}

/**
 * S1: the only part of a foreign error that may be shown: the known name of the error or of its cause, or else the
 * phrase of its source.
 */
export const shown = (error: unknown, { names, phrase }: Source): string => nameOf(error, names) ?? phrase
