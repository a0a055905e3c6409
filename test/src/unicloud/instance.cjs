/**
 * One instance of a cloud function: the delivered file on whatever Node runs this, doing what it is told as `holder.ts`
 * does. It stops for good before the operation of the database with the number it was given.
 */
"use strict"

const { createInterface } = require("readline")
const { makeUniCloud } = require("./unicloud.cjs")

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

let operations = 0
let stopBefore
const counted = (run) => () => {
  if (++operations !== stopBefore) return run()
  say({ stopped: stopBefore })
  return new Promise(() => {})
}

/** The database, with every operation counted. */
const countedDatabase = (db) => ({
  collection: (name) => {
    const collection = db.collection(name)
    return {
      add: (document) => counted(() => collection.add(document))(),
      doc: (id) => ({ get: counted(() => collection.doc(id).get()) }),
      where: (equal) => ({
        updateAndReturn: (change) => counted(() => collection.where(equal).updateAndReturn(change))(),
        remove: counted(() => collection.where(equal).remove())
      })
    }
  }
})

let qq
const begin = async ({ config: { apps, baseUrl, database, file, stopAt, store } }) => {
  operations = 0
  stopBefore = stopAt
  const uniCloud = makeUniCloud({ database })
  const db = uniCloud.database()
  qq = require(file).createQQMini({
    uniCloud: { ...uniCloud, database: () => countedDatabase(db) },
    apps,
    baseUrl,
    store,
    // many processes on few cores take their time
    deadline: 180_000,
    attemptTimeout: 60_000
  })
}

const checks = async ({ appid, times }) => {
  const tally = {}
  await Promise.all(
    Array.from({ length: times }, async () => {
      const outcome = await qq.security.msgSecCheck({ content: "x", appid }).then(
        () => "ok",
        (error) => (error.reason ? error.reason._tag : String(error))
      )
      tally[outcome] = (tally[outcome] || 0) + 1
    })
  )
  return tally
}

const commands = { begin, checks, token: ({ appid }) => qq.auth.getAccessToken({ appid }), end: async () => {} }

say({ ready: true })
createInterface({ input: process.stdin }).on("line", (line) => {
  const { do: command, id, ...options } = JSON.parse(line)
  commands[command](options).then(
    (result) => say({ id, result }),
    (error) => say({ id, error: String(error) })
  )
})
