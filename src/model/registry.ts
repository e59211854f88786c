import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { z } from 'zod';
import { type ErrorPlace, messageOf, ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import { sha256File } from '../base/hash.js';
import type { ModelCard } from './card.js';
import { inFile } from './fault.js';
import { modelFingerprint } from './fingerprint.js';
import { requireFiniteWeights } from './finite.js';
import type { Graph } from './graph.js';
import { convertOnnx, openOnnx } from './onnx-read.js';
import { formatShape, inferShapes } from './shapes.js';
import { findTrunk } from './stages.js';
import { matchWeights, type WeightMatch } from './weights/match.js';
import { readWeights, unreadable, WEIGHT_EXTENSIONS, weightFormat } from './weights/read.js';
import { publishedClasses, zooGraph } from './zoo/index.js';
import { stridesFit } from './zoo/resnet.js';

export interface LoadedModel {
  readonly card: ModelCard;
  /** With `inputShape` [card.input.channels, card.input.size, card.input.size]. */
  readonly graph: Graph;
  /** Content address of graph, weights and input normalisation; independent of names, order and paths. */
  readonly fingerprint: string;
  /** What was dropped or chosen while loading, in words. */
  readonly notes: readonly string[];
  /** How the tensors of a weight file met the network's, by the network's names; absent for other files. */
  readonly match?: TensorMatch;
}

export type TensorMatch = Pick<WeightMatch, 'matched' | 'missing' | 'unexpected'>;

const word = z.string().trim().min(1);
const perChannel = z.array(z.number());
const cardSchema = z
  .strictObject({
    name: word,
    pretraining: word,
    architecture: word,
    file: word.optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits (lower case)')
      .optional(),
    randomSeed: z.int().min(0).max(0xffffffff).optional(),
    input: z.strictObject({
      size: z.int().min(8).max(4096),
      channels: z.union([z.literal(1), z.literal(3)]),
      order: z.enum(['RGB', 'BGR']).default('RGB'),
      scale: z.number().positive(),
      mean: perChannel,
      std: z.array(z.number().positive()),
    }),
    featureTensor: word.optional(),
    trainedOn: z.array(word).min(1).optional(),
    site: word.optional(),
    labels: z.array(word).min(1).optional(),
    license: z.string().optional(),
    citation: z.string().optional(),
    origin: z.string().optional(),
  })
  .superRefine((card, context) => {
    for (const key of ['mean', 'std'] as const) {
      const { length } = card.input[key];
      if (length === card.input.channels) continue;
      const message = `expected ${card.input.channels} numbers (one per channel), received ${length}`;
      context.addIssue({ code: 'custom', path: ['input', key], message });
    }
    if (card.file !== undefined && card.randomSeed !== undefined) {
      const message = 'expected either a file or a randomSeed, received both';
      context.addIssue({ code: 'custom', path: ['randomSeed'], message });
    }
    if (card.file === undefined && card.sha256 !== undefined) {
      context.addIssue({ code: 'custom', path: ['sha256'], message: 'expected only together with a file' });
    }
  });

/** Reads a model card `models/<name>.json`; throws IO or MODEL as `validateCard` does. */
export async function readCard(path: string): Promise<ModelCard> {
  return validateCard(await readJson(path, 'a model card'), { file: path });
}

/** The value of a JSON file that should be `what`. Throws IO, or MODEL where it is no JSON. */
export async function readJson(path: string, what: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ThawError('MODEL', `not ${what}: ${messageOf(cause)}.`, { file: path, cause });
  }
}

