/**
 * What one mini program asks of its server, as a handler of requests: the same on Workers, Deno, Bun and Vercel.
 *
 * - `GET /health`: whether QQ gives a token.
 * - `POST /login` with the code of `qq.login`: the user's openid.
 * - `POST /share` with the form fields `text` and `image`: both are checked, and the answer is a mini code to share.
 * - `POST /remind` with `{ "openid", "template_id" }`: sends a subscription message.
 */
import { isQQError, type Calls } from "@qq-mini/edge"

type Route = (
  qq: Calls,
  request: Request,
  options: { readonly signal: AbortSignal },
  prepare: boolean
) => Promise<Response>

const routes: Readonly<Record<string, Route>> = {
  "GET /health": async (qq, _, options) => {
    await qq.auth.getAccessToken({}, options)
    return Response.json({ ok: true })
  },

  "POST /login": async (qq, request, options) => {
    // without `needKey` there is no session_key, which must never reach a client
    const { openid } = await qq.auth.code2Session({ code: await request.text() }, options)
    return Response.json({ openid })
  },

  "POST /share": async (qq, request, options, prepare) => {
    const form = await request.formData()
    const image = form.get("image")
    const verdicts = await Promise.all([
      qq.security.msgSecCheck({ content: String(form.get("text") ?? "") }, options),
      // `prepare` for the photos of phones, which are larger than QQ takes
      qq.security.imgSecCheck({ media: image instanceof File ? image : new Uint8Array(), prepare }, options)
    ])
    if (verdicts.some(({ risky }) => risky)) return new Response("risky", { status: 422 })
    const { bytes, mediaType } = await qq.acode.getMiniCode({ path: "pages/index/index?from=share" }, options)
    return new Response(new Blob([bytes as BlobPart]), { headers: { "content-type": mediaType } })
  },

  "POST /remind": async (qq, request, options) => {
    const { openid: touser, template_id } = (await request.json()) as Record<"openid" | "template_id", string>
    await qq.subscribeMessage.send({ touser, template_id, data: { keyword1: { value: "it is time" } } }, options)
    return Response.json({ sent: true })
  }
}

/** Answers a request. The calls end when its client goes away. `prepare`: whether images are made to fit for QQ. */
export const handle = async (qq: Calls, request: Request, prepare = false): Promise<Response> => {
  // whatever stands before it, as `/api` does on Vercel
  const route = routes[`${request.method} /${new URL(request.url).pathname.split("/").at(-1)}`]
  if (route === undefined) return new Response("not found", { status: 404 })
  try {
    return await route(qq, request, { signal: request.signal }, prepare)
  } catch (error) {
    // what went wrong is for the log; a check that could not be made is not a pass
    console.error(error)
    const bad = isQQError(error) && /^(InvalidInput|InvalidCode|NotSubscribed)$/.test(error.reason._tag)
    return new Response(bad ? error.reason._tag : "try again later", { status: bad ? 400 : 503 })
  }
}
