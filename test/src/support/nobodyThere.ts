/**
 * An address that refuses connections. A port that was free a moment ago may be another test's by now; this one is
 * never chosen by the system, and `fetch` allows it.
 */
export const nobodyThere = "http://127.0.0.1:2"
