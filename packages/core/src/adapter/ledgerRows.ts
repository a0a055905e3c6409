/** The rules by which rows of a broadcast move, for stores that read rows, change them in memory and write them. */
export { claimRow, type MemoryRow } from "../ledger/memory.ts"
