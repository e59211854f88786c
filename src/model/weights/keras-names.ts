import type { Parameter } from '../graph.js';

/** A variable of a Keras layer. */
export interface KerasVariable {
  /** Name of the layer: `conv2_block1_1_conv`. */
  readonly layer: string;
  /** `kernel`, `bias`, `gamma`, `beta`, `moving_mean` or `moving_variance`. */
  readonly variable: string;
  readonly value: Parameter;
}

/** Networks of keras.applications whose layers are known. */
export type KerasFamily = 'densenet' | 'resnet';

const VARIABLES = new Set(['kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance']);
/** Order of the variables in the layers of a `.weights.h5`, by their number. */
const ORDERS: Readonly<Record<number, readonly string[]>> = {
  1: ['kernel'],
  2: ['kernel', 'bias'],
  4: ['gamma', 'beta', 'moving_mean', 'moving_variance'],
};
const LAYER =
  /^(conv1_(conv|bn)|conv\d+_block\d+_\d_(conv|bn)|conv\d+_block\d+_preact_bn|pool\d_(conv|bn)|bn|post_bn|predictions|probs|fc1000)$/;

/** Layer and variable of `…/conv1/bn/gamma:0` or `…/conv1_bn/conv1_bn/gamma`; undefined for the names of others. */
export function kerasName(path: readonly string[]): { layer: string; variable: string } | undefined {
  const parts = path.flatMap((part) => part.split('/')).filter((part) => part !== '');
  const variable = (parts.pop() ?? '').replace(/:\d+$/, '');
  if (!VARIABLES.has(variable) || parts.length === 0) return undefined;
  // Until 2023 layers were called conv1/conv, which is now conv1_conv.
  const joined = parts.slice(-2).join('_');
  return { layer: LAYER.test(joined) ? joined : (parts.at(-1) as string), variable };
}

/** The name of variable `index` among `count` of a layer in a `.weights.h5`. */
export function kerasVariable(index: number, count: number): string | undefined {
  return ORDERS[count]?.[index];
}

/** Of which family the layers are; undefined for a network that is not known. */
export function kerasFamily(layers: ReadonlySet<string>): KerasFamily | undefined {
  if (layers.has('conv2_block1_0_bn') && !layers.has('conv2_block1_0_conv')) return 'densenet';
  if (layers.has('conv2_block1_3_conv') && layers.has('conv1_bn')) return 'resnet';
  return undefined;
}

/**
 * The layer of torchvision's network that is a layer of Keras's; undefined for heads of one's own. The blocks of Keras are
 * counted by the map's size, which the stem has halved once (conv1).
 */
export function torchLayer(layer: string, family: KerasFamily): string | undefined {
  if (/^(predictions|probs|fc1000)$/.test(layer)) return family === 'densenet' ? 'classifier' : 'fc';
  const [, stage = '', block = '', place = '', kind = ''] =
    /^conv(\d+)_block(\d+)_(\d)_(conv|bn)$/.exec(layer) ?? [];
  if (family === 'densenet') {
    if (layer === 'bn') return 'features.norm5';
    if (layer === 'conv1_conv') return 'features.conv0';
    if (layer === 'conv1_bn') return 'features.norm0';
    const [, pool = '', part = ''] = /^pool(\d)_(conv|bn)$/.exec(layer) ?? [];
    if (pool !== '') return `features.transition${Number(pool) - 1}.${part === 'bn' ? 'norm' : 'conv'}`;
    if (stage === '') return undefined;
    const name = kind === 'conv' ? `conv${place}` : `norm${Number(place) + 1}`;
    return `features.denseblock${Number(stage) - 1}.denselayer${block}.${name}`;
  }
  if (layer === 'conv1_conv') return 'conv1';
  if (layer === 'conv1_bn') return 'bn1';
  if (stage === '') return undefined;
  const name =
    place === '0' ? `downsample.${kind === 'conv' ? 0 : 1}` : `${kind === 'conv' ? 'conv' : 'bn'}${place}`;
  return `layer${Number(stage) - 1}.${Number(block) - 1}.${name}`;
}

/** The name that torchvision gives a variable. */
export function torchVariable(variable: string): string {
  const names: Readonly<Record<string, string>> = {
    kernel: 'weight',
    gamma: 'weight',
    beta: 'bias',
    moving_mean: 'running_mean',
    moving_variance: 'running_var',
  };
  return names[variable] ?? variable;
}
