import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ThawError } from '../base/errors.js';
import { ioError, writeFileAtomic } from '../base/files.js';
import { sha256 } from '../base/hash.js';
import type { EpochsDone } from '../train/network-training.js';
import type { BegunPass } from './parts.js';

/** All that going on with a training takes. */
export interface Checkpoint {
  /** Of the trial: settings and fingerprints of data, task and source. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly threads: number;
  readonly done: EpochsDone;
  /** Of the epoch after those, where the network is within one. */
  readonly begun?: BegunPass | undefined;
  /** State of the network. */
  readonly snapshot: Uint8Array;
}

const FORMAT = 'thaw-checkpoint-1';

const count = z.int().nonnegative();
/** NaN is null in JSON. */
const curve = z.array(z.number().nullable());
const headerSchema = z.object({
  format: z.literal(FORMAT),
  /** Of everything behind the header. */
  sha256: z.string(),
  spec: z.record(z.string(), z.unknown()),
  threads: count,
  trainLoss: curve,
  validationLoss: curve,
  validationAuroc: curve,
  trainSeconds: z.number(),
  validateSeconds: z.number(),
  begun: z.object({ epoch: count, steps: count }).nullable(),
  best: z
    .object({
      epoch: count,
      criterion: z.number().nullable(),
      logits: count,
      /** Names and lengths, in the order in which they follow. */
      weights: z.array(z.tuple([z.string(), count])),
    })
    .nullable(),
  snapshot: count,
});

/**
 * Writes a checkpoint in one file, atomically: a line of JSON, then the losses of the begun epoch (float64), logits and weights of the
 * best one (float32) and the network's state. Throws IO.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { done, begun, snapshot, spec, threads } = checkpoint;
  const { best, trainLoss, validationLoss, validationAuroc, ...seconds } = done;
  const parts = [begun?.losses, best?.logits, ...(best?.weights.values() ?? []), snapshot];
  const body = Buffer.concat(parts.flatMap((part) => (part === undefined ? [] : [bytesOf(part)])));
  const header: z.infer<typeof headerSchema> = {
    format: FORMAT,
    sha256: sha256(body),
    spec,
    threads,
    trainLoss: trainLoss.map(written),
    validationLoss: validationLoss.map(written),
    validationAuroc: validationAuroc.map(written),
    ...seconds,
    begun: begun === undefined ? null : { epoch: begun.epoch, steps: begun.losses.length },
    best:
      best === undefined
        ? null
        : {
            epoch: best.epoch,
            criterion: written(best.criterion),
            logits: best.logits.length,
            weights: [...best.weights].map(([name, values]) => [name, values.length]),
          },
    snapshot: snapshot.length,
  };
  await writeFileAtomic(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]));
}

/** The checkpoint at a path; undefined where there is none. Throws IO, RUNTIME for a file that is damaged. */
export async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw ioError(cause, path, 'read');
  });
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf('\n');
  try {
    const header = headerSchema.parse(JSON.parse(bytes.toString('utf8', 0, end)));
    const body = bytes.subarray(end + 1);
    if (sha256(body) !== header.sha256) throw new Error('its bytes do not have their checksum');
    return { ...assemble(header, body), spec: header.spec, threads: header.threads };
  } catch (cause) {
    throw new ThawError('RUNTIME', 'not a checkpoint, or a damaged one.', {
      file: path,
      hint: 'Begin the training anew with --restart.',
      cause,
    });
  }
}

function assemble(
  header: z.infer<typeof headerSchema>,
  body: Uint8Array,
): Pick<Checkpoint, 'done' | 'begun' | 'snapshot'> {
  let at = 0;
  const take = (length: number) => {
    const part = new Uint8Array(body.subarray(at, at + length));
    at += length;
    return part.buffer;
  };
  const floats = (length: number) => new Float32Array(take(4 * length));
  const { begun, best, trainLoss, validationLoss, validationAuroc, trainSeconds, validateSeconds } = header;
  const losses = begun === null ? undefined : new Float64Array(take(8 * begun.steps));
  const logits = best === null ? undefined : floats(best.logits);
  const weights = new Map(best?.weights.map(([name, length]) => [name, floats(length)]));
  return {
    begun: begun === null ? undefined : { epoch: begun.epoch, losses: losses! },
    done: {
      trainLoss: trainLoss.map(read),
      validationLoss: validationLoss.map(read),
      validationAuroc: validationAuroc.map(read),
      trainSeconds,
      validateSeconds,
      ...(best === null
        ? {}
        : { best: { epoch: best.epoch, criterion: read(best.criterion), logits: logits!, weights } }),
    },
    snapshot: new Uint8Array(take(header.snapshot)),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function written(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

function read(value: number | null): number {
  return value ?? Number.NaN;
}
