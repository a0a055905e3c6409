/**
 * Runs a cloud function or cloud object of a project that is laid out as uniCloud does it, one request for each line on
 * the standard input; QQ is where it is told.
 */
"use strict"

const { makeBare } = require("./bare.cjs")
const { existsSync } = require("fs")
const { join } = require("path")
const { createInterface } = require("readline")
const { makeUniCloud } = require("./unicloud.cjs")

makeBare()
const { baseUrl, database, folder, nobody } = JSON.parse(process.argv[2])
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const uniCloud = makeUniCloud({ database })
const uploaded = []
const deleted = []
globalThis.uniCloud = {
  ...uniCloud,
  httpclient: {
    request: (url, options) => uniCloud.httpclient.request(url.replace("https://api.q.qq.com", baseUrl), options)
  },
  uploadFile: async ({ fileContent }) => {
    uploaded.push(fileContent.toString("base64"))
    return { fileID: `cloud://${uploaded.length}` }
  },
  downloadFile: async ({ fileID }) => ({ fileContent: Buffer.from(fileID.slice("cloud://".length), "base64") }),
  deleteFile: async ({ fileList }) => deleted.push(...fileList),
  // a timer has no client
  ...(nobody ? { getClientInfos: () => [] } : undefined)
}

let logged = []
console.error = (...values) => logged.push(values.join(" "))
console.log = console.error

const object = existsSync(join(folder, "index.obj.js"))
const loaded = require(join(folder, object ? "index.obj.js" : "index.js"))

/** A method with what comes before and after it. */
const invoke = async ({ method, params, platform, source = "client" }) => {
  const self = Object.assign(Object.create(loaded), {
    getClientInfo: () => ({ source, appId: "__UNI__TEST", uniPlatform: platform }),
    getUniCloudRequestId: () => "a request",
    getMethodName: () => method,
    getParams: () => params
  })
  let error
  let result
  try {
    if (loaded._before) await self._before()
    result = await self[method](...params)
  } catch (thrown) {
    error = thrown
  }
  if (loaded._after) return self._after(error, result)
  if (error) throw error
  return result
}

say({ ready: true })
createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, ...request } = JSON.parse(line)
  logged = []
  const answer = await (object ? invoke(request) : loaded.main(request, {})).then(
    (result) => ({ result: result === undefined ? null : result }),
    (error) => ({ result: { thrown: String(error) } })
  )
  say({ id, result: { ...answer, logged, uploaded, deleted } })
})
