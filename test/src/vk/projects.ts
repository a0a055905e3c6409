/** The configurations of projects: `uni-id` and `vk-unicloud`, as they are and as they should not be. */

/** The setting `vk.crypto.aes`. */
export const aes = "AES-KEY"

/** A configuration of a project. */
export interface Config {
  readonly title: string
  readonly uniId: unknown
  readonly vkUnicloud: unknown
  readonly dcloudAppid?: string
  /** Whether the facade gets it from `init(util)` instead of its options. */
  readonly init?: boolean
}

const own = { appid: "A1", appsecret: "SECRET-1" }
const uniIdOf = (qq: unknown) => ({ "mp-qq": { oauth: { qq } } })
const vkOf = (list: unknown, crypto: unknown = { aes }) => ({ vk: { crypto, oauth: { qq: { list } } } })
const second = { appid: "A2", appsecret: "S2" }

export const usualConfig: Config = { title: "usual", uniId: uniIdOf(own), vkUnicloud: vkOf([second]) }

export const configs: ReadonlyArray<Config> = [
  usualConfig,
  { ...usualConfig, title: "by init", init: true },
  { title: "no key", uniId: uniIdOf(own), vkUnicloud: vkOf([second], {}) },
  { title: "no vk-unicloud", uniId: uniIdOf(own), vkUnicloud: undefined },
  { title: "no list", uniId: uniIdOf(own), vkUnicloud: { vk: { crypto: { aes } } } },
  { title: "an empty list", uniId: uniIdOf(own), vkUnicloud: vkOf([]) },
  { title: "an empty program, and a list", uniId: uniIdOf({}), vkUnicloud: vkOf([second]) },
  { title: "empty texts, and a list", uniId: uniIdOf({ appid: "", appsecret: "" }), vkUnicloud: vkOf([second]) },
  { title: "no mp-qq, and a list", uniId: {}, vkUnicloud: vkOf([second]) },
  { title: "no mp-qq, and a list, by init", uniId: {}, vkUnicloud: vkOf([second]), init: true },
  { title: "no uni-id, and a list", uniId: undefined, vkUnicloud: vkOf([second]) },
  { title: "nothing", uniId: {}, vkUnicloud: { vk: {} } },
  { title: "an empty secret", uniId: uniIdOf({ appid: "A1", appsecret: "" }), vkUnicloud: vkOf([second]) },
  {
    title: "an entry with an empty secret",
    uniId: uniIdOf(own),
    vkUnicloud: vkOf([{ appid: "A4", appsecret: "" }, second])
  },
  {
    title: "an entry with a numeric appid",
    uniId: uniIdOf(own),
    vkUnicloud: vkOf([{ appid: 1112, appsecret: "S4" }, second])
  },
  { title: "an entry null", uniId: uniIdOf(own), vkUnicloud: vkOf([{}, second]) },
  { title: "an entry without an appid", uniId: uniIdOf(own), vkUnicloud: vkOf([{ appsecret: "S4" }, second]) },
  {
    title: "the first program in the list, too",
    uniId: uniIdOf(own),
    vkUnicloud: vkOf([{ ...own, appsecret: "OTHER" }, second])
  },
  {
    title: "several apps, the current one",
    uniId: [
      { dcloudAppid: "OTHER", ...uniIdOf({ appid: "A8", appsecret: "S8" }) },
      { dcloudAppid: "APP", ...uniIdOf(own) }
    ],
    vkUnicloud: vkOf([second]),
    dcloudAppid: "APP"
  },
  {
    title: "several apps, the default one",
    uniId: [
      { dcloudAppid: "OTHER", ...uniIdOf({ appid: "A8", appsecret: "S8" }) },
      { dcloudAppid: "APP", isDefaultConfig: true, ...uniIdOf(own) }
    ],
    vkUnicloud: vkOf([second]),
    dcloudAppid: "THIRD"
  },
  {
    title: "several apps, by a timer",
    uniId: [
      { dcloudAppid: "OTHER", ...uniIdOf({ appid: "A8", appsecret: "S8" }) },
      { dcloudAppid: "APP", isDefaultConfig: true, ...uniIdOf(own) }
    ],
    vkUnicloud: vkOf([second])
  }
]
