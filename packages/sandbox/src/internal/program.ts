import type { AppCredentialsInput } from "@qq-mini/core/App"
import type { PayNotification, Posting } from "./post.ts"

/** A mini program on the simulated platform. */
export interface Program extends AppCredentialsInput {
  /** The pages of the published version. By default `pages/index/index`. */
  readonly pages?: ReadonlyArray<string> | undefined
  /** The message templates with their keywords. By default only {@link defaultTemplate}, with any keywords. */
  readonly templates?: Readonly<Record<string, ReadonlyArray<string> | "any">> | undefined
  /** The official accounts that are bound to the program. By default none. */
  readonly officialAccounts?: ReadonlyArray<string> | undefined
  /** The program's offer at Midas, and its secret AppKey. By default {@link defaultOffer}. */
  readonly offer?: Offer | undefined
  /** Where and how payments are notified. By default nowhere. */
  readonly notify?: PayNotification | undefined
  /** Where and how form_ids are pushed. By default nowhere. */
  readonly push?: Posting | undefined
}

/** An offer at Midas. */
export interface Offer {
  readonly offer_id: string
  readonly app_key: string
}

/** The offer that programs have by default. */
export const defaultOffer: Offer = { offer_id: "1450000001", app_key: "sandboxAppKeyOfMidas" }

/** The id of the template that programs have by default. */
export const defaultTemplate = "sandbox-template"

/** The published pages that programs have by default. */
export const defaultPages: ReadonlyArray<string> = ["pages/index/index"]

/** The programs of a platform by default. */
export const defaultPrograms: readonly [Program, Program] = [
  {
    appid: "1112345678",
    appsecret: "sandboxSecretOfTheFirst",
    pages: ["pages/index/index", "pages/detail/detail"]
  },
  { appid: "1198765432", appsecret: "sandboxSecretOfTheOther", pages: ["pages/index/index"] }
]
