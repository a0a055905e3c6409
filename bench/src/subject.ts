/** What is measured: a way to make calls of a server that answers at once. */

/** Makes so many calls, so many at a time, and tells how many milliseconds each took. */
export type Load = (count: number, atOnce: number, seen: (millis: number) => void) => Promise<void>

export interface Subject {
  /** Text checks, or the POST of JSON with a token that is nearest to one. The first call may be slower. */
  readonly text: Load
  /** Checks of an image of 1 MB. */
  readonly image?: Load
  /** Reads of a token that is known: by the call for it, */
  readonly token?: Load
  /** and from the service that every call asks for its token. */
  readonly service?: Load
}

/** Starts a subject that calls the server at this address. */
export type Start = (url: string) => Promise<Subject>

/** A load of promises. */
export const promises =
  (call: () => Promise<unknown>): Load =>
  async (count, atOnce, seen) => {
    let left = count
    const one = async () => {
      while (left-- > 0) {
        const start = performance.now()
        await call()
        seen(performance.now() - start)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, one))
  }

export const appid = "1112345678"
export const appsecret = "theSecretOfTheBench"
export const content = "今天天气真好, let's go out and play"

/** What is sent where no client encodes it. */
export const textBody = () => JSON.stringify({ appid, content })
export const textPath = `/api/json/security/MsgSecCheck?access_token=${"T".repeat(64)}`

/** A PNG of 600 × 600 pixels and nearly 1 MB, whose pixels nobody looks at. */
export const image = (() => {
  const bytes = new Uint8Array(1024 * 1024 - 1024)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])
  new DataView(bytes.buffer).setUint32(16, 600)
  new DataView(bytes.buffer).setUint32(20, 600)
  bytes.set([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82], bytes.length - 12)
  return bytes
})()
