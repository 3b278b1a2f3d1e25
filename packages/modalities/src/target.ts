/** One structure or lesion that a modality can show. */
export interface Target {
  /** Name in files and records, for example `optic-disc`. */
  readonly id: string;
  /** Short code of the literature, for example `OD`. */
  readonly code: string;
  /** Canonical phrase, for example `optic disc`. */
  readonly name: string;
  /** At least six ways to say it, the name first; training draws among them. */
  readonly phrases: readonly string[];
  /** Further words that users and datasets use; understood, never drawn. */
  readonly synonyms: readonly string[];
  /** Where its box comes from when nobody gives one. */
  readonly boxSource: "detector" | "whole field";
  /** Part of the healthy eye, or sign of disease. */
  readonly kind: "organ" | "lesion";
  /** Colour of overlays, red, green and blue in 0..255. */
  readonly colour: readonly [red: number, green: number, blue: number];
}
