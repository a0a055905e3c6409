/** The hand-written types of the delivered file beside the real ones: what drifts apart does not compile. */
import type { TokenEvent } from "@qq-mini/core/AccessToken"
import type { groups } from "@qq-mini/core/Endpoints"
import type { QQMini } from "@qq-mini/core/QQMini"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type { Transport } from "@qq-mini/core/Transport"
import type { YieldableError } from "effect/Cause"
import type { Layer } from "effect/Layer"
import type { Redacted } from "effect/Redacted"
import type * as Real from "@qq-mini/unicloud"
import type * as Told from "../../../packages/unicloud/delivery/index.d.ts"

/** Compiles only for `true`. */
type Holds<A extends true> = A
type Each<A> = { [K in keyof A]-?: A[K] extends true ? never : K }[keyof A] extends never ? true : false
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
/** Without what the told types leave out: `readonly`, `| undefined` beside `?`, and secrets that are given redacted. */
type Loose<A> =
  A extends Redacted<infer Secret>
    ? Secret
    : A extends Uint8Array | AbortSignal | ((...args: any) => any)
      ? A
      : A extends object
        ? { -readonly [K in keyof A]: Loose<Exclude<A[K], undefined>> }
        : A
type Fits<A, B> = [Loose<A>] extends [Loose<B>] ? true : false
type Fields<A> = A extends unknown ? keyof A : never
type SameFields<A, B> = Same<Fields<NonNullable<A>>, Fields<NonNullable<B>>>
type First<F> = F extends (...args: infer Args) => any ? Args[0] : never
type Second<F> = F extends (...args: infer Args) => any ? Args[1] : never
type Gives<F> = F extends (...args: any) => infer A ? Awaited<A> : never

type Groups = typeof groups

// the same names, as values
export type Names = Holds<Same<keyof typeof Told, keyof typeof Real>>

// every call, by group and name, in the client and in the facade of vk
type SameCalls<A> = Each<{ [G in keyof Groups]: G extends keyof A ? Same<keyof A[G], keyof Groups[G]> : false }>
export type CallsThere = Holds<SameCalls<Told.Calls>>
export type NoOtherGroups = Holds<Same<keyof Told.Calls, keyof Groups>>
export type CallsOfVkThere = Holds<
  Each<{
    [G in keyof Groups]: G extends keyof Told.VkOpenapiQQ
      ? Same<keyof Told.VkOpenapiQQ[G], keyof Real.VkOpenapiQQ[G]>
      : false
  }>
>
export type NoOthersOfVk = Holds<Same<keyof Told.VkOpenapiQQ, keyof Real.VkOpenapiQQ>>

// every call takes and gives what is told of it
type RealClient = ReturnType<typeof Real.createQQMini>
// a time may be told in more ways than these two
type Times = "deadline" | "attemptTimeout"
type SameCall<T, R> = Each<{
  takes: Fits<First<T>, First<R>>
  takesNoMore: Fits<First<R>, First<T>>
  fields: SameFields<First<T>, First<R>>
  gives: Fits<Gives<R>, Gives<T>>
  given: Gives<T> extends object ? SameFields<Gives<T>, Gives<R>> : true
  settings: Fits<Second<T>, Second<R>>
  noMoreSettings: Fits<Omit<NonNullable<Second<R>>, Times>, NonNullable<Second<T>>>
  settingsThere: SameFields<Second<T>, Second<R>>
}>
type SameClient<T extends Told.Calls, R extends Told.Calls> = Each<{
  [G in keyof Told.Calls]: Each<{ [N in keyof Told.Calls[G]]: SameCall<T[G][N], R[G][N]> }>
}>
export type CallsAsTold = Holds<SameClient<Told.Calls, RealClient>>
export type CallsOfAppAsTold = Holds<SameClient<ReturnType<Told.PromiseClient["app"]>, ReturnType<RealClient["app"]>>>
export type RequestAsTold = Holds<SameCall<Told.AllCalls["request"], RealClient["request"]>>
export type RequestOfAppAsTold = Holds<
  SameCall<ReturnType<Told.PromiseClient["app"]>["request"], ReturnType<RealClient["app"]>["request"]>
