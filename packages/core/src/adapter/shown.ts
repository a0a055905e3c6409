/**
 * Safe names for foreign errors. Errors of clients and databases contain addresses, commands and values, and so
 * secrets. An adapter must show only the result of {@link shown}, never other parts of such an error.
 */
export {
  connections,
  denoKv,
  functions,
  isNamed,
  matches,
  placesOf,
  redis,
  shown,
  type Source,
  sqlite,
  systemCalls,
  uniCloudDatabase
} from "../internal/shown.ts"
