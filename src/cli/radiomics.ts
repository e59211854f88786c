import type { CommandBody } from './lazy.js';
import type { RadiomicsArguments } from './measure-radiomics.js';

const list = { type: 'string', array: true, nargs: 1 } as const;
const pair = { type: 'number', array: true, nargs: 2 } as const;

export const radiomicsCommand: CommandBody<RadiomicsArguments> = {
  builder: (yargs) =>
    yargs
      .positional('images', {
        type: 'string',
        array: true,
        default: [],
        describe:
          'Image files (PNG, TIFF, DICOM, NIfTI, JPEG …), folders, patterns in quotes; or one table (.csv) with columns image, mask, label; or one config (.yaml) for its data set',
      })
      .option('out', {
        type: 'string',
        describe: 'Table to write, .csv or .parquet [default: CSV to standard output]',
      })
      .option('format', {
        choices: ['csv', 'parquet'] as const,
        describe: 'Of --out [default: by its extension]',
      })
      .option('list', {
        type: 'boolean',
        default: false,
        describe: 'Print the features: name, IBSI code, unit, source',
      })
      .option('threads', {
        alias: 'workers',
        type: 'number',
        describe: 'Images at a time [default: one a processor]',
      })
      .option('params', {
        type: 'string',
        describe: 'YAML file of settings, see docs/radiomics.md; flags win over it',
      })
      .option('set', {
        ...list,
        default: [],
        describe: 'Change a setting: ngtdmDistance=2, discretisation.range=[0,255]',
      })
      .group(
        [
          'features',
          'filter',
          'bins',
          'bin-width',
          'filtered-bins',
          'filtered-bin-width',
          'range',
          'resegment',
          'distance',
          'aggregation',
          'spacing',
          'non-finite',
        ],
        'Features:',
      )
      .option('features', {
        ...list,
        describe:
          'ibsi, all (with shape), paper79; or families (glcm), features (cm_contrast), IBSI codes, columns, by commas [default: ibsi]',
      })
      .option('filter', {
        ...list,
        describe:
          'original, log:1,2,3 (sigmas in mm), wavelet:coif1[:levels], lbp[:8:1:uniform], gradient, square, squareroot, logarithm, exponential; several times [default: original]',
      })
      .option('bins', {
        type: 'string',
        describe: 'Number of grey levels, or none for integers as they are [default: 32]',
      })
      .option('bin-width', {
        type: 'number',
        describe: 'Grey values a level, in place of a number of levels',
      })
      .option('filtered-bins', { type: 'string', describe: 'The same for filtered images [default: 32]' })
      .option('filtered-bin-width', { type: 'number', describe: 'The same for filtered images' })
      .option('range', {
        ...pair,
        describe: 'LOW HIGH: grey values from the first to the last level; what becomes 0 … 255 for paper79',
      })
      .option('resegment', { ...pair, describe: 'LOW HIGH: leave other grey values out of the region' })
      .option('distance', { ...list, describe: 'Distances of co-occurrence, by commas [default: 1]' })
      .option('aggregation', {
        ...list,
        describe: 'average, merge: directions of GLCM and GLRLM [default: both]',
      })
      .option('spacing', { type: 'number', describe: 'Resample to so many mm between pixels' })
      .option('non-finite', {
        type: 'string',
        describe: 'refuse or exclude: pixels that are no numbers [default: refuse]',
      })
      .group(['mask', 'label', 'any-position', 'field-box', 'slice'], 'Region:')
      .option('mask', {
        type: 'string',
        describe:
          'A mask for all, a folder with masks of the same names, or a template: masks/{stem}_mask.nii.gz',
      })
      .option('label', {
        ...list,
        describe: 'Values of the mask, by commas, or all: a row each [default: any value but 0]',
      })
      .option('any-position', {
        type: 'boolean',
        describe: 'Do not compare where image and mask lie by their headers',
      })
      .option('field-box', { type: 'string', describe: 'body or lung: a box that is found in each image' })
      .option('slice', {
        type: 'string',
        describe:
          'Of volumes: a number from 0, all (a row each), largest-mask, or volume (together) [default: volume]',
      })
      .group(['depth', 'window', 'pixel-size', 'data', 'original'], 'Images:')
      .option('depth', {
        type: 'string',
        describe:
          'full: values as the files have them; levels: 0 to 255 as a sweep sees them [default: full, levels for paper79]',
      })
      .option('window', {
        type: 'string',
        describe: 'Of DICOM levels: first, percentile, CENTER,WIDTH or a name [default: first]',
      })
      .option('pixel-size', {
        type: 'string',
        describe: 'MM or X,Y between pixels, in place of what the files say',
      })
      .option('data', { type: 'string', describe: 'Data set of the config, where it has several' })
      .option('original', {
        type: 'boolean',
        default: false,
        describe: "A config's files in their own size and depth, not as its trials see them",
      })
      .example('$0 radiomics scans/ --out features.csv', 'IBSI features of all images below a folder')
      .example(
        "$0 radiomics 'ct/*.nii.gz' --mask 'ct/{stem}_seg.nii.gz' --label 1,2 --bin-width 25 --out f.parquet",
        'of two regions of each volume',
      )
      .example(
        '$0 radiomics sweep.yaml --features paper79 --out f.csv',
        'of a data set, with patient, split and labels',
      )
      .epilogue(
        'A call that was stopped goes on where it was. Settings and hashes are written to OUT.json.',
      ) as never,
  handler: async (args) => (await import('./measure-radiomics.js')).measureRadiomics(args),
};
