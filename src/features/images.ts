import type { ImageLayout } from '../image/geometry.js';
import type { IngestRun } from '../image/ingest.js';
import type { ImageStore } from '../image/store.js';

/** The images to look at: a complete image store, or one that is still being made. */
export interface FeatureImages {
  /** Content address of the image store. */
  readonly id: string;
  /** uint8 [rows, size, size, channels], in its full length once row 0 is ready; may change when the store is complete. */
  readonly dataPath: string;
  readonly rows: number;
  readonly layout: ImageLayout;
  /** Resolves when the first `rows` rows can be read; absent for a complete store. */
  ready?(rows: number): Promise<void>;
  /** Rows without an image, known when all are decoded. */
  quarantine(): readonly number[] | Promise<readonly number[]>;
}

/** The images of a complete store. */
export function storedImages(store: ImageStore): FeatureImages {
  const { id, rows, layout, quarantine } = store.index;
  return { id, rows, layout, dataPath: store.dataPath, quarantine: () => quarantine.map(({ row }) => row) };
}

/** The images of a running ingest: extraction follows it row by row. */
export function ingestedImages(run: IngestRun, layout: ImageLayout): FeatureImages {
  return {
    id: run.id,
    rows: run.rows,
    layout,
    get dataPath() {
      return run.dataPath;
    },
    ready: (rows) => run.ready(rows),
    quarantine: async () => (await run.done).index.quarantine.map(({ row }) => row),
  };
}
