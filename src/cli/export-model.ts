import { basename, dirname, join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { exportTrial, HALF_ROUNDING } from '../execute/export-trial.js';
import { bestTrial, describeTrial, findTrial } from '../sweep/choose-trial.js';
import { parseFilter } from '../sweep/filter.js';
import { type OkRow, readLedger } from '../sweep/ledger.js';
import { readPlanned } from '../sweep/planned.js';
import { isRunFolder, readRunConfig } from '../sweep/run-folder.js';
import { deviceOf, extractorOf } from './options.js';
import { setStatus } from './outcome.js';
import { fromUser } from './paths.js';
import { createProgress, formatBytes } from './progress.js';
import { INTERRUPTED, stopOnSignals } from './signals.js';

export interface ExportArguments {
  readonly trial: string;
  readonly out: string;
  readonly best: boolean;
  readonly task: string | undefined;
  readonly source: string | undefined;
  readonly filter: string | undefined;
  readonly force: boolean;
  readonly cache: string | undefined;
  readonly device: string | undefined;
  readonly extractor: string | undefined;
}

/** What `thaw models export` does; apart from the command, so that `thaw --help` does not load it. */
export async function exportModel(args: ExportArguments): Promise<void> {
  const progress = createProgress();
  const { run, row } = args.best ? await chooseBest(args) : await chooseNamed(args);
  const config = await readRunConfig(run);
  progress.note(`exporting ${describeTrial(row)}`);
  try {
    const { file, bytes, exported, fromRecorded, fromTrained, testAuroc } = await exportTrial(run, row, {
      out: fromUser(args.out),
      force: args.force,
      cache: args.cache === undefined ? undefined : fromUser(args.cache),
      device: deviceOf(args.device ?? config.device),
      extractor: extractorOf(args.extractor ?? config.extractor),
      progress,
      signal: stopOnSignals((message) => progress.note(message)),
    });
    const rounding = fromRecorded <= HALF_ROUNDING ? ', which is their rounding to float16' : '';
    progress.note(
      `test logits differ from the recorded ones by ${fromRecorded.toExponential(1)} of their size${rounding}`,
    );
    progress.note(`the written network's differ from the trained one's by ${fromTrained.toExponential(1)}`);
    if (testAuroc.now !== testAuroc.recorded)
      progress.note(`test AUROC ${testAuroc.now} now, ${testAuroc.recorded} recorded`);
    const { license } = exported.provenance.source;
    if (license !== undefined) progress.note(`licence of the source: ${license}`);
    process.stdout.write(`${file} (${formatBytes(bytes)}, labels ${exported.labels.join(', ')})\n`);
  } catch (error) {
    if (!(error instanceof ThawError) || error.code !== 'ABORTED') throw error;
    process.stderr.write(`stopped: ${error.message}\n`);
    setStatus(INTERRUPTED);
  }
}

interface Chosen {
  readonly run: string;
  readonly row: OkRow;
}

async function chooseBest(args: ExportArguments): Promise<Chosen> {
  const run = await runOf(args.trial);
  const conditions = [
    args.task === undefined ? [] : `task=${args.task}`,
    args.source === undefined ? [] : `source=${args.source}`,
    args.filter ?? [],
  ];
  const { rows } = await readLedger(run);
  const planned = await readPlanned(run);
  const ids = planned === undefined ? undefined : new Set(planned.ids);
  const present = rows.filter(({ trial }) => ids?.has(trial) ?? true);
  return { run, row: bestTrial(present, parseFilter(conditions.flat().join(' ')), run) };
}

async function chooseNamed({ trial, task, source, filter }: ExportArguments): Promise<Chosen> {
  if (task !== undefined || source !== undefined || filter !== undefined)
    throw new ThawError('CONFIG', 'narrows the choice of --best, which is missing.', {
      node: task !== undefined ? '--task' : source !== undefined ? '--source' : '--filter',
    });
  const whole = (await isRunFolder(fromUser(trial))) || (await isRunFolder(join(fromUser('runs'), trial)));
  if (whole || !trial.includes('/'))
    throw new ThawError('CONFIG', 'names a run, not a trial of it.', {
      node: trial,
      hint: `Name a trial by the first digits of its id, ${trial}/3fa9 for one, or add --best for the one that validation prefers.`,
    });
  const run = await runOf(dirname(trial));
  const { rows } = await readLedger(run);
  return { run, row: findTrial(rows, basename(trial), run) };
}

/** A run folder, or the name of one below `runs/`. Throws CONFIG. */
async function runOf(name: string): Promise<string> {
  const folder = fromUser(name);
  const named = join(fromUser('runs'), name);
  if (!(await isRunFolder(folder)) && (await isRunFolder(named))) return named;
  await readRunConfig(folder);
  return folder;
}
