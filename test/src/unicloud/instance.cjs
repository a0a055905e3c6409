/**
 * One instance of a cloud function: the delivered file on whatever Node runs this, making calls as it is told, a line of
 * JSON each on the standard input. It stops for good before the operation of the database with the number it was given.
 */
"use strict"

const { createInterface } = require("node:readline")
const { makeUniCloud } = require("./unicloud.cjs")

const { apps, baseUrl, database, file, stopAt, store } = JSON.parse(process.argv[2])
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

let operations = 0
const counted = (run) => () => {
  if (++operations !== stopAt) return run()
  say({ stopped: stopAt })
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

const uniCloud = makeUniCloud({ database })
const db = uniCloud.database()
const { createQQMini } = require(file)
const qq = createQQMini({
  uniCloud: { ...uniCloud, database: () => countedDatabase(db) },
  apps,
  baseUrl,
  store,
  // many processes on few cores take their time
  deadline: 30_000,
  attemptTimeout: 10_000
})

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

const commands = { checks, token: ({ appid }) => qq.auth.getAccessToken({ appid }) }

say({ ready: true })
createInterface({ input: process.stdin }).on("line", (line) => {
  const { do: command, id, ...options } = JSON.parse(line)
  commands[command](options).then(
    (result) => say({ id, result }),
    (error) => say({ id, error: String(error) })
  )
})
