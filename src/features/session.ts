import type { InferenceSession } from 'onnxruntime-node';
import { messageOf, ThawError } from '../base/errors.js';
import {
  CUDA_INSTALL_HINT,
  type CudaReport,
  type Machine,
  missingProviderFiles,
  onnxruntimePackage,
  probeCuda,
  thisMachine,
} from './cuda.js';

/** `auto` tries CUDA and falls back to the CPU; `cuda:1` is the second GPU. */
export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

export interface SessionOptions {
  readonly device: Device;
  /** Threads of one inference on the CPU. */
  readonly threads: number;
  /**
   * Whether idle inference threads spin for work (default true). Measured on 2 cores with DenseNet-121 and ResNet-50,
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
  /** The execution provider that really runs. */
  readonly provider: 'cpu' | 'cuda';
  /** Why not the first choice, when it is another. */
  readonly providerNote?: string;
  /** Shapes as the file states them; a free dimension is its name. */
  readonly inputShape: readonly (number | string)[];
  readonly outputShape: readonly (number | string)[];
  /**
   * Computes `output` from `input`; both have the given shapes. Blocks the event loop while it computes (from the next
   * turn on), so start everything that shall go on meanwhile before calling it.
   */
  run(
    input: Float32Array,
    inputShape: readonly number[],
    output: Float32Array,
    outputShape: readonly number[],
  ): Promise<void>;
  release(): Promise<void>;
}

/** Looks which execution providers can run and what is missing for the others. Never throws. */
export function probeProviders(machine: Machine = thisMachine()): ProviderReport {
  return { cpu: true, cuda: probeCuda(machine), version: machine.version };
}

/**
 * Opens an ONNX file with one input and one output in onnxruntime.
 * Throws CONFIG for a device that is none, RUNTIME when a GPU is asked for and cannot be used (naming what is missing)
 * and MODEL when onnxruntime refuses the file.
 */
export async function createSession(onnxPath: string, options: SessionOptions): Promise<Session> {
  if (options.device === 'cpu') return open(onnxPath, options, undefined);
  const deviceId = cudaDevice(options.device);
  const { bindingFolder } = onnxruntimePackage();
  const missing = bindingFolder === undefined ? [] : missingProviderFiles(bindingFolder);
  if (options.device === 'auto') {
    if (missing.length > 0)
      return open(onnxPath, options, undefined, `CUDA is not installed (no ${missing.join(', ')})`);
    try {
      return await open(onnxPath, options, deviceId);
    } catch (error) {
      return open(onnxPath, options, undefined, `CUDA does not start: ${firstLine(messageOf(error))}`);
    }
  }
  if (missing.length > 0) throw cudaUnavailable(options.device, `${missing.join(' and ')} not found`);
  try {
    return await open(onnxPath, options, deviceId);
  } catch (cause) {
    const { missing: libraries } = probeProviders().cuda;
    const reason = libraries.length > 0 ? `missing: ${libraries.join(', ')}` : firstLine(messageOf(cause));
    throw cudaUnavailable(options.device, reason, cause);
  }
}

/** GPU number of `auto`, `cuda` or `cuda:<number>`. */
function cudaDevice(device: string): number {
  if (device === 'auto') return 0;
  const match = /^cuda(?::(\d+))?$/.exec(device);
  if (match === null)
    throw new ThawError('CONFIG', `expected auto, cpu, cuda or cuda:<number>, received ${device}.`, {
      node: 'device',
    });
  return Number(match[1] ?? 0);
}

function cudaUnavailable(device: string, reason: string, cause?: unknown): ThawError {
  return new ThawError('RUNTIME', `device ${device} cannot be used: ${reason}.`, {
    hint: CUDA_INSTALL_HINT,
    cause,
  });
}

async function open(
  onnxPath: string,
  options: SessionOptions,
  cudaDeviceId: number | undefined,
  providerNote?: string,
): Promise<Session> {
  // Imported on first use: commands that run no network start without loading onnxruntime.
  const { InferenceSession, Tensor, env } = await import('onnxruntime-node');
  env.logLevel = 'error';
  const session = await create(InferenceSession, onnxPath, options, cudaDeviceId);
  const [input] = session.inputMetadata;
  const [output] = session.outputMetadata;
  const single = session.inputNames.length === 1 && session.outputNames.length === 1;
  if (!single || input?.isTensor !== true || output?.isTensor !== true)
    throw new ThawError(
      'MODEL',
      `expected one input and one output tensor, received inputs ${session.inputNames.join(', ')} and outputs ${session.outputNames.join(', ')}.`,
      { file: onnxPath },
    );
  return {
    provider: cudaDeviceId === undefined ? 'cpu' : 'cuda',
    ...(providerNote === undefined ? {} : { providerNote }),
    inputShape: input.shape,
    outputShape: output.shape,
    run: async (pixels, inputShape, features, outputShape) => {
      await session.run(
        { [input.name]: new Tensor('float32', pixels, inputShape) },
        { [output.name]: new Tensor('float32', features, outputShape) },
      );
    },
    release: () => session.release(),
  };
}

async function create(
  factory: typeof InferenceSession,
  onnxPath: string,
  options: SessionOptions,
  cudaDeviceId: number | undefined,
): Promise<InferenceSession> {
  try {
    return await factory.create(onnxPath, {
      executionProviders:
        cudaDeviceId === undefined ? ['cpu'] : [{ name: 'cuda', deviceId: cudaDeviceId }, 'cpu'],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      enableMemPattern: true,
      enableCpuMemArena: true,
      logSeverityLevel: 3,
      extra: { session: { intra_op: { allow_spinning: options.spin === false ? '0' : '1' } } },
    });
  } catch (cause) {
    throw new ThawError('MODEL', `onnxruntime cannot open the network: ${firstLine(messageOf(cause))}.`, {
      file: onnxPath,
      cause,
    });
  }
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/\.$/, '');
}
