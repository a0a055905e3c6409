/** Takes away what Node 16 does not have, so that nobody uses it on a newer one. */
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
for (const name of later) delete globalThis[name]
