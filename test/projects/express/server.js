const { createQQMini } = require("qq-mini")
const { makeApp } = require("./app.js")

const qq = createQQMini() // with QQ_APPID and QQ_APPSECRET
const { HOST = "127.0.0.1", PORT = 3000 } = process.env
const server = makeApp(qq).listen(PORT, HOST, () => console.log(`http://${HOST}:${server.address().port}`))

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    // First the requests that are here are answered, then the client is closed. Then nothing keeps the process.
    server.close(() => qq.close())
  })
}
