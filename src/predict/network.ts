import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { addon, type NativeBatchAssembler } from '../engine/addon.js';
import { assembleOptions } from '../features/assemble.js';
import { defaultBatch } from '../features/batch.js';
import { createSession } from '../features/open-session.js';
import type { Session, SessionOptions } from '../features/session.js';
import { augmentedSide, nativeView, type View, viewSide } from '../features/view.js';
import { placedIn } from '../model/fault.js';
import type { Graph } from '../model/graph.js';
import { writeOnnx } from '../model/onnx-write.js';
import { renamed } from '../model/rename.js';
import { inferShapes, product } from '../model/shapes.js';
import type { ImageReading } from './exported-model.js';

/** Stored images in one file: uint8 [rows, size, size, channels]. */
export interface PixelFile {
  readonly dataPath: string;
  readonly rows: number;
}

type Reading = Pick<ImageReading, 'images' | 'input' | 'augment' | 'views'>;

export interface NetworkToOpen {
  readonly graph: Graph;
  readonly reading: Reading;
  /** Where the graph comes from, for messages. */
  readonly file: string;
}

/** Side of the network's input for a view, in pixels. */
export function inputSide(view: View, { images, augment }: Pick<ImageReading, 'images' | 'augment'>): number {
  return typeof view === 'string' ? augmentedSide(augment, images.size) : viewSide(view, images.size);
}

/** A network of one output, ready to look at stored images as it was trained to. Its owner disposes it (`await using`). */
export class ImageNetwork implements AsyncDisposable {
  private constructor(
    /** By the side of the input: the views of an image may differ in theirs. */
    private readonly sessions: ReadonlyMap<number, Session>,
    private readonly reading: Reading,
    /** Numbers of one image. */
    private readonly outputs: number,
    /** Images in one inference. */
    readonly batch: number,
  ) {}

  /**
   * The graph ends in the logits, or in a map where all views have one side. Throws MODEL for a graph that does not take the
   * images, and RUNTIME or CONFIG as `createSession` does.
   */
  static async open(
    { graph, reading, file }: NetworkToOpen,
    options: SessionOptions & { readonly batch?: number },
  ): Promise<ImageNetwork> {
    const { channels } = reading.input;
    if (graph.inputShape[0] !== channels)
      throw new ThawError('MODEL', `expected ${channels} channels, the network has ${graph.inputShape[0]}.`, {
        file,
        node: graph.input,
      });
    const sides = [...new Set(reading.views.map((view) => inputSide(view, reading)))];
    // What a view draws depends on the row, which is to be 0 for every image.
    const drawn = reading.views.some((view) => typeof view !== 'string');
    const batch = options.batch ?? (drawn ? 1 : Math.min(16, defaultBatch(Math.max(...sides))));
    const sessions = new Map<number, Session>();
    try {
      for (const side of sides) sessions.set(side, await openSession(graph, side, batch, options));
    } catch (error) {
      for (const session of sessions.values()) await session.release();
      throw placedIn(file, error);
    }
    const inputShape = [channels, sides[0]!, sides[0]!];
    const outputs = product(inferShapes(graph, { inputShape }).get(graph.output) ?? []);
    return new ImageNetwork(sessions, reading, outputs, batch);
  }

  /** What runs the network, and why not on the first choice. */
  get runtime(): Pick<Session, 'runtime' | 'provider' | 'providerNote'> {
    return [...this.sessions.values()][0]!;
  }

  /** [rows × outputs] mean over the views. Throws STORE when the pixels cannot be mapped. */
  async run(pixels: PixelFile, rows: Uint32Array): Promise<Float32Array> {
    const columns = this.outputs;
    const sum = new Float64Array(rows.length * columns);
    for (const view of this.reading.views) {
      const assembler = this.assembler(pixels, view);
      try {
        for (let first = 0; first < rows.length; first += this.batch) {
          const part = rows.subarray(first, first + this.batch);
          const values = await this.runBatch(assembler, part, inputSide(view, this.reading));
          for (let index = 0; index < part.length * columns; index++)
            sum[first * columns + index]! += values[index]!;
        }
      } finally {
        assembler.dispose();
      }
    }
    return Float32Array.from(sum, (value) => value / this.reading.views.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
  }

  /** [batch × outputs]; the batch is filled up with its last row, so that the network sees one shape. */
  private async runBatch(
    assembler: NativeBatchAssembler,
    rows: Uint32Array,
    side: number,
  ): Promise<Float32Array> {
    const filled = Uint32Array.from(
      { length: this.batch },
      (_, index) => rows[Math.min(index, rows.length - 1)]!,
    );
    const inputShape = [this.batch, this.reading.input.channels, side, side];
    const images = new Float32Array(product(inputShape));
    await assembler.assemble(filled, images);
    const session = this.sessions.get(side)!;
    const outputShape = [this.batch, ...session.outputShape.slice(1).map(Number)];
    const values = new Float32Array(product(outputShape));
    await session.run(images, inputShape, values, outputShape);
    return values;
  }

  private assembler({ dataPath, rows }: PixelFile, view: View): NativeBatchAssembler {
    const { BatchAssembler } = addon();
    const { images, input, augment } = this.reading;
    const options = assembleOptions({ dataPath, rows, layout: images }, { ...input, size: images.size });
    return new BatchAssembler(options, nativeView(view, augment));
  }
}

/** Opens a graph for one shape of input; sessions are made from files. */
async function openSession(
  graph: Graph,
  side: number,
  batch: number,
  options: SessionOptions,
): Promise<Session> {
  const inputShape = [graph.inputShape[0] ?? 0, side, side];
  const folder = await mkdtemp(join(tmpdir(), 'thaw-network-'));
  try {
    const path = join(folder, 'network.onnx');
    const names = { input: 'images', output: 'outputs', weights: 'numbered' } as const;
    await writeFileAtomic(path, writeOnnx(renamed(graph, names), { inputShape, batch }));
    return await createSession(path, options);
  } catch (cause) {
    if (!(cause instanceof ThawError) || cause.place.file === undefined) throw cause;
    // The file that the user knows is another one.
    const { file: _, ...place } = cause.place;
    const hint = cause.hint === undefined ? {} : { hint: cause.hint };
    throw new ThawError(cause.code, cause.summary, { ...place, ...hint, cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
