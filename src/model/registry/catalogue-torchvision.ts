import type { CatalogueEntry } from './catalogue-entry.js';
import {
  DENSENET_PAPER,
  IMAGENET_INPUT,
  IMAGENET_PAPER,
  IMAGENET_TERMS,
  RESNET_PAPER,
} from './catalogue-inputs.js';

const SQUEEZENET_PAPER =
  'Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, arXiv:1602.07360';

/** Architecture, recipe as torchvision numbers them (IMAGENET1K_V1, _V2), first digits of the SHA-256 as in the file's name, paper. */
const published: readonly (readonly [architecture: string, recipe: 1 | 2, digits: string, paper: string])[] =
  [
    ['densenet121', 1, 'a639ec97', DENSENET_PAPER],
    ['densenet161', 1, '8d451a50', DENSENET_PAPER],
    ['densenet169', 1, 'b2777c0a', DENSENET_PAPER],
    ['densenet201', 1, 'c1103571', DENSENET_PAPER],
    ['resnet18', 1, 'f37072fd', RESNET_PAPER],
    ['resnet34', 1, 'b627a593', RESNET_PAPER],
    ['resnet50', 1, '0676ba61', RESNET_PAPER],
    ['resnet50', 2, '11ad3fa6', RESNET_PAPER],
    ['resnet101', 1, '63fe2227', RESNET_PAPER],
    ['resnet101', 2, 'cd907fc2', RESNET_PAPER],
    ['resnet152', 1, '394f9c45', RESNET_PAPER],
    ['resnet152', 2, 'f82ba261', RESNET_PAPER],
    ['squeezenet1_1', 1, 'b8a52dc0', SQUEEZENET_PAPER],
  ];

/** torchvision's weights from ImageNet-1k. Its files are called `<architecture>-<first 8 digits of the SHA-256>.pth`. */
export const torchvision: readonly CatalogueEntry[] = published.map(
  ([architecture, recipe, sha256, paper]) => ({
    card: {
      name: `${architecture}-imagenet${recipe === 1 ? '' : '-v2'}`,
      pretraining: 'imagenet',
      architecture,
      input: IMAGENET_INPUT,
      trainedOn: ['imagenet'],
      site: 'none (photographs)',
      license: `BSD-3-Clause (torchvision); ${IMAGENET_TERMS}`,
      citation: `${paper}; ${IMAGENET_PAPER}`,
      origin: `torchvision IMAGENET1K_V${recipe}, 1000 classes`,
    },
    url: `https://download.pytorch.org/models/${architecture}-${sha256}.pth`,
    sha256,
  }),
);
