/** Tells whether a source is still the same. */

/** Continues a digest with a text: FNV-1a of 32 bits. It finds changes, not attacks. */
export const digestOf = (digest: number, text: string): number => {
  let hash = digest
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash
}
