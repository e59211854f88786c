import { group } from './lazy.js';

export const models = group([
  {
    command: 'list',
    describe: 'Show registered models, and published ones that can be pulled',
    load: async () => (await import('./models-list.js')).modelsList,
  },
  {
    command: 'pull <names..>',
    describe: 'Download published weights and register them',
    load: async () => (await import('./models-pull.js')).modelsPull,
  },
  {
    command: 'import <file>',
    describe: "Check a file of one's own from end to end and register it",
    load: async () => (await import('./models-import.js')).modelsImport,
  },
  {
    command: 'inspect <model>',
    describe: 'Show inputs, operators, parameters, stages and cuts of a model',
    load: async () => (await import('./models-inspect.js')).modelsInspect,
  },
  {
    command: 'verify [names..]',
    describe: 'Hold registered models against their SHA-256 and load them',
    load: async () => (await import('./models-verify.js')).modelsVerify,
  },
  {
    command: 'remove <names..>',
    describe: 'Take registered models off the disk',
    load: async () => (await import('./models-remove.js')).modelsRemove,
  },
  {
    command: 'export <trial>',
    describe: 'Write the trained network of a trial as ONNX, or its weights as safetensors',
    load: async () => (await import('./models-export.js')).modelsExport,
  },
]);
