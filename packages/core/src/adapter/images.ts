/**
 * The type and size of an image by its bytes, for adapters that take images in other forms than the calls do.
 */
export { type ImageInfo, inspect } from "../call/image.ts"
