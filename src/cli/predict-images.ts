import { availableParallelism } from 'node:os';
import { ThawError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { SessionOptions } from '../features/session.js';
import { listImages, shownPath } from '../predict/files.js';
import { HeatMapFiles, type WantedLabels } from '../predict/heat-map-files.js';
import { ImageNetwork } from '../predict/network.js';
import { type OpenModelOptions, openModel } from '../predict/open-model.js';
import { predictImages } from '../predict/predict.js';
import { tableHeader, tableRow } from '../predict/table.js';
import { modelFile } from './models-folders.js';
import { deviceOf, extractorOf } from './options.js';
import { setStatus } from './outcome.js';
import { fromUser, userFolder } from './paths.js';
import { createProgress } from './progress.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

export interface PredictArguments {
  readonly model: string;
  readonly models: string | undefined;
  readonly images: readonly string[];
  readonly out: string | undefined;
  readonly logits: boolean;
  readonly heatmap: string | undefined;
  readonly label: readonly string[];
  readonly kind: OpenModelOptions['kind'];
  readonly geometry: OpenModelOptions['geometry'];
  readonly device: string;
  readonly extractor: string;
}

/** What `thaw predict` does; apart from the command, so that `thaw --help` does not load it. */
export async function predict(args: PredictArguments): Promise<void> {
  const progress = createProgress();
  if (args.label.length > 0 && args.heatmap === undefined)
    throw new ThawError('CONFIG', 'says of which labels heat maps are drawn, and there are none.', {
      node: '--label',
      hint: 'Add --heatmap FOLDER.',
    });
  const file = await modelFile(args.model, args.models);
  const model = await openModel(file, { kind: args.kind, geometry: args.geometry });
  const files = await listImages(args.images.map(fromUser));
  const options: SessionOptions = {
    device: deviceOf(args.device),
    extractor: extractorOf(args.extractor),
    threads: availableParallelism(),
  };
  const { labels } = model.reading;
  const table = { labels, logits: args.logits };
  const signal = stopOnSignals((message) => progress.note(message));
  await using network = await ImageNetwork.open(model, options);
  const { providerNote } = network.runtime;
  if (providerNote !== undefined && args.device !== 'cpu')
    progress.note(`warning: on the CPU, because ${providerNote}`);
  await using heat =
    args.heatmap === undefined
      ? undefined
      : await HeatMapFiles.open(fromUser(args.heatmap), model, wantedLabels(args.label), options);
  const lines = [tableHeader(table)];
  const write = (line: string) =>
    void (args.out === undefined ? process.stdout.write(line) : lines.push(line));
  if (args.out === undefined) process.stdout.write(lines[0]!);
  const task = progress.start('predict', files.length, 'images');
  let failed = 0;
  try {
    for await (const prediction of predictImages(network, model.reading, files, { signal })) {
      const isBroken = 'error' in prediction;
      if (isBroken) failed++;
      write(tableRow(prediction, shownPath(prediction.file, userFolder()), table));
      await heat?.draw(prediction);
      task.advance(1, isBroken ? 1 : 0);
    }
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write(`stopped: ${error.message}\n`);
    setStatus(INTERRUPTED);
    return;
  } finally {
    task.finish();
  }
  if (args.out !== undefined) await writeFileAtomic(fromUser(args.out), lines.join(''));
  if (failed === 0) return;
  process.stderr.write(
    `${failed} of ${files.length} images have no prediction; the column "error" says why\n`,
  );
  setStatus(1);
}

function wantedLabels(labels: readonly string[]): WantedLabels {
  if (labels.length === 0) return 'highest';
  return labels.length === 1 && labels[0] === 'all' ? 'all' : labels;
}
