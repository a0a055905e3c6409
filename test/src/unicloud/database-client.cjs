/** The client of `database.ts`, as `uniCloud.database()` gives it. Cloud functions run it too: CommonJS, for Node 12. */
"use strict"

const { Agent, request } = require("http")

const isoDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** aliyun gives back dates where strings were stored. */
const revive = (_key, value) =>
  typeof value === "string" && isoDate.test(value) && !Number.isNaN(Date.parse(value)) ? new Date(value) : value

const databaseError = ({ message, errCode }) =>
  Object.assign(new Error(message), { errCode, code: errCode, errMsg: message })

const named = (name) => (value) => ({ $command: name, value })
const command = { in: named("in"), gt: named("gt"), lte: named("lte"), aggregate: { sum: named("sum") } }

/** `server` is the address of a `DatabaseServer`, or the `Documents` of this process. */
const connect = (server) => {
  // it unrefs the sockets that wait for the next request, so only an operation under way keeps a process alive
  const agent = new Agent({ keepAlive: true })

  const post = (body) =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) }
      const outgoing = request(server, { method: "POST", agent, headers }, (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (part) => (text += part))
        response.on("error", reject)
        response.on("end", () => resolve(text))
      })
      outgoing.on("error", reject)
      outgoing.end(body)
    })

  const ask = async (command) => {
    for (const [field, value] of Object.entries(command.where || {})) {
      // JSON would leave it out, and the rest would match more than was meant
      if (value === undefined) {
        throw databaseError({ message: `the condition ${field} is undefined`, errCode: "INVALID_PARAM" })
      }
    }
    const body = JSON.stringify(command)
    const answer = typeof server === "string" ? await post(body) : JSON.stringify(server.answer(JSON.parse(body)))
    const { error, result } = JSON.parse(answer, revive)
    if (error !== undefined) throw databaseError(error)
    return result
  }

  const collection = (name) => {
    const matching = (where, options = {}) => ({
      get: () => ask({ operation: "get", collection: name, where, ...options }),
      limit: (limit) => matching(where, { ...options, limit }),
      orderBy: (...orderBy) => matching(where, { ...options, orderBy }),
      field: (field) => matching(where, { ...options, field }),
      update: (data) => ask({ operation: "update", collection: name, where, data }),
      remove: () => ask({ operation: "remove", collection: name, where })
    })
    return {
      add: (data) => ask({ operation: "add", collection: name, data }),
      doc: (id) => ({
        ...matching({ _id: id }),
        set: (data) => ask({ operation: "set", collection: name, where: { _id: id }, data })
      }),
      where: (where) => ({
        ...matching(where),
        updateAndReturn: (data) => ask({ operation: "updateAndReturn", collection: name, where, data })
      }),
      aggregate: () => ({
        match: (where) => ({
          group: (data) => ({
            limit: (limit) => ({ end: () => ask({ operation: "aggregate", collection: name, where, data, limit }) })
          })
        })
      })
    }
  }

  return { collection, command }
}

module.exports = { connect }
