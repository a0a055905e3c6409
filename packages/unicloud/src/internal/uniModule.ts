/** The common part of the objects in the form of uniCloud's own modules: their client, and the program of a request. */
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import type { Calls } from "@qq-mini/core/Promise"
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as UniCloudQQMini from "../UniCloudQQMini.ts"
import * as UniConfig from "../UniConfig.ts"

/** The options that these objects share. */
export interface Options {
  /** The client that makes the calls: of `createQQMini`, or of its `app`. Make it once, outside the handler. */
  readonly qq: Calls
  /** `mp-qq` or `qq-mp`; the modules of uniCloud spell it differently. May be omitted. */
  readonly provider?: string | undefined
}

/** A request, of which the DCloud app is known or can be found. */
export interface Request {
  /** The DCloud app, `__UNI__…`. */
  readonly dcloudAppid?: string | undefined
  /** The id of a request from a client. */
  readonly requestId?: string | undefined
}

/** The names of {@link Options}. */
export const names = { qq: [], provider: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/** Throws a `QQError` if the options have no client, other names than these, or name another platform. */
export const check = (options: Partial<Options> = {}, known: Setup.Names = names): void => {
  Effect.runSync(Setup.checkNames(options, known))
  const { provider, qq } = options
  if (typeof qq?.auth?.code2Session !== "function") {
    throw App.invalidConfig("qq", "must be the client that createQQMini makes", "必须是 createQQMini 创建的客户端")
  }
  if (provider !== undefined && provider !== "mp-qq" && provider !== "qq-mp") {
    throw App.invalidConfig("provider", "must be mp-qq or qq-mp", "必须是 mp-qq 或 qq-mp")
  }
}

const appOf = (options: UniCloudQQMini.Options, { dcloudAppid, requestId }: Request): string | undefined => {
  if (dcloudAppid) return dcloudAppid
  if (!requestId) return undefined
  try {
    const infos = UniCloudQQMini.uniCloudOf(options)?.getClientInfos?.()
    return infos?.find((info) => info.requestId === requestId)?.appId
  } catch {
    // `getClientInfos` throws outside a request.
    return undefined
  }
}

/**
 * The input `appid` of a call for a request: the program that `uni-config-center` has for the request's DCloud app. Empty
 * if the client decides: if the app is unknown, or the client has a program from its options or from `app`.
 */
export const programOf = async (qq: Calls, request: Request): Promise<{ readonly appid?: string }> => {
  const options = UniCloudQQMini.optionsOf(qq)
  const app = options === undefined ? undefined : appOf(options, request)
  if (options === undefined || app === undefined) return {}
  const appid = await Effect.runPromise(UniConfig.programOf(options, app))
  return appid === undefined ? {} : { appid }
}

/** The input of a call with more fields. What is not an object is left to the call, which refuses it. */
export const withFields = <Input>(input: Input, fields: object): Input =>
  isObject(input) ? { ...input, ...fields } : input
