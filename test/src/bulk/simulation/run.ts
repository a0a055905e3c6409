/** As many schedules of broadcasts as one likes: `node test/src/bulk/simulation/run.ts --schedules 10000 --from 1`. */
import { command } from "../../simulation/command.ts"
import { simulation } from "./simulation.ts"

command(simulation)
