/** Once before all tests. */
import { install } from "./redis.ts"

export default install
