/** The client for runtimes with `fetch`: Workers, Deno, Bun and the edge functions of Vercel and Next. */
export * from "@qq-mini/edge"
