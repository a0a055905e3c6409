/** As many schedules of the clients as one likes: `node test/src/simulation/run.ts --schedules 1000000 --from 1`. */
import { command } from "./command.ts"
import { simulation } from "./simulation.ts"

command(simulation)
