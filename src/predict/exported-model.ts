import { z } from 'zod';
import { messageOf, ThawError } from '../base/errors.js';
import type { NativeAugment } from '../engine/addon.js';
import type { View } from '../features/view.js';
import { augmentSchema, viewSchema } from '../features/view-schema.js';
import type { ImageLayout } from '../image/geometry.js';
import { layoutSchema } from '../image/store.js';
import type { ModelInput } from '../model/card.js';

/** How the outputs of a network become probabilities: a sigmoid each, or a softmax over all. */
export type OutputKind = 'multilabel' | 'binary' | 'multiclass';

/** Everything that decides what a network says about an image file, besides its weights. */
export interface ImageReading {
  readonly kind: OutputKind;
  /** [outputs] */
  readonly labels: readonly string[];
  /** How a file becomes stored pixels. */
  readonly images: ImageLayout;
  /** How stored pixels become the network's input. */
  readonly input: Omit<ModelInput, 'size'>;
  /** The training's augmentation, of which only the resize and the central crop count. */
  readonly augment: NativeAugment;
  /** Logits are averaged over these. */
  readonly views: readonly View[];
}

/** What a file of `thaw models export` says about itself, beside the weights. */
export interface ExportedModel extends ImageReading {
  readonly format: 1;
  readonly task: string;
  /** [outputs] probability from which on a label is called present, chosen on validation; null where it is not defined. */
  readonly thresholds: readonly (number | null)[];
  readonly provenance: {
    /** Name of the sweep and id of the trial. */
    readonly run: string;
    readonly trial: string;
    /** The trial's spec: settings, seed, fingerprints. */
    readonly spec: Readonly<Record<string, unknown>>;
    readonly trainImages: number;
    readonly trainPatients: number;
    readonly validationAuroc: number | null;
    readonly testAuroc: number | null;
    /** The data set that the source's weights have seen images of, where the test images may be among them. */
    readonly seenData?: string | undefined;
    readonly source: {
      readonly name: string;
      readonly pretraining: string;
      readonly architecture: string;
      readonly license?: string | undefined;
      readonly citation?: string | undefined;
      readonly origin?: string | undefined;
    };
    readonly thaw: string;
  };
}

/** Under which the metadata of a file hold an exported model, as JSON. */
export const METADATA_KEY = 'thaw';

const count = z.int().nonnegative();
const channels = z.union([z.literal(1), z.literal(3)]);
const schema: z.ZodType<ExportedModel> = z
  .object({
    format: z.literal(1),
    kind: z.enum(['multilabel', 'binary', 'multiclass']),
    task: z.string(),
    labels: z.array(z.string().min(1)).min(1),
    thresholds: z.array(z.number().nullable()),
    images: layoutSchema,
    input: z.object({
      channels,
      order: z.enum(['RGB', 'BGR']),
      scale: z.number().positive(),
      mean: z.array(z.number()),
      std: z.array(z.number().positive()),
    }),
    augment: augmentSchema,
    views: z.array(viewSchema).min(1),
    provenance: z.object({
      run: z.string(),
      trial: z.string(),
      spec: z.record(z.string(), z.unknown()),
      trainImages: count,
      trainPatients: count,
      validationAuroc: z.number().nullable(),
      testAuroc: z.number().nullable(),
      seenData: z.string().optional(),
      source: z.object({
        name: z.string(),
        pretraining: z.string(),
        architecture: z.string(),
        license: z.string().optional(),
        citation: z.string().optional(),
        origin: z.string().optional(),
      }),
      thaw: z.string(),
    }),
  })
  .refine(({ input }) => input.mean.length === input.channels && input.std.length === input.channels, {
    path: ['input'],
    error: 'expected one mean and std a channel',
  });

export function exportedMetadata(model: ExportedModel): Record<string, string> {
  return { [METADATA_KEY]: JSON.stringify(model) };
}

/** What a file's metadata say; undefined for a file of another program. Throws MODEL for metadata that are no longer valid. */
export function readExportedModel(
  metadata: ReadonlyMap<string, string>,
  file: string,
): ExportedModel | undefined {
  const text = metadata.get(METADATA_KEY);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : messageOf(cause);
    throw new ThawError('MODEL', `the metadata "${METADATA_KEY}" cannot be read: ${reason}.`, {
      file,
      hint: 'Export the trial again with this version of thaw.',
      cause,
    });
  }
}
