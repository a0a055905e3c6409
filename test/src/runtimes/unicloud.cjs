/** The program of `tour.ts` on the uniCloud file, on whatever Node runs this; prints the steps. */
"use strict"

const http = require("node:http")
const { makeUniCloud } = require("../unicloud/unicloud.cjs")

const { apps, controlUrl, file, ways, program } = JSON.parse(process.argv[2])
const { createQQMini } = require(file)

const ask = (what, options = {}) =>
  new Promise((resolve, reject) => {
    const request = http.request(`${controlUrl}/${what}`, { method: "POST" }, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += chunk))
      response.on("end", () => resolve(JSON.parse(text)))
    })
    request.on("error", reject)
    request.end(JSON.stringify(options))
  })

const uniCloud = makeUniCloud()
const [{ appid, appsecret }] = apps
const { settings, tour } = require(program)
const connect = (baseUrl) => createQQMini({ uniCloud, appid, appsecret, apps, store: "memory", baseUrl, ...settings })

tour({ ask, connect, ways }).then((steps) => console.log(JSON.stringify(steps)))
