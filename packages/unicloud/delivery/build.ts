/**
 * Makes what a uniCloud project takes: one CommonJS file with its types, in the two layouts, below `dist/unicloud`.
 *
 * - `cloudfunctions/common/qq-mini`: to copy into `uniCloud/cloudfunctions/common`.
 * - `uni_modules/qq-mini`: to copy into `uni_modules`, or to upload to the plugin market.
 */
import { build } from "esbuild"
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const home = join(here, "..")

/** Where the two layouts are. */
export const delivered = join(home, "dist/unicloud")

/** The name of the module, as functions require it. */
const name = "qq-mini"

/** Makes both layouts anew; gives the folder of the common module. */
export const deliver = async (to: string = delivered): Promise<string> => {
  const {
    description,
    license,
    repository = "",
    version
  } = JSON.parse(await readFile(join(home, "package.json"), "utf8"))
  const common = join(to, "cloudfunctions/common", name)
  const plugin = join(to, "uni_modules", name)
  const inPlugin = join(plugin, "uniCloud/cloudfunctions/common", name)
  await rm(to, { recursive: true, force: true })
  await mkdir(common, { recursive: true })
  await mkdir(plugin, { recursive: true })

  await build({
    entryPoints: [join(home, "src/index.ts")],
    outfile: join(common, "index.js"),
    bundle: true,
    platform: "node",
    format: "cjs",
    // The oldest that vk runs on. The lowered syntax costs 9 KB and no time; it loads as fast on newer ones.
    target: "node12.22",
    inject: [join(here, "oldNode.ts")],
    minify: true,
    // As escapes Chinese texts take twice the room.
    charset: "utf8",
    legalComments: "none",
    banner: { js: `/*! ${name} ${version} | ${license} | LICENSE */` }
  })
  await cp(join(here, "index.d.ts"), join(common, "index.d.ts"))
  const effect = dirname(createRequire(join(home, "src/index.ts")).resolve("effect/package.json"))
  const licences = [
    await readFile(join(home, "../../LICENSE"), "utf8"),
    `index.js contains parts of effect:\n\n${await readFile(join(effect, "LICENSE"), "utf8")}`
  ]
  await writeFile(join(common, "LICENSE"), licences.join("\n---\n\n"))
  await cp(join(home, "README.md"), join(common, "README.md"))
  const manifest = { name, version, description, license, repository, main: "index.js", types: "index.d.ts" }
  await writeFile(join(common, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`)

  await cp(common, inPlugin, { recursive: true })
  for (const file of ["tokens.schema", "broadcasts.schema", "broadcasts.index"]) {
    await cp(join(here, `qq-mini-${file}.json`), join(plugin, `uniCloud/database/qq-mini-${file}.json`))
  }
  await cp(join(home, "README.md"), join(plugin, "readme.md"))
  // The plugin market shows the newest section, and wants nothing above it.
  const changelog = await readFile(join(home, "../../CHANGELOG.zh-CN.md"), "utf8")
  await writeFile(join(plugin, "changelog.md"), changelog.slice(changelog.indexOf("\n## ") + 1))
  const ofPlugin = pluginManifest({ version, license, repository })
  await writeFile(join(plugin, "package.json"), `${JSON.stringify(ofPlugin, null, 2)}\n`)
  return common
}

/**
 * The manifest of the plugin, with the fields that the plugin market asks for. It asks the publisher for those that are
 * empty (the repository, and a QQ number for its reviewers), and writes them back.
 */
const pluginManifest = (ours: {
  readonly version: string
  readonly license: string
  readonly repository: unknown
}) => ({
  id: name,
  name,
  displayName: "QQ 小程序服务端接口（vk.openapi.qq 可直接替换）",
  ...ours,
  description: "access_token、登录、小程序码、内容安全、订阅消息：多实例共用一个 token，检测失败不放行",
  keywords: ["QQ小程序", "access_token", "内容安全", "订阅消息", "vk-unicloud"],
  engines: { HBuilderX: "^3.8.10" },
  dcloudext: {
    type: "unicloud-template-function",
    sale: { regular: { price: "0.00" }, sourcecode: { price: "0.00" } },
    contact: { qq: "" },
    declaration: { ads: "无", data: "插件不采集任何数据", permissions: "无" },
    npmurl: ""
  },
  uni_modules: {
    dependencies: ["uni-config-center"],
    encrypt: [],
    platforms: { cloud: { tcb: "y", aliyun: "y", alipay: "y" }, client: {} }
  }
})

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await deliver())
