/** Ledgers of broadcasts, in a file of SQLite. */
import type { QQError } from "@qq-mini/core/QQError"
import type { SendLedger } from "@qq-mini/core/SendLedger"
import * as SqliteSendLedger from "@qq-mini/node/SqliteSendLedger"
import type * as Layer from "effect/Layer"

/** The ledger at an address. */
export const ledgerAt = (address: string): Layer.Layer<SendLedger, QQError> => SqliteSendLedger.layer({ path: address })
