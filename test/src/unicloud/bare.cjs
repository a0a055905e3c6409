/** A process that has no more than one of Node 16. */
"use strict"

const later = [
  "fetch",
  "Headers",
  "Request",
  "Response",
  "FormData",
  "Blob",
  "File",
  "ReadableStream",
  "structuredClone",
  "crypto",
  "WebSocket"
]

/** Takes away what Node 16 does not have, so that nobody uses it on a newer one. */
const makeBare = () => {
  for (const name of later) delete globalThis[name]
}

module.exports = { makeBare }