/** Checks a card from anywhere; throws MODEL naming every wrong field, what it should be and what it is. */
export function validateCard(value: unknown, place: ErrorPlace): ModelCard {
  const result = cardSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data as ModelCard;
  const faults = result.error.issues.map((issue) => {
    const field = issue.path.join('.') || 'the card';
    if (issue.code === 'custom') return `${field}: ${issue.message}`;
    const message = issue.message.replace(/^Invalid input: /, '').replace(/, received \w+$/, '');
    if (issue.code === 'unrecognized_keys') return `${field}: ${message}`;
    const missing = issue.code === 'invalid_type' && issue.input === undefined;
    return `${field}: ${message}${missing ? ', which is missing' : `, received ${quoted(issue.input)}`}`;
  });
  throw new ThawError('MODEL', `the model card is not valid: ${faults.join('; ')}.`, {
    ...place,
    hint: 'docs/models.md lists the fields of a card.',
  });
}

/** The beginning of a value's JSON. */
function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/**
 * Loads the network that a card describes; `folder` is what `card.file` is relative to.
 * Throws IO when the file cannot be read; MODEL when its hash is another, its content is broken or not supported, its
 * input does not fit the card, or weights of the backbone are missing.
 */
export async function loadModel(card: ModelCard, options: { readonly folder: string }): Promise<LoadedModel> {
  const path = card.file === undefined ? undefined : resolve(options.folder, card.file);
  if (path !== undefined && card.sha256 !== undefined) await expectHash(path, card.sha256);
  const { graph, notes, match } = path === undefined ? randomModel(card) : await readModel(card, path);
  const check = () => {
    inferShapes(graph);
    requireFiniteWeights(graph);
    findTrunk(graph, { featureTensor: card.featureTensor });
  };
  if (path === undefined) check();
  else inFile(path, check);
  const fingerprint = modelFingerprint(graph, card);
  return { card, graph, notes, fingerprint, ...(match === undefined ? {} : { match }) };
}

type ReadModel = Pick<LoadedModel, 'graph' | 'notes' | 'match'>;

function randomModel(card: ModelCard): ReadModel {
  const { channels, size } = card.input;
  const seed = card.randomSeed ?? 0;
  const graph = zooGraph(card.architecture, { channels, size, seed });
  return { graph, notes: [`${card.architecture} has random weights (seed ${seed})`] };
}

async function readModel(card: ModelCard, path: string): Promise<ReadModel> {
  const { channels, size } = card.input;
  if (extname(path).toLowerCase() === '.onnx') {
    const file = await openOnnx(path);
    const { graph, notes } = await convertOnnx(file, { inputSize: size });
    expectInput(card, graph, path);
    return { graph, notes };
  }
  const format = weightFormat(path);
  if (format === undefined) throw unreadable(path, ['.onnx', ...WEIGHT_EXTENSIONS]);
  const classes = publishedClasses(card.architecture);
  const graph = zooGraph(card.architecture, { channels, size, classes, seed: null });
  const { tensors, notes, strideIn } = await readWeights(path, format);
  if (strideIn !== undefined && !stridesFit(card.architecture, strideIn))
    throw new ThawError(
      'MODEL',
      `these are weights of a ResNet that halves the map in the first convolution of a block, ${card.architecture} does it in the second.`,
      { file: path, hint: `Set the card's architecture to ${card.architecture}-v1.` },
    );
  const { graph: filled, notes: words, ...match } = matchWeights(graph, tensors, path);
  return { graph: filled, notes: [...words, ...notes], match };
}

function expectInput(card: ModelCard, graph: Graph, file: string): void {
  const { channels, size } = card.input;
  const wanted = [channels, size, size];
  if (graph.inputShape.join() === wanted.join()) return;
  throw new ThawError(
    'MODEL',
    `the network expects images ${formatShape(graph.inputShape)}, the card says ${formatShape(wanted)}.`,
    { file, node: graph.input, hint: `Set input.channels and input.size of the card "${card.name}" to fit.` },
  );
}

async function expectHash(path: string, expected: string): Promise<void> {
  const received = await sha256File(path).catch((cause: unknown) => {
    throw ioError(cause, path, 'read');
  });
  if (received === expected) return;
  throw new ThawError('MODEL', `expects the SHA-256 ${expected}, received ${received}.`, {
    file: path,
    hint: 'The file is not the one the card was written for: fetch it again, or correct the card.',
  });
}
