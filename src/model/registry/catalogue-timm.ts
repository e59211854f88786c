import type { CatalogueEntry } from './catalogue-entry.js';
import {
  DENSENET_PAPER,
  IMAGENET_INPUT,
  IMAGENET_PAPER,
  IMAGENET_TERMS,
  RESNET_PAPER,
} from './catalogue-inputs.js';

const TIMM_PAPER = 'Wightman, PyTorch Image Models, doi:10.5281/zenodo.4414861';
const A1_PAPER = 'Wightman et al., ResNet strikes back, arXiv:2110.00476';

/** Architecture, what timm calls the training, papers. */
const published: readonly (readonly [architecture: string, training: string, papers: string])[] = [
  ['densenet121', 'ra', `${DENSENET_PAPER}; ${TIMM_PAPER}`],
  ...['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152'].map(
    (architecture) => [architecture, 'a1', `${RESNET_PAPER}; ${A1_PAPER}`] as const,
  ),
];

/** timm's own trainings on ImageNet-1k, from Hugging Face; no digest is published in the address, the first that comes is pinned. */
export const timm: readonly CatalogueEntry[] = published.map(([architecture, training, papers]) => ({
  card: {
    name: `timm-${architecture}-${training}`,
    pretraining: 'imagenet',
    architecture,
    input: IMAGENET_INPUT,
    trainedOn: ['imagenet'],
    site: 'none (photographs)',
    license: `Apache-2.0 (timm); ${IMAGENET_TERMS}`,
    citation: `${papers}; ${IMAGENET_PAPER}`,
    origin: `timm ${architecture}.${training}_in1k, 1000 classes`,
  },
  url: `https://huggingface.co/timm/${architecture}.${training}_in1k/resolve/main/model.safetensors`,
  tokenVariable: 'HF_TOKEN',
}));
