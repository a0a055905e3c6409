import type { AppCredentialsInput } from "@qq-mini/core/App"

/** One mini program on the platform. */
export interface Program extends AppCredentialsInput {
  /** The pages of the published version. By default `pages/index/index`. */
  readonly pages?: ReadonlyArray<string> | undefined
  /** The templates of its messages, each with its keywords. By default one, {@link defaultTemplate}, with any keywords. */
  readonly templates?: Readonly<Record<string, ReadonlyArray<string> | "any">> | undefined
  /** Official accounts bound to it. */
  readonly officialAccounts?: ReadonlyArray<string> | undefined
}

/** The template that programs have when they name none. */
export const defaultTemplate = "sandbox-template"

/** The published pages of a program that names none. */
export const defaultPages: ReadonlyArray<string> = ["pages/index/index"]

/** Two programs to begin with. */
export const defaultPrograms: readonly [Program, Program] = [
  {
    appid: "1112345678",
    appsecret: "sandboxSecretOfTheFirst",
    pages: ["pages/index/index", "pages/detail/detail"]
  },
  { appid: "1198765432", appsecret: "sandboxSecretOfTheOther", pages: ["pages/index/index"] }
]
