/**
 * A photo of 12 megapixels and about 3 MB, with EXIF rotation: prepared and checked, beside `sharp` alone, which turns it,
 * makes it smaller and encodes it. CPU, time, peak memory above the warm process, and the longest pause of the event loop.
 */
import { createQQMini } from "@qq-mini/node"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import sharp from "sharp"

const [url, subject = "", rounds = "20"] = process.argv.slice(2)
const progressive = subject.endsWith("progressive")
const path = join(tmpdir(), `qq-mini-photo-${progressive ? "progressive" : "baseline"}.jpg`)

const makePhoto = async () => {
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const
  // Details and soft areas, as in a photo: enlarged noise.
  const soft = await sharp({ create: { width: 504, height: 378, channels: 3, background: "#000", noise } })
    .png()
    .toBuffer()
  const photo = sharp(soft).resize(4032, 3024, { kernel: "cubic" })
  const jpeg = photo.jpeg({ quality: 95, progressive }).withMetadata({ orientation: 6 })
  writeFileSync(path, await jpeg.toBuffer())
}

if (subject.startsWith("make")) await makePhoto()
else {
  // In another process, because its memory would count.
  if (!existsSync(path)) {
    const args = [process.argv[1]!, url!, progressive ? "make progressive" : "make"]
    const made = spawnSync(process.execPath, args, { stdio: "inherit" })
    if (made.status !== 0) throw new Error(`making the photo ended with ${made.status}`)
  }
  const photo = readFileSync(path)
  await using qq = createQQMini({
    appid: "1112345678",
    appsecret: "secret",
    baseUrl: url,
    store: "memory",
    deadline: 60_000
  })
  const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#fff" } })
    .png()
    .toBuffer()
  const run =
    subject === "sharp alone"
      ? () => sharp(photo).autoOrient().resize(750, 1334, { fit: "inside" }).jpeg({ quality: 90 }).toBuffer()
      : () => qq.security.imgSecCheck({ media: photo, prepare: true })
  await qq.security.imgSecCheck({ media: small, prepare: true })
  const before = process.resourceUsage().maxRSS
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  for (let i = 0; i < Number(rounds); i++) await run()
  const { system, user } = process.cpuUsage(cpu)
  console.log(
    JSON.stringify({
      name: subject,
      size: photo.length,
      cpu: (user + system) / 1_000 / Number(rounds),
      wall: (performance.now() - began) / Number(rounds),
      above: (process.resourceUsage().maxRSS - before) * 1_024,
      pause: delay.max / 1e6
    })
  )
}
