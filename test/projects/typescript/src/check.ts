import { isQQError, type PromiseClient, type Reason } from "qq-mini"

/** What QQ says of a text. A text that could not be checked has not passed. */
export type Verdict =
  | { readonly verdict: "passed" | "risky" }
  | { readonly verdict: "unchecked"; readonly why: Reason["_tag"]; readonly help: string }

/** Checks a text. An aborted signal rejects the promise with the signal's own reason. */
export const check = async (qq: PromiseClient, content: string, signal?: AbortSignal): Promise<Verdict> => {
  try {
    const { risky } = await qq.security.msgSecCheck({ content }, { signal })
    return { verdict: risky ? "risky" : "passed" }
  } catch (error) {
    if (!isQQError(error)) throw error
    // `reason` is a union: its tag tells which fields there are.
    const { help, reason } = error
    const where = reason._tag === "InvalidInput" ? `${reason.field}: ` : ""
    return { verdict: "unchecked", why: reason._tag, help: `${where}${help.zh}` }
  }
}
