import { join, resolve } from 'node:path';
import { ThawError } from '../../base/errors.js';
import type { FindingBox } from '../dataset.js';
import { namesIn } from '../image-files.js';
import { readTable, type TextTable } from '../table.js';

const TABLE = /^BBox_List_2017\.csv(\.gz)?$/i;
/** The header is `Image Index,Finding Label,Bbox [x,y,w,h]`, its commas no delimiters but in effect. */
const COLUMNS = {
  image: 'Image Index',
  label: 'Finding Label',
  x: 'Bbox [x',
  y: 'y',
  width: 'w',
  height: 'h]',
};
/** The one finding that the table of boxes calls by another name. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([['Infiltrate', 'Infiltration']]);

/**
 * Boxes by file name, drawn by a radiologist for about 880 images (984 boxes, 8 findings), in pixels of 1024×1024; empty where
 * there is no table. Throws DATA with the row for a box that is none.
 */
export async function readBoxes(source: {
  readonly root: string;
  readonly boxes?: string | undefined;
}): Promise<ReadonlyMap<string, readonly FindingBox[]>> {
  const file = source.boxes ?? (await namesIn(source.root))?.filter((name) => TABLE.test(name)).sort()[0];
  const boxesOf = new Map<string, FindingBox[]>();
  if (file === undefined) return boxesOf;
  const table = await readTable(
    source.boxes === undefined ? join(source.root, file) : resolve(source.root, file),
  );
  const image = table.column(COLUMNS.image);
  const label = table.column(COLUMNS.label);
  const sides = (['x', 'y', 'width', 'height'] as const).map((side) => table.column(COLUMNS[side]));
  for (const [cells, row] of table.rows()) {
    const [x, y, width, height] = sides.map((side) => numberIn(cells[side]!, table, row)) as Four;
    if (x < 0 || y < 0 || width <= 0 || height <= 0) {
      const summary = `expected a box within the image but found x ${x}, y ${y}, width ${width}, height ${height}.`;
      throw new ThawError('DATA', summary, { file: table.file, row });
    }
    const name = cells[label]!;
    const box: FindingBox = { label: OTHER_NAMES.get(name) ?? name, x, y, width, height };
    const own = boxesOf.get(cells[image]!);
    if (own === undefined) boxesOf.set(cells[image]!, [box]);
    else own.push(box);
  }
  return boxesOf;
}

type Four = [number, number, number, number];

function numberIn(text: string, table: TextTable, row: number): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) return value;
  throw new ThawError('DATA', `expected a number of pixels but found '${text}'.`, { file: table.file, row });
}
