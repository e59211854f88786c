import type { CatalogueEntry } from './catalogue-entry.js';
import { IMAGENET_INPUT, RESNET_PAPER } from './catalogue-inputs.js';

/** Architecture, SHA-256 (resnet110: the digits in the file's name). */
const published: readonly (readonly [architecture: string, sha256: string])[] = [
  ['resnet20', '12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8'],
  ['resnet32', 'd509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850'],
  ['resnet44', '014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4'],
  ['resnet56', '4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367'],
  ['resnet110', '1d1ed7c2'],
];

/** Idelbayev's ResNets for CIFAR-10, which were trained with the statistics of ImageNet: sources for images of 32 pixels. */
export const cifar: readonly CatalogueEntry[] = published.map(([architecture, sha256]) => ({
  card: {
    name: `${architecture}-cifar10`,
    pretraining: 'cifar10',
    architecture,
    input: { ...IMAGENET_INPUT, size: 32 },
    trainedOn: ['cifar10'],
    site: 'none (photographs)',
    labels: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
    license: 'BSD-2-Clause',
    citation: `${RESNET_PAPER}; Idelbayev, Proper ResNet Implementation for CIFAR10/CIFAR100 in PyTorch`,
    origin: 'pytorch_resnet_cifar10',
  },
  url: `https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/${architecture}-${sha256.slice(0, 8)}.th`,
  sha256,
}));
