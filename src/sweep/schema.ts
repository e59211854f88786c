import { z } from 'zod';
import { BYTE_SIZE_FORMS, bytesOfSize } from './byte-size.js';
import { claimsSchema } from './claims-schema.js';
import type { DeviceChoice, ExtractorChoice } from './config.js';
import { dataSchema } from './data-schema.js';
import { distinct, expected, mapping, name, named, number, text } from './schema-words.js';
import { sourceSchema } from './source-schema.js';
import { taskSchema } from './task-schema.js';
import { exclusionSchema, gridSchema, trainingSchema, zipSchema } from './trial-schema.js';

const device = z.custom<DeviceChoice>(
  (value) => typeof value === 'string' && /^(auto|cpu|cuda(:\d+)?)$/.test(value),
  expected('auto, cpu, cuda or cuda:<number>'),
);

const extractor = z.custom<ExtractorChoice>(
  (value) => value === 'auto' || value === 'onnxruntime' || value === 'engine',
  expected('auto, onnxruntime or engine'),
);

const cacheLimit = z
  .custom<string | number>(
    (value) => (typeof value === 'string' || typeof value === 'number') && bytesOfSize(value) !== undefined,
    expected(BYTE_SIZE_FORMS),
  )
  .transform((value) => bytesOfSize(value)!);

/** A section that may be left empty (all of it commented out). */
function section<Inner extends z.ZodType>(inner: Inner, empty: unknown) {
  return z.preprocess((value) => value ?? empty, inner);
}

/** The whole config file. */
export const configSchema = mapping({
  name: name.optional(),
  out: text.optional(),
  cache: text.optional(),
  cacheLimit: cacheLimit.default(10e9),
  device: device.default('auto'),
  extractor: extractor.default('auto'),
  data: named('data sets', dataSchema),
  tasks: named('tasks', taskSchema),
  sources: named('sources', sourceSchema),
  training: section(trainingSchema, {}),
  grid: section(gridSchema, {}),
  zip: section(distinct(z.array(zipSchema, expected('a list of mappings'))), []),
  exclude: section(z.array(exclusionSchema, expected('a list of mappings')), []),
  claims: z.preprocess((value) => value ?? undefined, claimsSchema.optional()),
  alpha: number('a significance level above 0 and below 0.5', (value) => value > 0 && value < 0.5).optional(),
});
export type ConfigValue = z.infer<typeof configSchema>;
