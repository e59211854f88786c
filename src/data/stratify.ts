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
  new Halving(order, units, random).halve(0, count);
  return order;
}

/** Halves parts of an order in place. There are as many parts as units: what they need is allocated once. */
class Halving {
  private readonly halves: readonly [Uint32Array, Uint32Array];
  private readonly filled: [number, number] = [0, 0];
  private readonly sorted: Uint32Array;
  /** [units of the part] rank of the rarest label, `labelCount` for units without labels. */
  private readonly keys: Uint16Array;
  private readonly next: Uint32Array;
  /** [labels] Units of the part that have it; 0 for the label that the fewest have; how many more the first half has got. */
  private readonly counts: Uint32Array;
  private readonly rank: Uint16Array;
  private readonly lead: Int32Array;
  private readonly rarestFirst: Uint16Array;

  constructor(
    private readonly order: Uint32Array,
    private readonly units: UnitLabels,
    private readonly random: RandomStream,
  ) {
    const { length } = order;
    const { labelCount } = units;
    this.halves = [new Uint32Array((length + 1) >> 1), new Uint32Array(length >> 1)];
    this.sorted = new Uint32Array(length);
    this.keys = new Uint16Array(length);
    this.next = new Uint32Array(labelCount + 2);
    this.counts = new Uint32Array(labelCount);
    this.rank = new Uint16Array(labelCount);
    this.lead = new Int32Array(labelCount);
    this.rarestFirst = new Uint16Array(labelCount);
  }

  /** Of the units in places `from` to `to` − 1, first halves come first. */
  halve(from: number, to: number): void {
    if (to - from < 2) return;
    const middle = this.split(from, to);
    this.halve(from, middle);
    this.halve(middle, to);
  }

  /** Rearranges a part into two halves that share out each label evenly; returns where the second begins (the smaller if odd). */
  private split(from: number, to: number): number {
    const { order, halves, filled, lead, units } = this;
    const { start, labels } = units;
    const sizes = [(to - from + 1) >> 1, (to - from) >> 1] as const;
    this.rankByRarity(from, to);
    this.sortByRarestLabel(from, to);
    filled[0] = 0;
    filled[1] = 0;
    lead.fill(0);
    for (let place = 0; place < to - from; place++) {
      const unit = this.sorted[place]!;
      const half = this.chooseHalf(unit, sizes);
      halves[half][filled[half]++] = unit;
      for (let index = start[unit]!; index < start[unit + 1]!; index++)
        lead[labels[index]!]! += half === 0 ? 1 : -1;
    }
    const middle = from + sizes[0];
    for (let place = from; place < middle; place++) order[place] = halves[0][place - from]!;
    for (let place = middle; place < to; place++) order[place] = halves[1][place - middle]!;
    return middle;
  }

  /** The half that has fewer of the unit's rarest label, then of its next rarest …, then the emptier one, then either. */
  private chooseHalf(unit: number, sizes: readonly [number, number]): 0 | 1 {
    const { filled, lead, rank, units } = this;
    const { start, labels } = units;
    if (filled[0] === sizes[0]) return 1;
    if (filled[1] === sizes[1]) return 0;
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
    return this.random.integer(2) === 0 ? 0 : 1;
  }

  /** Equally rare labels in their own order. */
  private rankByRarity(from: number, to: number): void {
    const { order, counts, rank, rarestFirst, units } = this;
    const { start, labels, labelCount } = units;
    counts.fill(0);
    for (let place = from; place < to; place++) {
      const unit = order[place]!;
      for (let index = start[unit]!; index < start[unit + 1]!; index++) counts[labels[index]!]!++;
    }
    for (let label = 0; label < labelCount; label++) {
      let place = label;
      for (; place > 0 && counts[rarestFirst[place - 1]!]! > counts[label]!; place--) {
        rarestFirst[place] = rarestFirst[place - 1]!;
      }
      rarestFirst[place] = label;
    }
    for (let place = 0; place < labelCount; place++) rank[rarestFirst[place]!] = place;
  }

  /** Stably, by the rank of each unit's rarest label; units without labels last. */
  private sortByRarestLabel(from: number, to: number): void {
    const { order, keys, next, rank, sorted, units } = this;
    const { start, labels, labelCount } = units;
    next.fill(0);
    for (let place = from; place < to; place++) {
      const unit = order[place]!;
      let key = labelCount;
      for (let index = start[unit]!; index < start[unit + 1]!; index++)
        key = Math.min(key, rank[labels[index]!]!);
      keys[place - from] = key;
      next[key + 1]!++;
    }
    for (let key = 1; key < next.length; key++) next[key]! += next[key - 1]!;
    for (let place = from; place < to; place++) sorted[next[keys[place - from]!]!++] = order[place]!;
  }
}
