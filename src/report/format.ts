import type { SeedSummary } from '../stats/aggregate.js';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 112120 → `112,120`. */
export function count(value: number): string {
  return whole.format(value);
}

/** `1 image`, `2 images`. */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

/** A metric from 0 to 1 with three decimals; a dash where it is undefined. */
export function metric(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

/** Half the width of the interval, `± 0.012`; empty where one seed gives none. */
export function plusMinus({ low, high }: SeedSummary): string {
  return low === null || high === null ? '' : `± ${((high - low) / 2).toFixed(3)}`;
}

/** `0.653 ± 0.012`, or a dash. */
export function estimateText(estimate: SeedSummary): string {
  return [metric(estimate.mean), plusMinus(estimate)].filter((part) => part !== '').join(' ');
}

/** 0.1234 → `12.3 %`; shares below 1 % keep two decimals. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value.toFixed(value > 0 && value < 1 ? 2 : 1)} %`;
}

/** Three significant digits, thousands separated: 30.512 → `30.5`, 12345.6 → `12,346`. */
export function rate(value: number): string {
  if (value >= 1000) return count(value);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Seconds in the unit that reads best: `45 ms`, `3.21 s`, `4 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 0.001) return '< 1 ms';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const rounded = Math.round(seconds);
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
  return `${count(Math.floor(rounded / 3600))} h ${Math.floor((rounded % 3600) / 60)} min`;
}

/** ISO 8601 → `2026-11-24 10:15 UTC`; anything else as it is. */
export function moment(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : iso;
}

/** Lower-case letters, digits and hyphens of a text, for ids and file names. */
export function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g);
  return words === null ? 'x' : words.join('-').slice(0, 48);
}

/** A title inside a sentence: `Learning rate` → `learning rate`; abbreviations (`LR policy`) stay. */
export function inSentence(title: string): string {
  return /^[A-Z]{2}/.test(title) ? title : title.charAt(0).toLowerCase() + title.slice(1);
}

/** A function that returns every id it is given once: `a`, then `a-2`, `a-3` … */
export function uniqueIds(): (wanted: string) => string {
  const taken = new Set<string>();
  return (wanted) => {
    let id = wanted;
    for (let number = 2; taken.has(id); number++) id = `${wanted}-${number}`;
    taken.add(id);
    return id;
  };
}
