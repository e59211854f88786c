import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, ThawError } from '../base/errors.js';

/** Number of kernels that each execution provider ran, by its name: `{ CUDAExecutionProvider: 120 }`. */
export type Placement = Readonly<Record<string, number>>;

interface Kernel {
  readonly operator: string;
  readonly provider: string;
}

/** Operators that do the work of a network; a session on the GPU leaves shape arithmetic to the CPU. */
const HEAVY = /^(Nhwc)?(Fused)?(Conv|MatMul|Gemm)/;
const CUDA = 'CUDAExecutionProvider';

const profile = z.array(
  z.object({
    cat: z.string(),
    name: z.string(),
    args: z.object({ op_name: z.string().optional(), provider: z.string().optional() }).optional(),
  }),
);

/**
 * Runs `work` with a prefix for the profile of a session and reads which provider ran which kernel from what onnxruntime has
 * written there. The profile must have ended when `work` resolves.
 */
export async function profiled(work: (prefix: string) => Promise<void>): Promise<Kernel[]> {
  const folder = await mkdtemp(join(tmpdir(), 'thaw-profile-'));
  try {
    await work(join(folder, 'run'));
    const [file] = await readdir(folder);
    if (file === undefined) throw new Error('onnxruntime has written no profile');
    return kernelsOf(await readFile(join(folder, file), 'utf8'));
  } catch (cause) {
    if (cause instanceof ThawError) throw cause;
    throw new ThawError('RUNTIME', `it cannot be seen where the network ran: ${messageOf(cause)}.`, {
      cause,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The kernels of a profile (Chrome trace format), those that ran as often as they ran. */
export function kernelsOf(text: string): Kernel[] {
  return profile.parse(JSON.parse(text)).flatMap(({ cat, name, args }) => {
    const { op_name: operator, provider } = args ?? {};
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || !operator || !provider) return [];
    return [{ operator, provider }];
  });
}

/**
 * Counts kernels by provider. Throws RUNTIME unless the GPU ran the network: some kernel, and every convolution and matrix
 * product.
 */
export function requireCuda(kernels: readonly Kernel[]): Placement {
  const placement: Record<string, number> = {};
  for (const { provider } of kernels) placement[provider] = (placement[provider] ?? 0) + 1;
  const elsewhere = kernels.filter(({ operator, provider }) => provider !== CUDA && HEAVY.test(operator));
  if (elsewhere.length === 0 && (placement[CUDA] ?? 0) > 0) return placement;
  const counts = Object.entries(placement).map(([provider, count]) => `${count} on ${provider}`);
  const first = elsewhere[0];
  const named = first === undefined ? '' : `, among them a ${first.operator}`;
  throw new ThawError(
    'RUNTIME',
    `expected the network to run on the GPU, onnxruntime ran ${counts.join(' and ') || 'nothing'}${named}.`,
    { hint: 'See with `thaw doctor` what CUDA lacks, or set `device: cpu`.' },
  );
}
