/** Shows the description of QQ's API. "Try it out" sends to this sandbox. */
const dark = matchMedia("(prefers-color-scheme: dark)")
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches)
dark.addEventListener("change", paint)
paint()

// The file before this one defines it.
const { SwaggerUIBundle } = /** @type {any} */ (globalThis)

SwaggerUIBundle({
  domNode: document.querySelector("#viewer"),
  url: "/sandbox/openapi.json",
  // Its badge would come from another server.
  validatorUrl: null,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1
})
