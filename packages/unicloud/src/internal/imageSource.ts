/** Images as `uni-sec-check` takes them: the URL of a file, the id of a file in the cloud's storage, or the image itself. */
import type { UniCloud } from "../UniCloud.ts"

// The longest time for a download (ms). By URL, a quarter of it is for connecting.
const maxDownloadMillis = 3_000

/** The bytes of an image, or why there are none. */
export type Source = Uint8Array | "unreachable" | "not a string or bytes"

const asBytes = (data: unknown): Source => (data instanceof Uint8Array ? data : "unreachable")

/** Rejects if a download takes longer than `millis`. */
const inTime = async <A>(download: Promise<A> | undefined, millis: number): Promise<A | undefined> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => (timer = setTimeout(reject, millis)))
  return Promise.race([download, late]).finally(() => clearTimeout(timer))
}

/**
 * Reads an image: bytes, base64, a data URL, or within `millis` the file of an `http` or `https` URL or of a `cloud://` id.
 * The error of a download is not shown, because it contains the URL, which may be signed.
 */
export const read = async (uniCloud: UniCloud | undefined, image: unknown, millis: number): Promise<Source> => {
  if (typeof image !== "string") return image instanceof Uint8Array ? image : "not a string or bytes"
  if (!/^(https?|cloud):\/\//i.test(image)) return Buffer.from(image.replace(/^data:[^,]*,/i, ""), "base64")
  const within = Math.max(2, Math.min(millis, maxDownloadMillis))
  try {
    if (/^cloud/i.test(image)) {
      return asBytes((await inTime(uniCloud?.downloadFile?.({ fileID: image }), within))?.fileContent)
    }
    const connect = Math.ceil(within / 4)
    const timeout = [connect, Math.ceil(within) - connect] as const
    const answer = await uniCloud?.httpclient?.request(image, { method: "GET", timeout })
    return answer?.status === 200 ? asBytes(answer.data) : "unreachable"
  } catch {
    return "unreachable"
  }
}
