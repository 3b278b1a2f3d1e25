import type {Image} from "@claps/image";

/**
 * Complaint about a mask file that should be black and white, for `check` of a {@link TruthFile}.
 *
 * Near-black and near-white pass: some official files use 3 and 253.
 */
export function checkBlackAndWhite(image: Image): string | undefined {
  const {white, channels} = image;
  const {data} = image.pixels;
  let strays = 0;
  let example = 0;
  for (let at = 0; at < data.length; at++) {
    const value = data[at] as number;
    if (channels === 4 && at % 4 === 3) {
      continue;
    }
    if (value > 0.08 * white && value < 0.92 * white) {
      strays++;
      example = value;
    }
  }
  return strays === 0
    ? undefined
    : `expected black and white alone, got ${strays} samples in between, for example ${example} of ${white}. ` +
        "Was the mask resized or saved as JPEG?";
}

/** Complaint about a mask file that should show one colour on black, whatever the colour. */
export function checkOneColour(image: Image): string | undefined {
  const {channels} = image;
  const {data} = image.pixels;
  const colours = new Set<number>();
  const used = Math.min(3, channels);
  let last = 0;
  for (let at = 0; at < data.length && colours.size <= 16; at += channels) {
    let colour = 0;
    for (let channel = 0; channel < used; channel++) {
      colour = colour * 65536 + (data[at + channel] as number);
    }
    if (colour !== last && colour !== 0) {
      colours.add(colour);
    }
    last = colour;
  }
  return colours.size < 2
    ? undefined
    : `expected one colour on black, got ${colours.size > 16 ? "more than 16" : colours.size} colours. ` +
        "Was the mask resized or saved as JPEG?";
}

/**
 * Complaint about a label picture that should use pure colours: each channel nearly empty or nearly full.
 *
 * Up to one pixel in a hundred may be mixed, as along the edges of drawn regions.
 */
export function checkPureColours(image: Image): string | undefined {
  const {white, channels} = image;
  const {data} = image.pixels;
  let mixed = 0;
  for (let at = 0; at < data.length; at += channels) {
    for (let channel = 0; channel < Math.min(3, channels); channel++) {
      const value = data[at + channel] as number;
      if (value > 0.25 * white && value < 0.75 * white) {
        mixed++;
        break;
      }
    }
  }
  const pixels = data.length / channels;
  return mixed <= 0.01 * pixels
    ? undefined
    : `expected pure colours, got ${((100 * mixed) / pixels).toFixed(1)} % of the pixels mixed. ` +
        "Is it the right half of the file, or was it resized or saved as JPEG?";
}
