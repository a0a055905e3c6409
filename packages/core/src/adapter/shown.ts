/**
 * What of a foreign error may be shown. Errors of clients and databases hold addresses, commands and values, and so
 * secrets: an adapter shows what {@link shown} gives of them, and reads nothing else.
 */
export {
  connections,
  denoKv,
  functions,
  isNamed,
  redis,
  says,
  shown,
  type Source,
  sqlite,
  systemCalls,
  uniCloudDatabase
} from "../internal/shown.ts"
