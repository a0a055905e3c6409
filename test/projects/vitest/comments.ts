/** Comments on a page: checked before they are published, and told to their authors. */
import { isQQError, type PromiseClient } from "qq-mini"

/** What became of a comment. */
export type Outcome = "refused" | "published" | "published, author told"

/** The comments of an app. A real one keeps them in a database. */
export const makeComments = (qq: PromiseClient, template_id: string) => {
  const published: Array<string> = []
  return {
    published,
    /** The openid of the user who got this code from `qq.login`. */
    logIn: async (code: string): Promise<string> => (await qq.auth.code2Session({ code })).openid,
    /** Publishes a text that QQ passes, and tells its author. Rejected if QQ can't check it: then it is not published. */
    post: async (author: string, text: string): Promise<Outcome> => {
      const { risky } = await qq.security.msgSecCheck({ content: text })
      if (risky) return "refused"
      published.push(text)
      try {
        await qq.subscribeMessage.send({
          touser: author,
          template_id,
          data: { keyword1: { value: text.slice(0, 20) } }
        })
        return "published, author told"
      } catch (error) {
        if (isQQError(error) && error.reason._tag === "NotSubscribed") return "published"
        throw error
      }
    }
  }
}
