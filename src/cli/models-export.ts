import type { ExportArguments } from './export-model.js';
import type { CommandBody } from './lazy.js';

export const modelsExport: CommandBody<ExportArguments> = {
  builder: (yargs) =>
    yargs
      .positional('trial', {
        type: 'string',
        demandOption: true,
        describe:
          'RUN/TRIAL: a run folder or its name, and the first digits of a trial id; with --best a run alone',
      })
      .option('out', {
        type: 'string',
        demandOption: true,
        describe: 'File to write: .onnx, or .safetensors with the names of torchvision',
      })
      .option('best', {
        type: 'boolean',
        default: false,
        describe: 'The trial with the highest AUROC on validation; the test set is not looked at',
      })
      .option('task', { type: 'string', describe: 'With --best: of this task' })
      .option('source', { type: 'string', describe: 'With --best: of this source' })
      .option('filter', { type: 'string', describe: "With --best: of these trials, --filter 'n<=200'" })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Write although the trial does not come out as it was recorded',
      })
      .option('cache', {
        type: 'string',
        describe: 'Folder for images and features [default: that of the run]',
      })
      .option('device', { type: 'string', describe: 'Where features are extracted [default: as the run]' })
      .option('extractor', { type: 'string', describe: 'What extracts them [default: as the run]' })
      .example('$0 models export runs/wrist/3fa9 --out wrist.onnx', 'the trial whose id begins with 3fa9')
      .example(
        '$0 models export wrist --best --task fracture --out wrist.onnx',
        'the best on validation',
      ) as never,
  handler: async (args) => (await import('./export-model.js')).exportModel(args),
};
