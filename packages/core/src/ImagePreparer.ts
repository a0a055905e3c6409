/**
 * Turns a picture as people have it, such as a photo from a phone, into pictures that QQ's check takes.
 */
import * as Context from "effect/Context"

/** What QQ takes: a PNG, JPEG or GIF of at most this size. */
export interface ImageLimits {
  /** The largest size of the file in bytes. */
  readonly maxBytes: number
  /** The largest width in pixels. */
  readonly maxWidth: number
  /** The largest height in pixels. */
  readonly maxHeight: number
}

/** A rectangle of a picture, in pixels from its upper left corner. */
export interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Where a prepared picture was in the original. Only for the user: the checks are the same for all. */
export interface PartOrigin {
  /** The number of the frame of an animation, from 0. */
  readonly frame?: number
  /** The part of the original, turned upright, if it was cut into several. */
  readonly area?: Area
}

/** A prepared picture. */
export interface PreparedImage extends PartOrigin {
  /** A PNG, JPEG or GIF within the limits. */
  readonly bytes: Uint8Array
}

/**
 * A function that prepares a picture. It returns one picture or several, which are all checked, or a promise of them.
 * To say what is wrong with the picture, it throws the reason `InvalidInput` of `@qq-mini/core/QQError` for the field
 * `media`. For the field `prepare`, it says that it can prepare no picture, because it lacks something. The signal is
 * aborted when nobody waits for the result any more.
 */
export type ImagePreparer = (
  picture: Uint8Array,
  limits: ImageLimits,
  signal: AbortSignal
) => Prepared | PromiseLike<Prepared>

/** What an {@link ImagePreparer} returns. */
export type Prepared = Uint8Array | PreparedImage | ReadonlyArray<Uint8Array | PreparedImage>

/** The preparer of clients that are made with it. By default there is none. */
export const ImagePreparer = Context.Reference<ImagePreparer | undefined>("@qq-mini/core/ImagePreparer", {
  defaultValue: () => undefined
})
