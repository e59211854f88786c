import { ThawError } from '../../base/errors.js';
import type { Shape } from '../graph.js';
import { formatShape, product } from '../shapes.js';
import { FLOAT_BYTES, type FloatType, INTEGER_BYTES, type IntegerType } from './floats.js';
import type { PickleRules } from './pickle.js';
import { describe, PickleName, pickleFault, Tuple } from './pickle-values.js';

export type ElementType = FloatType | IntegerType;

/** Numbers that lie outside the pickle, under a key of the container. */
export class StorageRef {
  constructor(
    readonly key: string,
    readonly type: ElementType,
    readonly count: number,
  ) {}

  get bytes(): number {
    return this.count * elementBytes(this.type);
  }
}

/** A view of a storage: element [i, j, …] is number `offset` + Σ index · stride. All of them lie inside the storage. */
export class TensorRef {
  constructor(
    readonly storage: StorageRef,
    readonly type: ElementType,
    readonly offset: number,
    readonly shape: Shape,
    readonly strides: readonly number[],
  ) {}

  get count(): number {
    return product(this.shape);
  }

  /** Whether its elements follow each other without gaps, in row-major order. */
  get contiguous(): boolean {
    let expected = 1;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      const length = this.shape[axis] ?? 1;
      if (length !== 1 && this.strides[axis] !== expected) return false;
      expected *= length;
    }
    return true;
  }
}

const STORAGES: Readonly<Record<string, ElementType>> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  DoubleStorage: 'F64',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};
/** Element types by the names that a storage without type is read as. */
const DTYPES: Readonly<Record<string, ElementType>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
};
const UNTYPED = ['torch.storage.UntypedStorage', 'torch.UntypedStorage'];
const MOST_AXES = 16;

export function elementBytes(type: ElementType): number {
  return type in FLOAT_BYTES ? FLOAT_BYTES[type as FloatType] : INTEGER_BYTES[type as IntegerType];
}

/**
 * What a pickle of `torch.save` may name: storage types, element types and the functions that make tensors of them. Every
 * storage that it refers to is entered into `storages`. Throws MODEL as `readPickle` does, and for a tensor that does not fit
 * its storage.
 */
export function torchRules(storages: Map<string, StorageRef>): PickleRules {
  return { find, persistent: (id) => storageOf(id, storages) };
}

const FUNCTIONS = new Map<string, PickleName>(
  [
    new PickleName('torch._utils._rebuild_tensor', (args) => tensorOf(args)),
    new PickleName('torch._utils._rebuild_tensor_v2', (args) => tensorOf(args)),
    new PickleName('torch._utils._rebuild_tensor_v3', (args) => tensorOf(args, typeNamed(args[6]))),
    new PickleName('torch._utils._rebuild_parameter', ([data]) => {
      if (!(data instanceof TensorRef)) throw pickleFault(`makes a parameter of ${describe(data)}`);
      return data;
    }),
    new PickleName('torch.Size', ([lengths]) => {
      if (!(lengths instanceof Tuple)) throw pickleFault(`makes a size of ${describe(lengths)}`);
      return lengths;
    }),
  ].map((name) => [name.name, name]),
);

function find(name: string): PickleName | undefined {
  const known = FUNCTIONS.get(name);
  if (known !== undefined) return known;
  return UNTYPED.includes(name) || storageType(name) !== undefined || typeOf(name) !== undefined
    ? new PickleName(name)
    : undefined;
}

/** `torch.FloatStorage`, or as old files tag those of a graphics card, `torch.cuda.FloatStorage`. */
function storageType(name: string): ElementType | undefined {
  const [, type = ''] = /^torch\.(?:cuda\.)?(\w+)$/.exec(name) ?? [];
  return Object.hasOwn(STORAGES, type) ? STORAGES[type] : undefined;
}

function typeOf(name: string): ElementType | undefined {
  const [, type = ''] = /^torch\.(\w+)$/.exec(name) ?? [];
  return Object.hasOwn(DTYPES, type) ? DTYPES[type] : undefined;
}

function typeNamed(value: unknown): ElementType {
  const type = value instanceof PickleName ? typeOf(value.name) : undefined;
  if (type === undefined) throw pickleFault(`makes a tensor with elements of ${describe(value)}`);
  return type;
}

/** An id is ('storage', type, key, device, count) or, in the older format, the same with a view, which is None. */
function storageOf(id: unknown, storages: Map<string, StorageRef>): StorageRef {
  const [kind, type, key, , count, view = null] = id instanceof Tuple ? id.items : [];
  const name = type instanceof PickleName ? type.name : '';
  const element = UNTYPED.includes(name) ? 'U8' : storageType(name);
  if (kind !== 'storage' || typeof key !== 'string' || !isCount(count) || element === undefined)
    throw pickleFault('refers to something else than the storage of a tensor');
  if (view !== null) {
    throw new ThawError(
      'MODEL',
      `storage ${key} is a view of another, as only PyTorch before 0.4 wrote it.`,
      {
        hint: 'Load the file in Python and save it again with torch.save.',
      },
    );
  }
  const known = storages.get(key);
  if (known !== undefined && (known.type !== element || known.count !== count))
    throw pickleFault(`gives storage ${key} two types or lengths`);
  const storage = known ?? new StorageRef(key, element, count);
  storages.set(key, storage);
  return storage;
}

/** From (storage, offset, shape, strides, …). */
function tensorOf(args: readonly unknown[], type?: ElementType): TensorRef {
  const [storage, offset, shape, strides] = args;
  const lengths = shape instanceof Tuple ? shape.items : [];
  const steps = strides instanceof Tuple ? strides.items : [];
  const complete = storage instanceof StorageRef && shape instanceof Tuple && strides instanceof Tuple;
  if (!complete || !isCount(offset) || !lengths.every(isCount) || !steps.every(isCount))
    throw pickleFault('makes a tensor of something else than storage, offset, shape and strides');
  if (lengths.length !== steps.length || lengths.length > MOST_AXES)
    throw pickleFault(`makes a tensor with ${lengths.length} lengths and ${steps.length} strides`);
  const element = type ?? storage.type;
  const available = Math.floor(storage.bytes / elementBytes(element));
  const last = lengths.reduce((sum, length, axis) => sum + (length - 1) * (steps[axis] ?? 0), offset);
  if (!lengths.includes(0) && !(last < available)) {
    const what = `a tensor ${formatShape(lengths)} with strides ${formatShape(steps)} from ${offset}`;
    throw pickleFault(
      `makes ${what}, which reaches beyond the ${available} numbers of storage ${storage.key}`,
    );
  }
  if (!Number.isSafeInteger(product(lengths)))
    throw pickleFault(`makes a tensor of the impossible shape ${formatShape(lengths)}`);
  return new TensorRef(storage, element, offset, lengths, steps);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
