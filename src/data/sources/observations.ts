import { ThawError } from '../../base/errors.js';
import { listSome } from '../../base/nearest.js';
import type { TextTable } from '../table.js';

/** The 14 observations of the CheXpert labeler, in the order of CheXpert's tables (Irvin et al., AAAI 2019). */
export const CHEXPERT_OBSERVATIONS: readonly string[] = [
  'No Finding',
  'Enlarged Cardiomediastinum',
  'Cardiomegaly',
  'Lung Opacity',
  'Lung Lesion',
  'Edema',
  'Consolidation',
  'Pneumonia',
  'Atelectasis',
  'Pneumothorax',
  'Pleural Effusion',
  'Pleural Other',
  'Fracture',
  'Support Devices',
];

/** What -1 becomes (mentioned, but neither affirmed nor denied): 0, 1, unknown, or 1 for the observations of `paper`. */
export type UncertainPolicy = 'zeros' | 'ones' | 'ignore' | 'paper';
/** What an empty cell becomes (not mentioned): 0, or unknown. */
export type BlankPolicy = 'zeros' | 'ignore';

export interface ObservationPolicies {
  /** Default `ignore`. */
  readonly uncertain?: UncertainPolicy | undefined;
  /** Default `zeros`. */
  readonly blank?: BlankPolicy | undefined;
}

/**
 * Uncertain counts as present for these and as absent for the others: the choice of Romero et al. (Med Phys 2020). They are
 * the two that Irvin et al. took U-Ones for; for their other three they trained with a class of its own for "uncertain"
 * (Cardiomegaly, Pleural Effusion) or on a model's own labels (Consolidation), which no reading of a table can give.
 */
const PRESENT_IN_PAPER: ReadonlySet<string> = new Set(['Atelectasis', 'Edema']);

interface Known {
  readonly labels: readonly number[];
  readonly uncertain: number;
}

/** Reads the observations of a row; the few thousand different combinations are read once each. */
export class ObservationReader {
  private readonly policies: { readonly uncertain: UncertainPolicy; readonly blank: BlankPolicy };
  private readonly known = new Map<string, Known>();
  private readonly lacking: string[] = [];
  private uncertain = 0;

  constructor({ uncertain = 'ignore', blank = 'zeros' }: ObservationPolicies) {
    this.policies = { uncertain, blank };
  }

  /**
   * A function from a row of `table` to [observations] 1, 0 or NaN. Throws DATA for a table that lacks an observation, or with
   * `some` for one that lacks all: those that it lacks are unknown then. The function throws DATA with the row.
   */
  for(
    table: TextTable,
    { some = false }: { readonly some?: boolean } = {},
  ): (cells: readonly string[], row: number) => readonly number[] {
    const absent = CHEXPERT_OBSERVATIONS.filter((name) => table.findColumn(name) === undefined);
    if (absent.length > 0 && (!some || absent.length === CHEXPERT_OBSERVATIONS.length))
      table.column(absent[0]!);
    if (absent.length > 0)
      this.lacking.push(`${table.file} has no labels for ${listSome(absent, 14)}: unknown`);
    const positions = CHEXPERT_OBSERVATIONS.map((name) => table.findColumn(name));
    return (cells, row) => {
      let key = '';
      for (const position of positions) key += `${position === undefined ? '?' : cells[position]}|`;
      let known = this.known.get(key);
      if (known === undefined) {
        const texts = positions.map((position) => (position === undefined ? undefined : cells[position]!));
        known = this.parse(texts, table.file, row);
        this.known.set(key, known);
      }
      this.uncertain += known.uncertain;
      return known.labels;
    };
  }

  notes(): string[] {
    if (this.uncertain === 0) return this.lacking;
    const meaning = {
      zeros: 'absent',
      ones: 'present',
      ignore: 'unknown',
      paper: 'present or absent as in the paper',
    };
    return [
      ...this.lacking,
      `${this.uncertain} uncertain labels (-1) taken as ${meaning[this.policies.uncertain]}`,
    ];
  }

  private parse(texts: readonly (string | undefined)[], file: string, row: number): Known {
    let uncertain = 0;
    const labels = texts.map((text, index) => {
      if (text === undefined) return Number.NaN;
      if (text === '') return this.policies.blank === 'zeros' ? 0 : Number.NaN;
      const value = Number(text);
      if (value === 0 || value === 1) return value;
      const name = CHEXPERT_OBSERVATIONS[index]!;
      if (value === -1) {
        uncertain++;
        return this.ofUncertain(name);
      }
      throw new ThawError('DATA', `expected 1, 0, -1 or an empty cell but found '${text}'.`, {
        file,
        row,
        node: name,
        hint: 'Download the table again, or correct the row.',
      });
    });
    return { labels, uncertain };
  }

  private ofUncertain(name: string): number {
    switch (this.policies.uncertain) {
      case 'zeros':
        return 0;
      case 'ones':
        return 1;
      case 'ignore':
        return Number.NaN;
      case 'paper':
        return PRESENT_IN_PAPER.has(name) ? 1 : 0;
    }
  }
}
