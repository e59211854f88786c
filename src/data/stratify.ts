import type { RandomStream } from '../base/random.js';

/**
 * Orders of units (images or patients) every prefix of which has about the label frequencies of the whole; prefixes of such
 * an order are nested subsets. Units are numbered from 0; the result is a permutation of them.
 */

/**
 * For classes: a seeded shuffle within each class, and classes merged so that the prefix of any length is the Webster
 * (Sainte-Laguë) apportionment of its places to the classes: the j-th unit (from 0) of a class of n stands at
 * (j + ½) / n. Ties go to the smaller class. O(n log n).
 */
export function orderByClass(classes: ArrayLike<number>, random: RandomStream): Uint32Array {
  const members = new Map<number, number[]>();
  for (const unit of random.shuffle(Uint32Array.from({ length: classes.length }, (_, index) => index))) {
    const own = members.get(classes[unit]!);
    if (own === undefined) members.set(classes[unit]!, [unit]);
    else own.push(unit);
  }
  const positions = new Float64Array(classes.length);
  for (const units of members.values()) {
    for (const [place, unit] of units.entries()) positions[unit] = (place + 0.5) / units.length;
  }
  const sizeOf = (unit: number) => members.get(classes[unit]!)!.length;
  return Uint32Array.from({ length: classes.length }, (_, index) => index).sort(
    (a, b) => positions[a]! - positions[b]! || sizeOf(a) - sizeOf(b) || classes[a]! - classes[b]! || a - b,
  );
}

/** Labels of units in compressed rows: unit u has `labels[start[u]]` … `labels[start[u + 1] − 1]`. */
export interface UnitLabels {
  readonly start: Uint32Array;
  readonly labels: Uint16Array;
  readonly labelCount: number;
}

/**
 * For findings that occur together: the units are halved again and again, each time by the iterative stratification of
 * Sechidis, Tsoumakas and Vlahavas (ECML PKDD 2011, doi 10.1007/978-3-642-23808-6_10) with two folds, and the first halves
 * come first. Every prefix is then a union of at most log₂ n stratified pieces. O(labels · log n).
 */
export function orderByLabels(units: UnitLabels, random: RandomStream): Uint32Array {
  const count = units.start.length - 1;
  const order = random.shuffle(Uint32Array.from({ length: count }, (_, index) => index));
  const halve = (part: Uint32Array): void => {
    if (part.length < 2) return;
    const middle = halveByLabels(part, units, random);
    halve(part.subarray(0, middle));
    halve(part.subarray(middle));
  };
  halve(order);
  return order;
}

/** Rearranges `part` into two halves that share out each label evenly; returns the size of the first (the larger if odd). */
function halveByLabels(part: Uint32Array, units: UnitLabels, random: RandomStream): number {
  const { start, labels, labelCount } = units;
  const rank = rarityRanks(part, units);
  const capacity = Math.ceil(part.length / 2);
  const halves = [new Uint32Array(capacity), new Uint32Array(part.length - capacity)] as const;
  const filled: [number, number] = [0, 0];
  /** How many more units with the label the first half has got than the second. */
  const lead = new Int32Array(labelCount);
  for (const unit of byRarestLabel(part, units, rank)) {
    const half = chooseHalf(unit, filled, halves, lead, units, rank, random);
    halves[half][filled[half]++] = unit;
    for (let index = start[unit]!; index < start[unit + 1]!; index++)
      lead[labels[index]!]! += half === 0 ? 1 : -1;
  }
  part.set(halves[0], 0);
  part.set(halves[1], capacity);
  return capacity;
}

/** The half that has fewer of the unit's rarest label, then of its next rarest …, then the emptier one, then either. */
function chooseHalf(
  unit: number,
  filled: readonly [number, number],
  halves: readonly [Uint32Array, Uint32Array],
  lead: Int32Array,
  { start, labels }: UnitLabels,
  rank: Uint16Array,
  random: RandomStream,
): 0 | 1 {
  if (filled[0] === halves[0].length) return 1;
  if (filled[1] === halves[1].length) return 0;
  let decisive = 0;
  let decisiveRank = Number.POSITIVE_INFINITY;
  for (let index = start[unit]!; index < start[unit + 1]!; index++) {
    const label = labels[index]!;
    if (lead[label] === 0 || rank[label]! >= decisiveRank) continue;
    decisive = lead[label]!;
    decisiveRank = rank[label]!;
  }
  const difference = decisive || filled[0] - filled[1];
  if (difference !== 0) return difference < 0 ? 0 : 1;
  return random.integer(2) === 0 ? 0 : 1;
}

/** [labels] 0 for the label that the fewest of these units have. */
function rarityRanks(part: Uint32Array, { start, labels, labelCount }: UnitLabels): Uint16Array {
  const counts = new Uint32Array(labelCount);
  for (const unit of part)
    for (let index = start[unit]!; index < start[unit + 1]!; index++) counts[labels[index]!]!++;
  const rarestFirst = Uint16Array.from(counts.keys()).sort((a, b) => counts[a]! - counts[b]! || a - b);
  const rank = new Uint16Array(labelCount);
  for (const [place, label] of rarestFirst.entries()) rank[label] = place;
  return rank;
}

/** The units sorted (stably) by the rank of their rarest label; those without labels last. */
function byRarestLabel(
  part: Uint32Array,
  { start, labels, labelCount }: UnitLabels,
  rank: Uint16Array,
): Uint32Array {
  const keys = new Uint16Array(part.length);
  const next = new Uint32Array(labelCount + 2);
  for (const [place, unit] of part.entries()) {
    let key = labelCount;
    for (let index = start[unit]!; index < start[unit + 1]!; index++)
      key = Math.min(key, rank[labels[index]!]!);
    keys[place] = key;
    next[key + 1]!++;
  }
  for (let key = 1; key < next.length; key++) next[key]! += next[key - 1]!;
  const sorted = new Uint32Array(part.length);
  for (const [place, unit] of part.entries()) sorted[next[keys[place]!]!++] = unit;
  return sorted;
}
