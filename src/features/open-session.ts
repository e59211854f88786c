import { messageOf, ThawError } from '../base/errors.js';
import { CUDA_INSTALL_HINT, type Machine, missingBasics, probeCuda, thisMachine } from './cuda.js';
import { engineIsFaster, openEngine } from './engine-session.js';
import { firstLine, openOnnxruntime } from './onnxruntime-session.js';
import type { ProviderReport, Session, SessionOptions } from './session.js';

/** Looks which execution providers can run and what is missing for the others. Never throws. */
export function probeProviders(machine: Machine = thisMachine()): ProviderReport {
  return { cpu: true, cuda: probeCuda(machine), version: machine.version };
}

/**
 * Opens an ONNX file with one input and one output. Throws CONFIG for a device that is none or that the extractor does not
 * have, RUNTIME when a GPU is asked for and cannot be used (naming what is missing) and MODEL when the file is refused.
 */
export async function createSession(
  onnxPath: string,
  options: SessionOptions,
  machine: Machine = thisMachine(),
): Promise<Session> {
  const { device, extractor = 'auto' } = options;
  if (device === 'cpu') return openCpu(onnxPath, options);
  const deviceId = cudaDevice(device);
  if (extractor === 'engine') {
    if (device === 'auto') return openCpu(onnxPath, options);
    throw new ThawError('CONFIG', `expected auto or cpu for the extractor engine, received ${device}.`, {
      node: 'device',
      hint: 'Set `extractor: onnxruntime` to extract on a GPU.',
    });
  }
  const missing = machine.bindingFolder === undefined ? [] : missingBasics(machine);
  if (device === 'auto') {
    if (missing.length > 0) return openCpu(onnxPath, options, reasonFor(missing));
    try {
      return await openOnnxruntime(onnxPath, options, deviceId);
    } catch (error) {
      return openCpu(onnxPath, options, `CUDA does not start (${whyNotCuda(error, machine)})`);
    }
  }
  if (missing.length > 0) throw cudaUnavailable(device, `${missing.join(' and ')} not found`);
  try {
    return await openOnnxruntime(onnxPath, options, deviceId);
  } catch (cause) {
    throw cudaUnavailable(device, whyNotCuda(cause, machine), cause);
  }
}

function reasonFor(missing: readonly string[]): string {
  return missing.includes('NVIDIA driver')
    ? 'there is no NVIDIA driver here'
    : `the CUDA provider is not installed (no ${missing.join(', ')})`;
}

/** The libraries that are missing where that is the reason, else the words of onnxruntime. */
function whyNotCuda(error: unknown, machine: Machine): string {
  const { missing } = probeCuda(machine);
  return missing.length > 0
    ? `missing: ${missing.join(', ')}`
    : firstLine(error instanceof ThawError ? error.summary : messageOf(error));
}

/** `note`: why not on a GPU. */
async function openCpu(onnxPath: string, options: SessionOptions, note?: string): Promise<Session> {
  const { extractor = 'auto', threads } = options;
  if (extractor === 'engine') return openEngine(onnxPath, threads, note);
  if (extractor === 'auto' && engineIsFaster()) {
    try {
      return await openEngine(onnxPath, threads, note);
    } catch (error) {
      // A network that the engine does not know, or a file that onnxruntime then has its own word on.
      if (!(error instanceof ThawError)) throw error;
    }
  }
  return openOnnxruntime(onnxPath, options, undefined, note);
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
