/** The functions of `UserData` as promises, for apps without Effect. */
import * as Effect from "effect/Effect"
import type { QQError } from "../reason/error.ts"
import * as UserData from "../UserData.ts"

/** {@link UserData} with promises. They reject with `QQError`. */
export interface PromisedUserData {
  /** Checks `signature`, and returns what `rawData` contains. */
  readonly verify: (signed: UserData.Signed) => Promise<UserData.Profile>
  /** Decrypts data of any kind. */
  readonly decrypt: (encrypted: UserData.Encrypted) => Promise<UserData.Data>
  /** Decrypts the data of `qq.getUserInfo`. */
  readonly userInfo: (encrypted: UserData.Encrypted) => Promise<UserData.UserInfo>
  /** Decrypts the data of a button with `open-type="getPhoneNumber"`. */
  readonly phoneNumber: (encrypted: UserData.Encrypted) => Promise<UserData.PhoneNumber>
  /** Decrypts the data of `qq.getShareInfo`. */
  readonly shareInfo: (encrypted: UserData.Encrypted) => Promise<UserData.ShareInfo>
}

/** Makes the functions. `around` provides what the runtime lacks. */
export const promised = (
  around: <A>(effect: Effect.Effect<A, QQError>) => Effect.Effect<A, QQError> = (effect) => effect
): PromisedUserData => ({
  verify: (signed) => Effect.runPromise(around(UserData.verify(signed))),
  decrypt: (encrypted) => Effect.runPromise(around(UserData.decrypt(encrypted))),
  userInfo: (encrypted) => Effect.runPromise(around(UserData.userInfo(encrypted))),
  phoneNumber: (encrypted) => Effect.runPromise(around(UserData.phoneNumber(encrypted))),
  shareInfo: (encrypted) => Effect.runPromise(around(UserData.shareInfo(encrypted)))
})
