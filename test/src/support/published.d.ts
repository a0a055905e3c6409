/** A file of tests that is run on what `qq-mini` publishes. */
declare module "*?published" {}
