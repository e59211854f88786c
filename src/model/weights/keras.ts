import { ThawError } from '../../base/errors.js';
import { listNames, placedIn } from '../fault.js';
import type { Parameter } from '../graph.js';
import { type ByteSource, withFile } from './byte-source.js';
import { FLOAT_BYTES, type FloatType, takeFloats } from './floats.js';
import { type Hdf5Array, readHdf5 } from './hdf5.js';
import {
  type KerasFamily,
  type KerasVariable,
  kerasFamily,
  kerasName,
  kerasVariable,
  torchLayer,
  torchVariable,
} from './keras-names.js';
import { openStoredArchive } from './stored-archive.js';
import type { TensorEntry, WeightFile } from './weight-file.js';

/** Keras's networks divide by sqrt(variance + 1.001e-5), those of torchvision and ours by sqrt(variance + 1e-5). */
const EPSILON_DIFFERENCE = 1.001e-5 - 1e-5;
const WEIGHTS_MEMBER = 'model.weights.h5';
const LARGEST_FILE = 2 ** 30;

/**
 * Reads the weights of a DenseNet or ResNet of keras.applications under torchvision's names: a model or its weights in `.h5`, and
 * Keras 3's `.weights.h5` and `.keras`. Kernels become [out, in, kh, kw]; a convolution's bias, of which our networks have none, is
 * taken off the running mean behind it. Throws IO when the file cannot be read; MODEL when it is damaged or of another network.
 */
export async function readKeras(path: string): Promise<WeightFile> {
  return withFile(path, (source) => readKerasBytes(source, path));
}

/** As `readKeras`, from bytes; `file` is named in errors. */
export async function readKerasBytes(source: ByteSource, file: string): Promise<WeightFile> {
  try {
    const arrays = await readArrays(source, file, ({ type }) => type in FLOAT_BYTES);
    const variables = variablesOf(arrays);
    return torchWeights(variables);
  } catch (error) {
    throw placedIn(file, error);
  }
}

/** The arrays that a Keras file lists; errors as `readKeras`. */
export async function listKeras(path: string): Promise<TensorEntry[]> {
  return withFile(path, async (source) =>
    (await readArrays(source, path, () => false)).map(({ path, groupName, type, shape }) => ({
      name: groupName === undefined ? path.join('/') : `${groupName}/${path.at(-1)}`,
      type,
      shape,
    })),
  );
}

async function readArrays(
  source: ByteSource,
  file: string,
  wanted: (array: Hdf5Array) => boolean,
): Promise<Hdf5Array[]> {
  if (source.size > LARGEST_FILE)
    throw new ThawError('MODEL', `expects a file of at most 1 GiB, received ${source.size} bytes.`, { file });
  const head = Buffer.from(await source.read(0, Math.min(source.size, 4)));
  if (head.toString('latin1') !== 'PK\x03\x04')
    return readHdf5(await source.read(0, source.size), file, wanted);
  const archive = await openStoredArchive(source, file, 'Keras');
  return readHdf5(await archive.read(WEIGHTS_MEMBER), file, wanted);
}

