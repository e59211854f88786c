import type { RawImage } from '../data/dataset.js';
import type { HeatMap } from './grad-cam.js';
import type { Placement } from './placement.js';

/** [256 × 3] RGB, from dark (none) to bright. */
export type ColourTable = Uint8Array;

/** Share of the colour where the heat is highest. */
const OPACITY = 0.6;

/** `inferno`, whose steps look equally large (van der Walt & Smith, SciPy 2015), as the charts' library has it. */
export async function infernoColours(): Promise<ColourTable> {
  const { scheme } = await import('vega');
  const colourAt = scheme('inferno') as (part: number) => string;
  const table = new Uint8Array(3 * 256);
  for (let level = 0; level < 256; level++) {
    // rgb(187, 55, 85)
    table.set(
      colourAt(level / 255)
        .match(/\d+/g)!
        .map(Number),
      3 * level,
    );
  }
  return table;
}

/**
 * An image with a heat map laid over it, in the image's own size [height, width, 3]: colour and opacity grow with the heat, which
 * is scaled so that the map's highest value is 1. Between the cells of the map it is bilinear, from their centres, and constant
 * beyond the outermost ones. What the network did not see stays as it is, and so does everything where there is no heat at all.
 */
export function overlay(
  image: RawImage,
  map: HeatMap,
  placement: Placement,
  colours: ColourTable,
): Uint8Array {
  const { width, height, data } = image;
  const pixels = Uint8Array.from(data);
  const highest = map.values.reduce((most, value) => Math.max(most, value), 0);
  if (highest === 0) return pixels;
  const columns = taps(width, placement.x, placement.side, map.width);
  const rows = taps(height, placement.y, placement.side, map.height);
  for (let y = 0; y < height; y++) {
    const row = rows[y];
    if (row === undefined) continue;
    const [upper, lower] = [row.first * map.width, row.second * map.width];
    for (let x = 0; x < width; x++) {
      const column = columns[x];
      if (column === undefined) continue;
      const at = (line: number) =>
        map.values[line + column.first]! * (1 - column.part) +
        map.values[line + column.second]! * column.part;
      const heat = (at(upper) * (1 - row.part) + at(lower) * row.part) / highest;
      const level = 3 * Math.round(255 * heat);
      const share = OPACITY * heat;
      for (let channel = 0; channel < 3; channel++) {
        const index = 3 * (y * width + x) + channel;
        pixels[index] = Math.round(data[index]! * (1 - share) + colours[level + channel]! * share);
      }
    }
  }
  return pixels;
}

/** The two cells that a pixel lies between, and how far it is towards the second. */
interface Tap {
  readonly first: number;
  readonly second: number;
  readonly part: number;
}

/** For each pixel of an axis; undefined where its centre lies outside of the network's input. */
function taps(
  length: number,
  { scale, offset }: Placement['x'],
  side: number,
  cells: number,
): (Tap | undefined)[] {
  return Array.from({ length }, (_, pixel) => {
    const seen = (pixel + 0.5) * scale + offset;
    if (seen < 0 || seen > side) return undefined;
    const place = Math.min(Math.max((seen / side) * cells - 0.5, 0), cells - 1);
    const first = Math.min(Math.floor(place), Math.max(0, cells - 2));
    return { first, second: Math.min(first + 1, cells - 1), part: place - first };
  });
}
