import { basename, dirname, extname, resolve } from 'node:path';
import { ThawError } from '../../base/errors.js';
import { sha256File } from '../../base/hash.js';
import type { ModelCard, ModelInput } from '../card.js';
import { openOnnx } from '../onnx-read.js';
import { readCard } from '../registry.js';
import { stemWeight } from '../weights/adapt.js';
import { listWeights, unreadable, WEIGHT_EXTENSIONS, weightFormat } from '../weights/read.js';
import { publishedClasses, zooGraph } from '../zoo/index.js';
import { type NewModel, type Registered, type RegisterOptions, registerModel } from './register.js';

/** What the user says about a file; what is not said is taken from the file where it tells. */
export interface ImportFacts extends Partial<Omit<ModelCard, 'file' | 'sha256' | 'randomSeed' | 'input'>> {
  readonly input: Partial<ModelInput>;
  /** The input of another model, for what `input` leaves open. */
  readonly like?: ModelInput | undefined;
}

/**
 * Registers a file of the user's: an `.onnx`, a weight file, or a card `.json` with the file that it names (of the facts only the
 * name counts then). Throws CONFIG for facts that are missing; errors else as `registerModel`.
 */
export async function importModel(
  file: string,
  facts: ImportFacts,
  folder: string,
  options: RegisterOptions = {},
): Promise<Registered> {
  const model =
    extname(file).toLowerCase() === '.json' ? await fromCard(file, facts.name) : await fromFile(file, facts);
  return registerModel(model, folder, options);
}

async function fromCard(path: string, name: string | undefined): Promise<NewModel> {
  const { file, sha256, ...card } = await readCard(path);
  const named = { ...card, name: name ?? card.name };
  if (file === undefined) return { card: named };
  const weights = resolve(dirname(path), file);
  if (sha256 !== undefined && (await sha256File(weights).catch(() => '')) !== sha256)
    throw new ThawError('MODEL', `expects the SHA-256 ${sha256} of its card.`, {
      file: weights,
      hint: 'The file is not there, or not the one that the card was written for.',
    });
  return { card: named, weights: { file: weights } };
}

async function fromFile(file: string, { input, like, ...facts }: ImportFacts): Promise<NewModel> {
  const stem = basename(file).replace(/\.(pth\.tar|[^.]+)$/i, '');
  const name = facts.name ?? stem.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[-_]+/, '');
  const onnx = extname(file).toLowerCase() === '.onnx';
  if (!onnx && weightFormat(file) === undefined)
    throw unreadable(file, ['.onnx', ...WEIGHT_EXTENSIONS, 'card .json']);
  const architecture =
    facts.architecture ??
    (onnx ? name : missing('--arch', 'names the built-in network that the weights are for'));
  const told = onnx ? await onnxInput(file) : { channels: await stemChannels(file, architecture) };
  const given = { order: 'RGB' as const, scale: 1 / 255, ...like, ...told, ...input };
  const complete: ModelInput = {
    order: given.order,
    scale: given.scale,
    size:
      given.size ??
      missing('--size', 'is the height and width of the images that the network was trained on'),
    channels: given.channels ?? 3,
    mean: given.mean ?? missing('--mean', NORMALISATION),
    std: given.std ?? missing('--std', NORMALISATION),
  };
  const card = { ...facts, name, pretraining: facts.pretraining ?? name, architecture, input: complete };
  return { card, weights: { file } };
}

const NORMALISATION =
  'says how pixels become the input; a wrong one does not fail, it costs accuracy. `--like NAME` takes that of another model';

function missing(option: string, what: string): never {
  throw new ThawError('CONFIG', `is missing: it ${what}.`, { node: option });
}

/** Channels and size of the input, where the file fixes them. */
async function onnxInput(file: string): Promise<Partial<ModelInput>> {
  const [, channels, height, width] = (await openOnnx(file)).inputs[0]?.shape ?? [];
  return {
    ...(channels === 1 || channels === 3 ? { channels } : {}),
    ...(typeof height === 'number' && height > 0 && height === width ? { size: height } : {}),
  };
}

/** Input channels of the first convolution in a weight file; those of the usual three where it is not found by its name. */
async function stemChannels(file: string, architecture: string): Promise<1 | 3> {
  const graph = zooGraph(architecture, {
    channels: 3,
    size: 224,
    classes: publishedClasses(architecture),
    seed: null,
  });
  const stem = stemWeight(graph);
  const entries = await listWeights(file, weightFormat(file)!);
  const found = entries.find(({ name }) => name === stem || name.endsWith(`.${stem}`));
  return found?.shape[1] === 1 ? 1 : 3;
}
