import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus, Logger } from "@nestjs/common"
import { QQError, type Reason } from "qq-mini"
import type { Response } from "express"

/** The reasons that the caller of this app can do something about. All others are for the log. */
const statuses: Partial<Record<Reason["_tag"], HttpStatus>> = {
  InvalidInput: HttpStatus.BAD_REQUEST,
  InvalidCode: HttpStatus.UNAUTHORIZED,
  NotSubscribed: HttpStatus.CONFLICT,
  UserRefused: HttpStatus.CONFLICT
}

/** Answers a request whose call of QQ failed. */
@Catch(QQError)
export class QQErrorFilter implements ExceptionFilter<QQError> {
  readonly #logger = new Logger("QQ")

  catch(error: QQError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>()
    const { _tag: problem } = error.reason
    const status = statuses[problem] ?? (error.isRetryable ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.BAD_GATEWAY)
    if (status >= 500) this.#logger.error(error.message)
    if (error.retryAfter !== undefined) response.set("Retry-After", String(Math.ceil(error.retryAfter / 1000)))
    response.status(status).json({ problem })
  }
}