/** The floating-point arrays as variables of layers; those of optimizers and of unknown layers are left out. */
function variablesOf(arrays: readonly Hdf5Array[]): KerasVariable[] {
  const counts = new Map<string, number>();
  for (const { path } of arrays) {
    const group = path.slice(0, -1).join('/');
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const variables: KerasVariable[] = [];
  for (const { path, type, shape, groupName, bytes } of arrays) {
    if (bytes === undefined || path[0] === 'optimizer' || path[0] === 'optimizer_weights') continue;
    const value = { shape, data: takeFloats(bytes, type as FloatType) };
    const numbered = /^\d+$/.test(path.at(-1) ?? '') && path.at(-2) === 'vars';
    if (!numbered) {
      const name = kerasName(path);
      if (name !== undefined) variables.push({ ...name, value });
      continue;
    }
    if (groupName === undefined)
      throw new ThawError('MODEL', 'its layers have no names: it was saved by an early Keras 3.', {
        node: path.join('/'),
        hint: 'Load it in Keras and save it again with model.save_weights("model.weights.h5") of Keras 3.4 or newer, or as .h5.',
      });
    const variable = kerasVariable(Number(path.at(-1)), counts.get(path.slice(0, -1).join('/')) ?? 0);
    if (variable !== undefined) variables.push({ layer: groupName, variable, value });
  }
  return variables;
}

/** Variables of Keras layers under torchvision's names. Throws MODEL for a network that is not known. */
export function torchWeights(variables: readonly KerasVariable[]): WeightFile {
  const layers = new Set(variables.map(({ layer }) => layer));
  const family = kerasFamily(layers);
  if (family === undefined) throw unknownNetwork(layers);
  const byName = new Map<string, Parameter>();
  for (const { layer, variable, value } of variables) {
    const name = torchLayer(layer, family) ?? `keras:${layer}`;
    const key = `${name}.${torchVariable(variable)}`;
    if (byName.has(key))
      throw new ThawError('MODEL', `has two arrays for ${layer}/${variable}.`, {
        hint: 'Save the weights of one network alone.',
      });
    byName.set(key, variable === 'kernel' ? transposed(value, `${layer}/${variable}`) : value);
  }
  const folded = foldBiases(byName, family);
  widenVariances(byName);
  const notes = [
    `layers of Keras's ${family === 'densenet' ? 'DenseNet' : 'ResNet'} were renamed to torchvision's`,
  ];
  if (folded > 0) notes.push(`${folded} biases of convolutions were taken off the running means behind them`);
  return { tensors: byName, notes, ...(family === 'resnet' ? { strideIn: 'first' as const } : {}) };
}

function unknownNetwork(layers: ReadonlySet<string>): ThawError {
  const named = [...layers].some((layer) => layer.endsWith('_preact_bn'))
    ? 'holds a pre-activation ResNet (ResNetV2), which is not built in'
    : `holds no DenseNet or ResNet of keras.applications${layers.size === 0 ? '' : ` (its layers are ${listNames([...layers], 6)})`}`;
  return new ThawError('MODEL', `${named}.`, {
    hint: 'Export the model to ONNX: model.export("model.onnx", format="onnx") in Keras 3, or tf2onnx.',
  });
}

/** Kernels [kh, kw, in, out] → [out, in, kh, kw], matrices [in, out] → [out, in]. */
function transposed({ shape, data }: Parameter, node: string): Parameter {
  const outputs = shape.at(-1) ?? 0;
  const inputs = shape.at(-2) ?? 0;
  if (shape.length !== 4 && shape.length !== 2)
    throw new ThawError('MODEL', `expects a kernel of 2 or 4 dimensions, received ${shape.length}.`, {
      node,
    });
  const window = shape.slice(0, -2);
  const area = window.reduce((product, length) => product * length, 1);
  const moved = new Float32Array(data.length);
  for (let pixel = 0, from = 0; pixel < area; pixel++)
    for (let input = 0; input < inputs; input++)
      for (let output = 0; output < outputs; output++, from++)
        moved[(output * inputs + input) * area + pixel] = data[from] as number;
  return { shape: [outputs, inputs, ...window], data: moved };
}

/** γ (x + b − μ) / σ + β is γ (x − (μ − b)) / σ + β. Returns how many biases went so. */
function foldBiases(tensors: Map<string, Parameter>, family: KerasFamily): number {
  if (family !== 'resnet') return 0;
  let folded = 0;
  for (const [name, bias] of [...tensors]) {
    const mean = tensors.get(behind(name));
    if (mean === undefined || mean.data.length !== bias.data.length) continue;
    tensors.delete(name);
    const data = mean.data.map((value, index) => value - (bias.data[index] as number));
    tensors.set(behind(name), { shape: mean.shape, data });
    folded++;
  }
  return folded;
}

/** The running mean of the batch norm behind the convolution whose bias this is; another name for all other tensors. */
function behind(bias: string): string {
  const [, layer = '', place = ''] = /^(.*)conv(\d)\.bias$/.exec(bias) ?? [];
  if (place !== '') return `${layer}bn${place}.running_mean`;
  return bias.endsWith('downsample.0.bias') ? bias.replace('0.bias', '1.running_mean') : '';
}

function widenVariances(tensors: Map<string, Parameter>): void {
  for (const [name, { shape, data }] of tensors)
    if (name.endsWith('.running_var'))
      tensors.set(name, { shape, data: data.map((value) => value + EPSILON_DIFFERENCE) });
}
