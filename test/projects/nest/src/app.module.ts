import { Module } from "@nestjs/common"
import { APP_FILTER } from "@nestjs/core"
import { CommentsController } from "./comments.controller.js"
import { QQErrorFilter } from "./qq-error.filter.js"
import { QQModule } from "./qq.module.js"

@Module({
  imports: [QQModule],
  controllers: [CommentsController],
  providers: [{ provide: APP_FILTER, useClass: QQErrorFilter }]
})
export class AppModule {}
