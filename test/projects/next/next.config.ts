import type { NextConfig } from "next"

// The client is loaded as it is installed, and not bundled into each route.
export default { serverExternalPackages: ["qq-mini"] } satisfies NextConfig