>
export type ContentAsTold = Holds<Same<keyof Told.AllCalls["content"], keyof RealClient["content"]>>
export type PostsAsTold = Holds<SameCall<Told.AllCalls["content"]["check"], RealClient["content"]["check"]>>
export type ClientAsTold = Holds<Same<keyof Told.PromiseClient, Extract<keyof RealClient, string>>>
export type ClosesAsTold = Holds<Same<ReturnType<Told.PromiseClient["close"]>, ReturnType<RealClient["close"]>>>

// every option, and nothing else; what comes from uniCloud or effect is not described in full
type Foreign = "apps" | "uniCloud" | "configCenter" | "store" | "transport" | "transformClient" | "onTokenEvent"
type ListOf<A> = Extract<A, ReadonlyArray<unknown>>
type RealLookup = Extract<Real.Options["apps"], (...args: any) => unknown>
export type OptionsThere = Holds<SameFields<Told.Options, Real.Options>>
export type OptionsFit = Holds<Fits<Omit<Told.Options, Foreign>, Omit<Real.Options, Foreign>>>
export type OptionsAreAllTold = Holds<Fits<Omit<Real.Options, Foreign>, Told.Options>>
export type ProgramsFit = Holds<Fits<ListOf<Told.Options["apps"]>, ListOf<Real.Options["apps"]>>>
export type ProgramsAreAllTold = Holds<Fits<ListOf<Real.Options["apps"]>, ListOf<Told.Options["apps"]>>>
export type LookupFits = Holds<Fits<Exclude<ReturnType<Told.AppLookup>, Told.EffectValue>, ReturnType<RealLookup>>>
export type Stores = Holds<Same<Extract<Told.Store, string>, Extract<Real.Store, string>>>
export type StoresAsOption = Holds<Same<Extract<Told.Options["store"], string>, Extract<Real.Store, string>>>
export type BridgeThere = Holds<SameFields<Told.OpenBridge, Extract<Real.Store, { readonly setAccessToken: unknown }>>>
export type StoreMethods = Holds<Fits<TokenCache["Service"], Told.TokenCache>>
export type TransportMethods = Holds<Fits<Transport["Service"], Told.Transport>>
// the settings in it are for the client's own code
type ToldOfClient = Omit<QQMini["Service"], "settings" | "imagePreparer">
export type ClientMethods = Holds<SameFields<Told.ClientService, ToldOfClient>>
export type LayersFit = Holds<Fits<Layer<TokenCache>, Told.EffectValue>>
export type EventsAsTold = Holds<Fits<TokenEvent, Told.TokenEvent>>
export type EventsThere = Holds<Same<TokenEvent["_tag"], Told.TokenEvent["_tag"]>>
export type VkOptionsThere = Holds<SameFields<Told.VkOptions, Real.VkOptions>>
export type Compat = Holds<SameFields<Told.VkOptions["compat"], Real.VkOptions["compat"]>>
export type CompatFits = Holds<Fits<Told.VkOptions["compat"], Real.VkOptions["compat"]>>

// the objects in the form of uniCloud's modules
type OptionsOf<C> = C extends new (options: infer O) => any ? O : never
type SameModule<T extends new (...args: any) => any, R extends new (...args: any) => any> = Each<{
  options: Fits<Omit<OptionsOf<T>, "qq">, Omit<OptionsOf<R>, "qq">>
  optionsThere: SameFields<OptionsOf<T>, OptionsOf<R>>
  members: Same<keyof InstanceType<T>, keyof InstanceType<R>>
  calls: Each<{
    [N in keyof InstanceType<R>]: InstanceType<R>[N] extends (...args: any) => any
      ? Each<{
          takes: Fits<First<InstanceType<T>[N]>, First<InstanceType<R>[N]>>
          takesNoMore: SameFields<First<InstanceType<T>[N]>, First<InstanceType<R>[N]>>
          gives: Fits<Gives<InstanceType<R>[N]>, Gives<InstanceType<T>[N]>>
          given: SameFields<Gives<InstanceType<T>[N]>, Gives<InstanceType<R>[N]>>
        }>
      : Fits<InstanceType<R>[N], InstanceType<T>[N]>
  }>
}>
export type SecCheckAsTold = Holds<SameModule<typeof Told.UniSecCheck, typeof Real.UniSecCheck>>
export type SubscribemsgAsTold = Holds<SameModule<typeof Told.UniSubscribemsg, typeof Real.UniSubscribemsg>>
export type AccountAsTold = Holds<Fits<Real.QQAccount, Told.QQAccount>>
export type AccountThere = Holds<SameFields<Told.QQAccount, Real.QQAccount>>
export type LoginThere = Holds<SameFields<Told.QQLogin, Real.QQLogin>>
export type CoThere = Holds<SameFields<Told.UniIdCo, Real.UniIdCo>>

