import type { CudaReport } from './cuda.js';
import type { Placement } from './placement.js';

/** `auto` tries CUDA and falls back to the CPU; `cuda:1` is the second GPU. */
export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

/**
 * What runs the frozen network: onnxruntime, or on the CPU our own engine; `auto` takes the engine on the CPU where it is the
 * faster one (with AVX-512) and knows all operators of the network.
 */
export const EXTRACTORS = ['auto', 'onnxruntime', 'engine'] as const;
export type Extractor = (typeof EXTRACTORS)[number];

export interface SessionOptions {
  readonly device: Device;
  /** Default: `auto`. */
  readonly extractor?: Extractor;
  /** Threads of one inference on the CPU. */
  readonly threads: number;
  /**
   * Whether idle threads of onnxruntime spin for work (default true). Measured on 2 cores with DenseNet-121 and ResNet-50,
   * batch 16: 1 to 3 % faster with spinning when nothing else runs, 5 to 15 % slower when one other thread is busy, as
   * it is while images are still being decoded.
   */
  readonly spin?: boolean;
}

/** What onnxruntime can run on here; `thaw doctor` shows it. */
export interface ProviderReport {
  /** Part of the npm package, always there. */
  readonly cpu: true;
  readonly cuda: CudaReport;
  /** Version of the onnxruntime-node package, 'unknown' where it is not installed. */
  readonly version: string;
}

/** A network with one input and one output, ready to run. */
export interface Session {
  /** What really runs, and on what. */
  readonly runtime: Exclude<Extractor, 'auto'>;
  readonly provider: 'cpu' | 'cuda';
  /** Why not the first choice, when it is another. */
  readonly providerNote?: string;
  /** On a GPU: how many kernels each execution provider ran of one batch, as onnxruntime's profile says. */
  readonly placement?: Placement;
  /** Shapes as the file states them; a free dimension is its name. */
  readonly inputShape: readonly (number | string)[];
  readonly outputShape: readonly (number | string)[];
  /**
   * Computes `output` from `input`; both have the given shapes. onnxruntime blocks the event loop while it computes (from
   * the next turn on), so start everything that shall go on meanwhile before calling it.
   */
  run(
    input: Float32Array,
    inputShape: readonly number[],
    output: Float32Array,
    outputShape: readonly number[],
  ): Promise<void>;
  release(): Promise<void>;
}
