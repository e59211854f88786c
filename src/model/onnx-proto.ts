import protobuf from 'protobufjs/light.js';
import { messageOf, ThawError } from '../base/errors.js';

/**
 * The part of ONNX's protobuf messages that networks of this project use: names, field numbers and element types are
 * those of the ONNX standard (onnx.proto, IR version 3 and up). Fields that are not declared here (sub-graphs,
 * training info, functions, documentation) are skipped when reading.
 */
const messages = {
  ModelProto: {
    irVersion: field('int64', 1),
    producerName: field('string', 2),
    producerVersion: field('string', 3),
    graph: field('GraphProto', 7),
    opsetImport: repeated('OperatorSetIdProto', 8),
    metadataProps: repeated('StringStringEntryProto', 14),
  },
  OperatorSetIdProto: { domain: field('string', 1), version: field('int64', 2) },
  GraphProto: {
    node: repeated('NodeProto', 1),
    name: field('string', 2),
    initializer: repeated('TensorProto', 5),
    input: repeated('ValueInfoProto', 11),
    output: repeated('ValueInfoProto', 12),
  },
  NodeProto: {
    input: repeated('string', 1),
    output: repeated('string', 2),
    name: field('string', 3),
    opType: field('string', 4),
    attribute: repeated('AttributeProto', 5),
    domain: field('string', 7),
  },
  AttributeProto: {
    name: field('string', 1),
    f: field('float', 2),
    i: field('int64', 3),
    s: field('bytes', 4),
    t: field('TensorProto', 5),
    floats: repeated('float', 7),
    ints: repeated('int64', 8),
    type: field('int32', 20),
  },
  TensorProto: {
    dims: repeated('int64', 1),
    dataType: field('int32', 2),
    floatData: repeated('float', 4),
    int32Data: repeated('int32', 5),
    int64Data: repeated('int64', 7),
    name: field('string', 8),
    rawData: field('bytes', 9),
    doubleData: repeated('double', 10),
    externalData: repeated('StringStringEntryProto', 13),
    dataLocation: field('int32', 14),
  },
  StringStringEntryProto: { key: field('string', 1), value: field('string', 2) },
  ValueInfoProto: { name: field('string', 1), type: field('TypeProto', 2) },
  TypeProto: { tensorType: field('TensorTypeProto', 1) },
  TensorTypeProto: { elemType: field('int32', 1), shape: field('TensorShapeProto', 2) },
  TensorShapeProto: { dim: repeated('DimensionProto', 1) },
  DimensionProto: { dimValue: field('int64', 1), dimParam: field('string', 2) },
};

/** TensorProto.DataType */
export const DATA_TYPE = {
  float: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11,
  bfloat16: 16,
} as const;

/** AttributeProto.AttributeType */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

/** TensorProto.DataLocation of a tensor whose bytes lie in another file. */
export const EXTERNAL = 1;

/** A 64-bit integer as protobufjs hands it out; `toNumber` of this file turns it into a JavaScript number. */
export type Int64 = number | { toNumber(): number };

export interface ModelProto {
  readonly irVersion: Int64;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly graph: GraphProto | null;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}
export type DecodedModel = Omit<ModelProto, 'graph' | 'irVersion'> & { readonly graph: GraphProto };
export interface OperatorSetIdProto {
  readonly domain: string;
  readonly version: Int64;
}
export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string;
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}
export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly attribute: readonly AttributeProto[];
  readonly domain: string;
}
export interface AttributeProto {
  readonly name: string;
  readonly f: number;
  readonly i: Int64;
  readonly s: Uint8Array;
  readonly t: TensorProto | null;
  readonly floats: readonly number[];
  readonly ints: readonly Int64[];
  readonly type: number;
}
export interface TensorProto {
  readonly dims: readonly Int64[];
  readonly dataType: number;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly Int64[];
  readonly name: string;
  readonly rawData: Uint8Array;
  readonly doubleData: readonly number[];
  readonly externalData: readonly { readonly key: string; readonly value: string }[];
  readonly dataLocation: number;
}
export interface ValueInfoProto {
  readonly name: string;
  readonly type: { readonly tensorType: TensorTypeProto | null } | null;
}
export interface TensorTypeProto {
  readonly elemType: number;
  readonly shape: { readonly dim: readonly { readonly dimValue: Int64; readonly dimParam: string }[] } | null;
}

/** What is written: the same messages with every field optional and plain numbers. */
export type Draft<T> = T extends Uint8Array | string | number
  ? T
  : T extends Int64
    ? number
    : T extends readonly (infer Item)[]
      ? readonly Draft<Item>[]
      : { readonly [Key in keyof T]?: Draft<NonNullable<T[Key]>> };

const modelType = declare().lookupType('ModelProto');

/**
 * Decodes the bytes of an `.onnx` file. Tensors' `rawData` are views of `bytes`, not copies.
 * Throws MODEL when the bytes are not a complete ONNX model.
 */
export function decodeModel(bytes: Uint8Array, file: string): DecodedModel {
  let model: ModelProto;
  try {
    model = modelType.decode(bytes) as unknown as ModelProto;
  } catch (cause) {
    throw notOnnx(file, `it cannot be decoded (${messageOf(cause)})`, cause);
  }
  const { graph } = model;
  if (graph === null || graph.node.length + graph.initializer.length === 0)
    throw notOnnx(file, 'it holds no graph');
  if (model.opsetImport.length === 0) throw notOnnx(file, 'it names no operator set');
  const { producerName, producerVersion, opsetImport, metadataProps } = model;
  return { producerName, producerVersion, opsetImport, metadataProps, graph };
}

export function encodeModel(model: Draft<ModelProto>): Uint8Array {
  return modelType.encode(model).finish();
}

/** Nearest JavaScript number; exact up to 2^53. */
export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber();
}

function declare(): protobuf.Root {
  const nested = Object.fromEntries(
    Object.entries(messages).map(([name, fields]) => [name, { fields: { ...fields } }]),
  );
  return protobuf.Root.fromJSON({ nested });
}

function field(type: string, id: number): protobuf.IField {
  return { type, id };
}

function repeated(type: string, id: number): protobuf.IField {
  return { rule: 'repeated', type, id };
}

function notOnnx(file: string, reason: string, cause?: unknown): ThawError {
  return new ThawError('MODEL', `not a complete ONNX model: ${reason}.`, {
    file,
    hint: 'Compare its size with the original: a broken download or copy looks like this.',
    cause,
  });
}
