/**
 * Encodes a text for a URL or a form. Half of a surrogate pair, as cutting a text in two leaves it, becomes U+FFFD, as in
 * UTF-8; `encodeURIComponent` alone throws.
 */
export const escape = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"))
