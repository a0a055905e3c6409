import { Body, Controller, Get, HttpCode, Inject, Post, UnprocessableEntityException } from "@nestjs/common"
import type { PromiseClient } from "qq-mini"
import { QQ } from "./qq.module.js"

interface Comment {
  readonly openid: string
  readonly text: string
}

/** The comments of a mini program. A real one keeps them in a database, and knows the user by a session. */
@Controller()
export class CommentsController {
  readonly #comments: Array<Comment> = []

  constructor(@Inject(QQ) private readonly qq: PromiseClient) {}

  @Post("login")
  @HttpCode(200)
  async logIn(@Body("code") code: string): Promise<{ readonly openid: string }> {
    const { openid } = await this.qq.auth.code2Session({ code })
    return { openid }
  }

  @Post("comments")
  async add(@Body() { openid, text }: Comment): Promise<Comment> {
    const { risky } = await this.qq.security.msgSecCheck({ content: text })
    if (risky) throw new UnprocessableEntityException({ problem: "risky" })
    await this.qq.subscribeMessage.send({
      touser: openid,
      template_id: process.env["QQ_TEMPLATE"]!,
      data: { keyword1: { value: text } }
    })
    this.#comments.push({ openid, text })
    return { openid, text }
  }

  @Get("comments")
  all(): ReadonlyArray<Comment> {
    return this.#comments
  }
}
