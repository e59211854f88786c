import { extname } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { listKeras, readKeras } from './keras.js';
import { listNpz, readNpz } from './npz.js';
import { listPth, readPth } from './pth.js';
import { listSafetensors, readSafetensors } from './safetensors.js';
import type { TensorEntry, WeightFile } from './weight-file.js';

export type WeightFormat = 'safetensors' | 'pth' | 'keras' | 'npz';

const FORMATS: Readonly<Record<string, WeightFormat>> = {
  '.safetensors': 'safetensors',
  '.pth': 'pth',
  '.pt': 'pth',
  '.th': 'pth',
  '.pth.tar': 'pth',
  '.h5': 'keras',
  '.hdf5': 'keras',
  '.keras': 'keras',
  '.npz': 'npz',
};
/** Extensions of files that hold weights, in a form that is not read. */
const UNREAD: Readonly<Record<string, string>> = {
  '.pb': 'TensorFlow',
  '.ckpt': 'checkpoint',
};

/** The extensions of weight files, for messages. */
export const WEIGHT_EXTENSIONS = Object.keys(FORMATS);

/** The format that a file's name promises; undefined for a file that is no weight file. */
export function weightFormat(path: string): WeightFormat | undefined {
  const lower = path.toLowerCase();
  return FORMATS[lower.endsWith('.pth.tar') ? '.pth.tar' : extname(lower)];
}

/** The floating-point tensors of a weight file; errors as `readPth`. */
export async function readWeights(path: string, format: WeightFormat): Promise<WeightFile> {
  switch (format) {
    case 'pth':
      return readPth(path);
    case 'safetensors':
      return { tensors: await readSafetensors(path), notes: [] };
    case 'keras':
      return readKeras(path);
    case 'npz':
      return readNpz(path);
  }
}

/** The tensors that a weight file lists, integers included. */
export async function listWeights(path: string, format: WeightFormat): Promise<TensorEntry[]> {
  switch (format) {
    case 'pth':
      return listPth(path);
    case 'safetensors':
      return listSafetensors(path);
    case 'keras':
      return listKeras(path);
    case 'npz':
      return listNpz(path);
  }
}

/** A file that is none of `expected`, with a way to make it one. */
export function unreadable(path: string, expected: readonly string[]): ThawError {
  const extension = extname(path);
  const kind = UNREAD[extension.toLowerCase()];
  const hint =
    kind === undefined
      ? 'Export the model with torch.onnx.export, or save its state dict with torch.save or safetensors.'
      : `${kind} files are not read: export the model to ONNX (tf2onnx, torch.onnx.export) or save a state dict.`;
  const list = `${expected.slice(0, -1).join(', ')} or ${expected.at(-1)}`;
  return new ThawError('MODEL', `expects a ${list} file, received "${extension}".`, { file: path, hint });
}
