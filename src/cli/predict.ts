import type { CommandBody } from './lazy.js';
import { MODELS_OPTION } from './models-folders.js';
import type { PredictArguments } from './predict-images.js';

export const predictCommand: CommandBody<PredictArguments> = {
  builder: (yargs) =>
    yargs
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe:
          'An .onnx that `thaw models export` wrote, a model card .json, or the name of a registered model',
      })
      .positional('images', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Image files (PNG, JPEG, TIFF, WebP, GIF, DICOM), folders, or patterns in quotes',
      })
      .option('out', { type: 'string', describe: 'CSV file [default: standard output]' })
      .option('models', MODELS_OPTION)
      .option('logits', {
        type: 'boolean',
        default: false,
        describe: 'Add a column of logits for each label',
      })
      .option('heatmap', {
        type: 'string',
        describe: 'Folder for Grad-CAM overlays, one PNG an image and label',
      })
      .option('label', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'Labels to draw heat maps of, or all [default: the most probable of each image]',
      })
      .option('kind', {
        choices: ['multilabel', 'multiclass'] as const,
        describe: 'With a model card: how outputs become probabilities, a sigmoid each or one softmax',
      })
      .option('geometry', {
        choices: ['fill', 'fit', 'crop'] as const,
        describe: 'With a model card: how images become square [default: fill]',
      })
      .option('device', { type: 'string', default: 'auto', describe: 'auto, cpu, cuda or cuda:<number>' })
      .option('extractor', {
        type: 'string',
        default: 'auto',
        describe: 'What runs the network: auto, onnxruntime or engine (ours, on the CPU)',
      })
      .example('$0 predict m.onnx scans/ --out scans.csv', 'all images below a folder')
      .example(
        "$0 predict m.onnx 'in/**/*.dcm' --heatmap heat --label Effusion",
        'with heat maps of one label',
      ) as never,
  handler: async (args) => (await import('./predict-images.js')).predict(args),
};
