/**
 * The delivered file, required as cloud functions require it, in a process that has `uniCloud` and nothing else: says what
 * requiring it touched, makes all calls, and says which timers are left of them.
 */
"use strict"

const { makeBare } = require("./bare.cjs")
const { makeUniCloud } = require("./unicloud.cjs")

makeBare()
const { app, baseUrl, calls, database, file } = JSON.parse(process.argv[2])

let touched = 0
let uniCloud
Object.defineProperty(globalThis, "uniCloud", {
  get: () => {
    touched++
    return uniCloud
  }
})

const plain = (value) => (value === undefined ? null : value)
// Node 12 and 14 can't tell.
const { getActiveResourcesInfo = () => [] } = process
const timers = () => getActiveResourcesInfo().filter((name) => name === "Timeout").length

const main = async () => {
  const delivered = require(file)
  const qq = delivered.createQQMini({ ...app, baseUrl })
  const vk = delivered.createVkOpenapiQQ({ ...app, baseUrl })
  const before = touched
  const results = {}
  // outside a cloud function
  results.nowhere = await qq.security.msgSecCheck({ content: "x" }).catch(({ help }) => help.zh)
  uniCloud = makeUniCloud({ database })
  let left = 0
  for (const { group, input, name } of calls) {
    const value = await qq[group][name](input)
    left += timers()
    results[`${group}.${name}`] = plain(value)
  }
  results.vk = await vk.security.msgSecCheck({ content: "x" })
  left += timers()
  const names = Object.keys(delivered).sort()
  console.log(JSON.stringify({ names, before, after: touched, results, left }))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
