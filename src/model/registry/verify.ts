import { dirname } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { loadModel, readCard } from '../registry.js';
import type { RegisteredModel } from './folders.js';

export interface Verified {
  readonly name: string;
  /** Path of the card. */
  readonly file: string;
  /** Why the model cannot be used; absent where all is well. */
  readonly problem?: string;
  /** Whether the card has a digest that the file was held against. */
  readonly pinned?: boolean;
  readonly fingerprint?: string;
}

/** Reads card and weights of a registered model again, from end to end, and holds the file against its SHA-256. */
export async function verifyModel({ name, file }: RegisteredModel): Promise<Verified> {
  try {
    const card = await readCard(file);
    const { fingerprint } = await loadModel(card, { folder: dirname(file) });
    return { name, file, fingerprint, pinned: card.file === undefined || card.sha256 !== undefined };
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return { name, file, problem: error.message };
  }
}
