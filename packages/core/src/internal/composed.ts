/** Helpers for endpoints that compose their requests. */

/** A body of JSON with its header. */
export const jsonContent = (body: object) => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})
