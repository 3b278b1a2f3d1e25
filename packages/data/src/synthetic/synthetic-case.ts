import type {Image, Mask} from "@claps/image";

/** A made-up case with its exact truth. */
export interface SyntheticCase {
  /** uint8 [H, W, C]. */
  readonly image: Image;
  /** One mask per target id; a target that the picture lacks has an empty mask. */
  readonly masks: ReadonlyMap<string, Mask>;
}
