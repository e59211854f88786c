import type { DataSet } from 'dicom-parser';
import { bytesOf } from '../../data/dicom-file.js';
import { refuse } from './refuse.js';

/** A table of a Modality or VOI LUT Sequence (PS3.3 C.11.1.1.1). */
export interface LookupTable {
  /** Largest value that the table can give. */
  readonly maximum: number;
  /** Explanation, to choose it by. */
  readonly name: string;
  of(value: number): number;
}

const DESCRIPTOR = 'x00283002';
const EXPLANATION = 'x00283003';
const DATA = 'x00283006';

/**
 * The tables of a sequence, empty where it is absent. Values before the first and after the last entry take these. `signed`:
 * whether the values that go in may be negative, which decides how the descriptor is read where the file does not say it.
 */
export function lookupTables(dataSet: DataSet, tag: string, signed: boolean): LookupTable[] {
  const items = dataSet.elements[tag]?.items ?? [];
  return items.map(({ dataSet: item }) => {
    if (item === undefined) return refuse('a lookup table is damaged.');
    return lookupTable(item, signed);
  });
}

function lookupTable(item: DataSet, signed: boolean): LookupTable {
  const descriptor = item.elements[DESCRIPTOR];
  const data = bytesOf(item, DATA);
  if (descriptor?.length !== 6 || data === undefined) return refuse('a lookup table is damaged.');
  const entries = item.uint16(DESCRIPTOR, 0) || 65536;
  const negative = descriptor.vr === 'SS' || (descriptor.vr !== 'US' && signed);
  const first = (negative ? item.int16(DESCRIPTOR, 1) : item.uint16(DESCRIPTOR, 1)) ?? 0;
  const bits = item.uint16(DESCRIPTOR, 2) ?? 0;
  const wide = data.length >= 2 * entries;
  if (bits < 1 || bits > 16 || data.length < entries || (!wide && bits > 8)) {
    refuse(`a lookup table of ${entries} entries of ${bits} bits has ${data.length} bytes.`);
  }
  const at = (index: number) => (wide ? item.byteArrayParser.readUint16(data, 2 * index) : data[index]!);
  return {
    maximum: 2 ** bits - 1,
    name: bytesOf(item, EXPLANATION)?.toString('latin1').trim() ?? '',
    of: (value) => at(Math.min(Math.max(Math.round(value) - first, 0), entries - 1)),
  };
}
