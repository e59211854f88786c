import type { CardWithoutFile } from './register.js';

/** A model that `thaw models pull` knows: its card, and where its weights are published. */
export interface CatalogueEntry {
  readonly card: CardWithoutFile;
  readonly url: string;
  /** SHA-256 of the file, or as many of its first hexadecimal digits as are published (torchvision's file names: 8). */
  readonly sha256?: string;
  /** Where the published file is in a form that is not read: the lines of Python that write one that is to `FILE`. */
  readonly convert?: { readonly reason: string; readonly python: readonly string[] };
  /** Environment variable whose token is sent to the host of `url`, and to no other. */
  readonly tokenVariable?: string;
}
