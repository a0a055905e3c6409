/** What the page knows, and how it learns it: the server's events, and the answers to what a person does. */

/** @typedef {import("../src/Sandbox.ts").State} State */
/** @typedef {import("../src/Sandbox.ts").Exchange} Exchange */
/** @typedef {{ readonly name: string, readonly required: boolean, readonly kind: string }} Field */
/** @typedef {{ readonly name: string, readonly fields: ReadonlyArray<Field> }} Call */
/** @typedef {{ readonly en: string, readonly zh: string }} Both */

// As many as the server keeps for readers that come later.
const keptRequests = 200

const storedLanguage = localStorage.getItem("language")

export const model = {
  /** @type {"en" | "zh"} */
  language: (storedLanguage ?? navigator.language).startsWith("zh") ? "zh" : "en",
  /** @type {"connecting" | "live" | "offline"} */
  connection: "connecting",
  /** The server's clock minus that of the browser (ms). */
  clockOffset: 0,
  run: "",
  /** @type {State | undefined} */
  state: undefined,
  /** The last requests, newest first. @type {ReadonlyArray<Exchange>} */
  requests: [],
  /** @type {ReadonlyArray<Call>} */
  calls: [],
  /** @type {ReadonlyArray<string>} */
  faults: [],
  /** What came of the last action. @type {{ readonly text: Both, readonly isError: boolean } | undefined} */
  notice: undefined
}

/** @type {() => void} */
let render = () => {}
let isDue = false

/** Renders the page before its next frame. */
export const update = () => {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    render()
  })
}

/** One of two texts, by the language. @param {string} en @param {string} zh */
export const say = (en, zh) => (model.language === "zh" ? zh : en)

/** @param {"en" | "zh"} language */
export const speak = (language) => {
  localStorage.setItem("language", language)
  model.language = language
  update()
}

/** Shows and announces what came of an action. @param {string} en @param {string} zh */
export const tell = (en, zh, isError = false) => {
  model.notice = { text: { en, zh }, isError }
  update()
}

/** The time of the platform (ms). */
export const now = () => Date.now() + model.clockOffset

/**
 * Posts to the server. Resolves with `undefined` if that failed, after telling why.
 * @param {string} path @param {unknown} body @returns {Promise<any>}
 */
export const post = async (path, body) => {
  try {
    const response = await fetch(`/sandbox/${path}`, { method: "POST", body: JSON.stringify(body) })
    return await response.json()
  } catch {
    return { error: { en: "The sandbox can't be reached.", zh: "无法连接沙箱。" } }
  }
}

/**
 * Calls a method of the platform. Resolves with `undefined` if it failed, after telling why.
 * @param {string} method @param {unknown} [argument] @returns {Promise<any>}
 */
export const act = async (method, argument) => {
  const { error, result } = await post(`do/${method}`, argument === undefined ? [] : [argument])
  if (error === undefined) return result
  tell(error.en, error.zh, true)
  return undefined
}

/** @param {string} data */
const onState = (data) => {
  const { now, run, ...state } = JSON.parse(data)
  // Another run of the server knows nothing of the requests so far.
  if (run !== model.run) model.requests = []
  Object.assign(model, { run, state, clockOffset: now - Date.now(), connection: "live" })
  update()
}

const connect = () => {
  const source = new EventSource("/sandbox/events")
  source.addEventListener("state", ({ data }) => onState(data))
  source.addEventListener("request", ({ data }) => {
    model.requests = [JSON.parse(data), ...model.requests].slice(0, keptRequests)
    update()
  })
  source.addEventListener("forget", () => {
    model.requests = []
    update()
  })
  source.addEventListener("error", () => {
    model.connection = "offline"
    update()
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2_000)
  })
}

/** Starts to learn, and renders whenever something changed. @param {() => void} page */
export const start = async (page) => {
  render = page
  render()
  connect()
  // Lifetimes count down.
  setInterval(update, 1_000)
  const response = await fetch("/sandbox/about.json")
  Object.assign(model, await response.json())
  update()
}
