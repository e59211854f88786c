import type { ModelInput } from '../card.js';

/** RGB from 0 to 1, standardised by the statistics of ImageNet: torchvision and timm. */
export const IMAGENET_INPUT: ModelInput = {
  size: 224,
  channels: 3,
  order: 'RGB',
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

export const DENSENET_PAPER =
  'Huang et al., Densely Connected Convolutional Networks, CVPR 2017, arXiv:1608.06993';
export const RESNET_PAPER =
  'He et al., Deep Residual Learning for Image Recognition, CVPR 2016, arXiv:1512.03385';
export const IMAGENET_PAPER =
  'Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, doi:10.1007/s11263-015-0816-y';

/** What the images of ImageNet are shared for; whether it binds weights is not settled. */
export const IMAGENET_TERMS = "ImageNet's images are for non-commercial research";