// whole functions as they stand, and of those that take what is not described in full, what they give
declare const real: typeof Real
export const told: Pick<typeof Told, "createTokenStore" | "isQQError" | "toUniError" | "toVkError"> = real
export const toldClient: ReturnType<typeof Told.createQQMini> = {} as ReturnType<typeof Real.createQQMini>
export const toldVk: ReturnType<typeof Told.createVkOpenapiQQ> = {} as ReturnType<typeof Real.createVkOpenapiQQ>
export type SessionKey = Holds<Same<Gives<typeof Told.readSessionKey>, Gives<typeof Real.readSessionKey>>>
export type ErrorAsTold = Holds<Fits<Real.QQError, Told.QQError>>
type Tag = Real.Reason["_tag"]
type Of<R, T extends Tag> = R extends { readonly _tag: infer One } ? (One extends T ? R : never) : never
type OwnFields<R> = Exclude<Fields<R>, keyof YieldableError>
export type ReasonsThere = Holds<Same<Told.Reason["_tag"], Tag>>
export type ReasonsAsTold = Holds<
  Each<{
    [T in Tag]: Each<{
      fit: Fits<Of<Real.Reason, T>, Of<Told.Reason, T>>
      fields: Same<OwnFields<Of<Told.Reason, T>>, OwnFields<Of<Real.Reason, T>>>
    }>
  }>
>
export type UniErrors = Holds<Same<keyof Told.UniError, keyof Real.UniError>>
export type VkErrors = Holds<Same<keyof Told.VkError, keyof Real.VkError>>

// the handlers of what QQ sends
type ToldPay = Told.PayNotificationHandlerOptions
type RealPay = Real.PayNotificationHandlerOptions
type OtherThanStore<A> = Omit<A, "store" | "onPaid" | "onPush">
export const toldPay: ReturnType<typeof Told.payNotificationHandler> = {} as Real.UrlHandler
export const toldPush: ReturnType<typeof Told.pushHandler> = {} as Real.UrlHandler
export type EventAsTold = Holds<Fits<Told.UrlEvent, Real.UrlEvent>>
export type EventThere = Holds<SameFields<Told.UrlEvent, Real.UrlEvent>>
export type UrlAnswerThere = Holds<SameFields<Told.UrlAnswer, Real.UrlAnswer>>
export type PayThere = Holds<SameFields<ToldPay, RealPay>>
export type PayFits = Holds<Fits<OtherThanStore<ToldPay>, OtherThanStore<RealPay>>>
export type PushThere = Holds<SameFields<Told.PushHandlerOptions, Real.PushHandlerOptions>>
export type PaymentAsTold = Holds<Fits<Real.PayNotification, Told.PayNotification>>
export type PaymentThere = Holds<SameFields<Told.PayNotification, Real.PayNotification>>
export type PushAsTold = Holds<Fits<Real.Push, Told.Push>>
export type PushFields = Holds<SameFields<Told.Push, Real.Push>>
export type PushStoreNames = Holds<Same<Extract<ToldPay["store"], string>, Extract<RealPay["store"], string>>>

// broadcasts; cloud functions have nothing to close, and no stream with a rate
type RealBroadcast = ReturnType<typeof Real.createBroadcast>
type RealProgress = Omit<Gives<RealBroadcast["step"]>, "rate" | "timeLeft">
type ToldBroadcastOptions = Told.BroadcastOptions<object>
type RealBroadcastOptions = Parameters<typeof Real.createBroadcast<object>>[1]
export type BroadcastThere = Holds<
  Same<keyof Told.UniCloudBroadcast, Exclude<Extract<keyof RealBroadcast, string>, "close">>
>
export type BroadcastOptionsThere = Holds<SameFields<ToldBroadcastOptions, RealBroadcastOptions>>
export type BroadcastOptionsFit = Holds<Fits<ToldBroadcastOptions, RealBroadcastOptions>>
export type ProgressThere = Holds<SameFields<Told.Progress, RealProgress>>
export type ProgressAsTold = Holds<Fits<RealProgress, Told.Progress>>
