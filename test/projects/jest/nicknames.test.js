const { defaultTemplate, riskySamples, startSandbox } = require("qq-mini/testing")

let sandbox
let app
beforeAll(async () => {
  sandbox = await startSandbox()
  // The app makes its client when it is loaded.
  Object.assign(process.env, sandbox.env)
  app = require("./nicknames.js")
})
beforeEach(() => sandbox.reset())
afterAll(async () => {
  await app.close()
  await sandbox.close()
})

test("a player is known by the code of qq.login", async () => {
  const { code, openid } = await sandbox.login()
  expect(await app.logIn(code)).toBe(openid)
})

test("a nickname is given if QQ passes it, and refused if it is risky", async () => {
  const { openid } = await sandbox.login()
  expect(await app.rename(openid, "小明")).toBe("renamed")
  expect(await app.rename(openid, riskySamples[0])).toBe("refused")
  expect(app.nicknames.get(openid)).toBe("小明")
})

test("no nickname is given while QQ can't check it", async () => {
  const { openid } = await sandbox.login()
  await sandbox.fault({ kind: "html502", share: 1 })
  expect(await app.rename(openid, "小明")).toBe("try again later")
  expect(app.nicknames.has(openid)).toBe(false)
  await sandbox.heal()
  expect(await app.rename(openid, "小明")).toBe("renamed")
})

test("a player who subscribed is called up, once", async () => {
  const { openid } = await sandbox.login()
  await sandbox.subscribe({ openid })
  expect(await app.callUp(openid, defaultTemplate)).toBe(true)
  expect(await app.callUp(openid, defaultTemplate)).toBe(false)
  const codes = (await sandbox.requests("subscribeMessage.send")).map(({ code }) => code)
  expect(codes).toEqual([0, 46001])
})
