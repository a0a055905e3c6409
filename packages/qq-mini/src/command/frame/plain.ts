/** Texts that come from outside, made harmless for a terminal. */

/** A text on one line without control characters: a file name could move the cursor. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd")
