import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Transport from "@qq-mini/core/Transport"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Http from "./Http.ts"
import * as Moderation from "./Moderation.ts"

const http = Transport.layerHttpClient.pipe(Layer.provide(Http.layer))

// With QQ_APPID and QQ_APPSECRET. Every other part of the client may be given in the same way.
const live = Moderation.layer.pipe(Layer.provide(NodeQQMini.layerConfigWith({ transport: http })))

Moderation.Moderation.use(({ passed }) => passed(process.argv.slice(2))).pipe(
  Effect.flatMap((texts) => Console.log(JSON.stringify(texts))),
  Effect.provide(live),
  NodeRuntime.runMain
)
