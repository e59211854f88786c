/** Ages above this are typing errors of the source (ChestX-ray14 lists some of 148 to 414 years). */
const OLDEST = 120;
const YEARS_PER: Readonly<Record<string, number>> = { Y: 1, M: 1 / 12, W: 7 / 365.25, D: 1 / 365.25 };

/** Age in years of `58`, `058Y`, `006M`, `012W`, `020D` (DICOM age strings); undefined when it is none or implausible. */
export function parseAge(text: string): number | undefined {
  const [, digits = '', unit = 'Y'] = text.match(/^(\d+(?:\.\d+)?)\s*([YMWD])?$/i) ?? [];
  if (digits === '') return undefined;
  const years = Number(digits) * YEARS_PER[unit.toUpperCase()]!;
  return years <= OLDEST ? years : undefined;
}

const SEXES: ReadonlyMap<string, 'F' | 'M'> = new Map([
  ['f', 'F'],
  ['female', 'F'],
  ['m', 'M'],
  ['male', 'M'],
]);

export function parseSex(text: string): 'F' | 'M' | undefined {
  return text === 'F' || text === 'M' ? text : SEXES.get(text.toLowerCase());
}

/** Reads ages, and counts those that a table gives but that cannot be right, for the data set's notes. */
export class AgeReader {
  /** Every text is parsed once. */
  private readonly known = new Map<string, number | undefined>();
  private dropped = 0;
  private example = '';

  read(text: string): { readonly age?: number } {
    const age = this.years(text);
    return age === undefined ? {} : { age };
  }

  /** Undefined for an empty or unusable text. */
  years(text: string): number | undefined {
    if (text === '') return undefined;
    let age = this.known.get(text);
    if (age === undefined && !this.known.has(text)) {
      age = parseAge(text);
      this.known.set(text, age);
    }
    if (age === undefined && this.dropped++ === 0) this.example = text;
    return age;
  }

  notes(): string[] {
    return this.dropped === 0 ? [] : [`${this.dropped} unusable ages dropped (such as '${this.example}')`];
  }
}
