import type { InferenceSession } from 'onnxruntime-node';
import { messageOf, ThawError } from '../base/errors.js';
import type { Session, SessionOptions } from './session.js';

/** Opens a file in onnxruntime, on a GPU where one is given. Throws MODEL for a file that it refuses. */
export async function openOnnxruntime(
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
    runtime: 'onnxruntime',
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

export function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/\.$/, '');
}
