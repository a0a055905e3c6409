import { NestFactory } from "@nestjs/core"
import { AppModule } from "./app.module.js"

const app = await NestFactory.create(AppModule)
// without it, SIGTERM ends the process at once, and no hook is called
app.enableShutdownHooks()
await app.listen(process.env["PORT"] ?? 3000, process.env["HOST"] ?? "127.0.0.1")
console.log(await app.getUrl())
