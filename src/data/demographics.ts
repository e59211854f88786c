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

export function parseSex(text: string): 'F' | 'M' | undefined {
  const letter = /^(f|female|m|male)$/i.exec(text)?.[0].charAt(0).toUpperCase();
  return letter === 'F' || letter === 'M' ? letter : undefined;
}

/** Counts ages that a table gives but that cannot be right, for the data set's notes. */
export class AgeReader {
  private dropped = 0;
  private example = '';

  read(text: string): { readonly age?: number } {
    if (text === '') return {};
    const age = parseAge(text);
    if (age !== undefined) return { age };
    if (this.dropped++ === 0) this.example = text;
    return {};
  }

  notes(): string[] {
    return this.dropped === 0 ? [] : [`${this.dropped} unusable ages dropped (such as '${this.example}')`];
  }
}
