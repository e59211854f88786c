import type { StorageRef } from './pth-tensor.js';

/** What a file of `torch.save` holds: one Python object, and numbers beside it. */
export interface PthContainer {
  readonly root: unknown;
  /** The bytes of a storage, checked for their length. Throws MODEL where the file does not have them. */
  readonly readStorage: (storage: StorageRef) => Promise<Uint8Array>;
}

/** The longest pickle that is read: a state dict of 100,000 tensors takes 15 MB. */
export const LONGEST_PICKLE = 64 * 2 ** 20;
