import type { ModelInput } from '../card.js';
import type { CatalogueEntry } from './catalogue-entry.js';
import { DENSENET_PAPER, RESNET_PAPER } from './catalogue-inputs.js';

const RELEASE = 'https://github.com/mlmed/torchxrayvision/releases/download/v1/';
const PAPERS =
  'Cohen et al., TorchXRayVision, MIDL 2022, arXiv:2111.00595; Cohen et al., On the limits of cross-domain generalization in automated X-ray prediction, MIDL 2020, arXiv:2002.02497';

/** One channel from -1024 to 1024. */
const INPUT: ModelInput = { size: 224, channels: 1, order: 'RGB', scale: 2048 / 255, mean: [1024], std: [1] };

const LABELS = [
  'Atelectasis',
  'Consolidation',
  'Infiltration',
  'Pneumothorax',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Effusion',
  'Pneumonia',
  'Pleural_Thickening',
  'Cardiomegaly',
  'Nodule',
  'Mass',
  'Hernia',
  'Lung Lesion',
  'Fracture',
  'Lung Opacity',
  'Enlarged Cardiomediastinum',
];
/** What CheXpert's labeller knows of them. */
const CHEXPERT_LABELS = [
  'Atelectasis',
  'Consolidation',
  'Pneumothorax',
  'Edema',
  'Effusion',
  'Pneumonia',
  'Cardiomegaly',
  'Lung Lesion',
  'Fracture',
  'Lung Opacity',
  'Enlarged Cardiomediastinum',
];

interface Published {
  /** As torchxrayvision calls the weights, after `densenet121-res224-`. */
  readonly weights: string;
  /** Beginning of the file's name. */
  readonly file: string;
  /** `kind` of the data sets in configs. The images of RSNA's challenge are ChestX-ray14's. */
  readonly trainedOn: readonly string[];
  /** Those that were trained; the classifier has an output for each of `LABELS`. */
  readonly labels: readonly string[];
}

const densenets: readonly Published[] = [
  {
    weights: 'all',
    file: 'nih-pc-chex-mimic_ch-google-openi-kaggle',
    trainedOn: ['chestxray14', 'padchest', 'chexpert', 'mimic-cxr-jpg', 'openi', 'rsna-pneumonia'],
    labels: LABELS,
  },
  { weights: 'nih', file: 'nih', trainedOn: ['chestxray14'], labels: LABELS.slice(0, 14) },
  { weights: 'pc', file: 'pc', trainedOn: ['padchest'], labels: [...LABELS.slice(0, 14), 'Fracture'] },
  { weights: 'chex', file: 'chex', trainedOn: ['chexpert'], labels: CHEXPERT_LABELS },
  { weights: 'mimic_nb', file: 'mimic_nb', trainedOn: ['mimic-cxr-jpg'], labels: CHEXPERT_LABELS },
  { weights: 'mimic_ch', file: 'mimic_ch', trainedOn: ['mimic-cxr-jpg'], labels: CHEXPERT_LABELS },
  {
    weights: 'rsna',
    file: 'kaggle',
    trainedOn: ['rsna-pneumonia', 'chestxray14'],
    labels: ['Pneumonia', 'Lung Opacity'],
  },
];

const shared = {
  site: 'chest',
  license: "Apache-2.0 (torchxrayvision); the data sets' own terms: research",
};

/**
 * torchxrayvision's networks. The DenseNets are published as pickled modules, which are programs and not read; the ResNet as a
 * state dict, which is.
 */
export const torchxrayvision: readonly CatalogueEntry[] = [
  ...densenets.map(({ weights, file, trainedOn, labels }): CatalogueEntry => {
    const name = `densenet121-res224-${weights}`;
    return {
      card: {
        name: `xrv-densenet121-${weights.replace('_', '-')}`,
        pretraining: `xrv-${weights.replace('_', '-')}`,
        architecture: 'densenet121',
        input: INPUT,
        trainedOn,
        labels,
        ...shared,
        citation: `${PAPERS}; ${DENSENET_PAPER}`,
        origin: `torchxrayvision ${name}`,
      },
      url: `${RELEASE}${file}-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt`,
      convert: {
        reason: 'is published as a pickled model, a program that is not run here',
        python: [
          'import torch, torchxrayvision as xrv',
          `torch.save(xrv.models.DenseNet(weights="${name}").state_dict(), "FILE")`,
        ],
      },
    };
  }),
  {
    card: {
      name: 'xrv-resnet50-all',
      pretraining: 'xrv-all-512',
      architecture: 'resnet50',
      input: { ...INPUT, size: 512 },
      trainedOn: ['padchest', 'chestxray14', 'rsna-pneumonia', 'siim-acr', 'vindr-cxr'],
      labels: LABELS,
      ...shared,
      citation: `${PAPERS}; ${RESNET_PAPER}`,
      origin: 'torchxrayvision resnet50-res512-all',
    },
    url: `${RELEASE}pc-nih-rsna-siim-vin-resnet50-test512-e400-state.pt`,
  },
];
