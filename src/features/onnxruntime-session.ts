import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf, ThawError } from '../base/errors.js';
import { type Placement, profiled, requireCuda } from './placement.js';
import type { Session, SessionOptions } from './session.js';

/** Side of the image with which a network whose file leaves it open is tried on a GPU. */
const USUAL_SIDE = 224;

/**
 * Opens a file in onnxruntime, on a GPU where one is given: the network is then run once and onnxruntime's own profile must say
 * that the GPU ran it. Throws MODEL for a file that onnxruntime refuses, RUNTIME where it ran elsewhere.
 */
export async function openOnnxruntime(
  onnxPath: string,
  options: SessionOptions,
  cudaDeviceId: number | undefined,
  providerNote?: string,
): Promise<Session> {
  // Imported on first use: commands that run no network start without loading onnxruntime.
  const { InferenceSession, Tensor, env } = await import('onnxruntime-node');
  // What goes wrong is thrown, and then said once, by us.
  env.logLevel = 'fatal';
  const { session, placement } = await open(InferenceSession, Tensor, onnxPath, options, cudaDeviceId);
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
    runtime: 'onnxruntime',
    ...(providerNote === undefined ? {} : { providerNote }),
    ...(placement === undefined ? {} : { placement }),
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

interface Opened {
  readonly session: InferenceSession;
  readonly placement?: Placement;
}

/** With a GPU: after one run on zeros that the profile shows to have been on it. */
async function open(
  factory: typeof InferenceSession,
  tensor: typeof Tensor,
  onnxPath: string,
  options: SessionOptions,
  cudaDeviceId: number | undefined,
): Promise<Opened> {
  if (cudaDeviceId === undefined) return { session: await create(factory, onnxPath, options, ['cpu']) };
  let session: InferenceSession | undefined;
  try {
    const kernels = await profiled(async (profileFilePrefix) => {
      const providers = [{ name: 'cuda', deviceId: cudaDeviceId }, 'cpu'] as const;
      session = await create(factory, onnxPath, options, providers, {
        enableProfiling: true,
        profileFilePrefix,
      });
      const [input] = session.inputMetadata;
      if (input?.isTensor === true) {
        const shape = input.shape.map((length, axis) =>
          typeof length === 'number' ? length : axis < 2 ? 1 : USUAL_SIDE,
        );
        const zeros = new Float32Array(shape.reduce((product, length) => product * length, 1));
        await session.run({ [input.name]: new tensor('float32', zeros, shape) });
      }
      session.endProfiling();
    });
    return { session: session as InferenceSession, placement: requireCuda(kernels) };
  } catch (error) {
    await session?.release();
    throw error;
  }
}

async function create(
  factory: typeof InferenceSession,
  onnxPath: string,
  options: SessionOptions,
  executionProviders: InferenceSession.SessionOptions['executionProviders'],
  profile: Pick<InferenceSession.SessionOptions, 'enableProfiling' | 'profileFilePrefix'> = {},
): Promise<InferenceSession> {
  try {
    return await factory.create(onnxPath, {
      ...(executionProviders === undefined ? {} : { executionProviders }),
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      enableMemPattern: true,
      enableCpuMemArena: true,
      logSeverityLevel: 4,
      extra: { session: { intra_op: { allow_spinning: options.spin === false ? '0' : '1' } } },
      ...profile,
    });
  } catch (cause) {
    throw new ThawError('MODEL', `onnxruntime cannot open the network: ${firstLine(messageOf(cause))}.`, {
      file: onnxPath,
      cause,
    });
  }
}

export function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/\.$/, '');
}
