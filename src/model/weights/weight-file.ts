import type { Parameter, Shape } from '../graph.js';

/** One tensor as a weight file lists it. */
export interface TensorEntry {
  readonly name: string;
  /** Element type by its safetensors name: F32, I64 … */
  readonly type: string;
  readonly shape: Shape;
}

/** The weights of a file, by the names that the file gives them. */
export interface WeightFile {
  readonly tensors: ReadonlyMap<string, Parameter>;
  /** Where in the file they were, and what was left aside, in words. */
  readonly notes: readonly string[];
  /** Which convolution of a ResNet's bottleneck halves the map, where the format tells: see `strideIn` of zoo/resnet.ts. */
  readonly strideIn?: 'first';
}
