/** What the wire alone costs: one POST of JSON, and its answer parsed. */
import { request as httpRequest, Agent } from "node:http"
import { json } from "node:stream/consumers"
import { Agent as UndiciAgent, request } from "undici"
import urllib from "urllib"
import { image, promises, type Start, textBody, textPath } from "../subject.ts"

const headers = { "content-type": "application/json" }

export const undici: Start = async (url) => {
  const dispatcher = new UndiciAgent({ connections: 65, pipelining: 1 })
  const post = async (path: string, body: string | Uint8Array) => {
    const answer = await request(`${url}${path}`, { method: "POST", headers, body, dispatcher })
    return answer.body.json()
  }
  return { text: promises(() => post(textPath, textBody())), image: promises(() => post(textPath, image)) }
}

export const fetched: Start = async (url) => {
  const post = async (body: string | Uint8Array<ArrayBuffer>) =>
    (await fetch(`${url}${textPath}`, { method: "POST", headers, body })).json()
  return { text: promises(() => post(textBody())), image: promises(() => post(image)) }
}

export const nodeHttp: Start = async (url) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 65 })
  const post = (body: string | Uint8Array) =>
    new Promise((resolve, reject) => {
      const length = Buffer.byteLength(body)
      httpRequest(
        `${url}${textPath}`,
        { method: "POST", headers: { ...headers, "content-length": length }, agent },
        (answer) => resolve(json(answer))
      )
        .on("error", reject)
        .end(body)
    })
  return { text: promises(() => post(textBody())), image: promises(() => post(image)) }
}

/** urllib 2, which uniCloud's functions have. */
export const urllib2: Start = async (url) => {
  const post = (content: string | Uint8Array) =>
    urllib.request(`${url}${textPath}`, { method: "POST", headers, content: content as any, dataType: "json" })
  return { text: promises(() => post(textBody())), image: promises(() => post(Buffer.from(image.buffer))) }
}
