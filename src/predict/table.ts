import { csvField } from '../base/csv.js';
import type { Prediction } from './predict.js';

export interface TableOptions {
  readonly labels: readonly string[];
  /** Adds a column `logit:<label>` for each label. */
  readonly logits: boolean;
}

/** `file`, one column of probabilities a label, the logits where asked for, and `error`. */
export function tableHeader({ labels, logits }: TableOptions): string {
  const more = logits ? labels.map((label) => `logit:${label}`) : [];
  return `${['file', ...labels, ...more, 'error'].map(csvField).join(',')}\n`;
}

/** A line of the table; an image without prediction has empty cells and its reason. */
export function tableRow(prediction: Prediction, file: string, { labels, logits }: TableOptions): string {
  const numbers =
    'error' in prediction
      ? Array.from({ length: labels.length * (logits ? 2 : 1) }, () => '')
      : [...prediction.probabilities, ...(logits ? prediction.logits : [])].map(shown);
  const error = 'error' in prediction ? prediction.error : '';
  return `${[file, ...numbers, error].map(csvField).join(',')}\n`;
}

/** Nine significant digits tell any two float32 numbers apart. */
function shown(value: number): string {
  return String(Number(value.toPrecision(9)));
}
