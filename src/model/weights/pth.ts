import { ThawError } from '../../base/errors.js';
import { placedIn } from '../fault.js';
import type { Parameter } from '../graph.js';
import { formatShape } from '../shapes.js';
import { type ByteSource, withFile } from './byte-source.js';
import { FLOAT_BYTES, type FloatType, takeFloats } from './floats.js';
import type { PthContainer } from './pth-container.js';
import { openPthLegacy } from './pth-legacy.js';
import { findStateDict } from './pth-state.js';
import type { StorageRef, TensorRef } from './pth-tensor.js';
import { openPthZip } from './pth-zip.js';
import type { TensorEntry, WeightFile } from './weight-file.js';

const ZIP = 'PK\x03\x04';
const PICKLE = 0x80;
const TAR = { position: 257, magic: 'ustar' };
/** Bytes of copies (tensors whose elements do not follow each other) that a file may ask for, in bytes of the file. */
const MOST_COPIES = 8;
const FREE_COPIES = 4 * 2 ** 20;

/**
 * Reads the floating-point tensors (float16, bfloat16, float32, float64) of the state dict in a file of `torch.save` as
 * float32, in the zip format and the older one; integers, such as batch norm's `num_batches_tracked`, are left out. Nothing
 * in the file is executed (pickle.ts), and no more memory is taken than the file's size accounts for.
 * Throws IO when the file cannot be read; MODEL, naming what is wrong, when it is damaged or holds anything but weights.
 */
export async function readPth(path: string): Promise<WeightFile> {
  return withFile(path, (source) => readPthBytes(source, path));
}

/** As `readPth`, from bytes; `file` is named in errors. */
export async function readPthBytes(source: ByteSource, file: string): Promise<WeightFile> {
  return located(file, async () => {
    const container = await open(source, file);
    const { tensors, notes } = findStateDict(container.root);
    const floats = new Map([...tensors].filter(([, { type }]) => type in FLOAT_BYTES));
    return { tensors: await readTensors(container, floats, source.size), notes };
  });
}

/** The tensors of the state dict, integers included; errors as `readPth`. */
export async function listPth(path: string): Promise<TensorEntry[]> {
  return withFile(path, (source) =>
    located(path, async () => {
      const { tensors } = findStateDict((await open(source, path)).root);
      return [...tensors].map(([name, { type, shape }]) => ({ name, type, shape }));
    }),
  );
}

async function located<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw placedIn(file, error);
  }
}

async function open(source: ByteSource, file: string): Promise<PthContainer> {
  const head = Buffer.from(await source.read(0, Math.min(source.size, 512)));
  if (head.toString('latin1', 0, ZIP.length) === ZIP) return openPthZip(source, file);
  if (head[0] === PICKLE) return openPthLegacy(source, file);
  if (head.toString('latin1', TAR.position, TAR.position + TAR.magic.length) === TAR.magic) {
    throw new ThawError('MODEL', 'is a tar archive, as PyTorch before 0.1.10 wrote or as files are packed.', {
      file,
      hint: 'Unpack it; a checkpoint in it that old must be saved again with torch.save.',
    });
  }
  throw new ThawError('MODEL', 'not a file of torch.save.', {
    file,
    hint: 'Save a state dict: torch.save(model.state_dict(), "weights.pth").',
  });
}

/** Storages are read one after the other; tensors that share one share its numbers where they need not be copied. */
async function readTensors(
  container: PthContainer,
  tensors: ReadonlyMap<string, TensorRef>,
  fileSize: number,
): Promise<Map<string, Parameter>> {
  const groups = new Map<StorageRef, [string, TensorRef][]>();
  for (const entry of tensors) {
    const group = groups.get(entry[1].storage);
    if (group === undefined) groups.set(entry[1].storage, [entry]);
    else group.push(entry);
  }
  let copies = MOST_COPIES * fileSize + FREE_COPIES;
  const read = new Map<string, Parameter>();
  for (const [storage, group] of groups) {
    const decoded = new Map<FloatType, Float32Array>();
    const bytes = await container.readStorage(storage);
    for (const [name, tensor] of group) {
      const type = tensor.type as FloatType;
      const whole = bytes.subarray(0, bytes.byteLength - (bytes.byteLength % FLOAT_BYTES[type]));
      const numbers = decoded.get(type) ?? takeFloats(whole, type);
      decoded.set(type, numbers);
      if (!tensor.contiguous) copies -= tensor.count * Float32Array.BYTES_PER_ELEMENT;
      if (copies < 0) {
        const what = `is a tensor ${formatShape(tensor.shape)} of repeated or scattered numbers`;
        throw new ThawError('MODEL', `${what}, too large for a file of ${fileSize} bytes.`, { node: name });
      }
      read.set(name, { shape: tensor.shape, data: elementsOf(tensor, numbers) });
    }
  }
  return new Map([...tensors.keys()].map((name) => [name, read.get(name) as Parameter]));
}

/** The elements in row-major order: a view where they lie so, else a copy. */
function elementsOf(tensor: TensorRef, numbers: Float32Array): Float32Array {
  const { shape, strides, offset, count } = tensor;
  if (tensor.contiguous) return numbers.subarray(offset, offset + count);
  const elements = new Float32Array(count);
  const index = shape.map(() => 0);
  let position = offset;
  for (let element = 0; element < count; element++) {
    elements[element] = numbers[position] ?? Number.NaN;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] ?? 1;
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      position += stride;
      if (next < length) {
        index[axis] = next;
        break;
      }
      position -= length * stride;
      index[axis] = 0;
    }
  }
  return elements;
}
