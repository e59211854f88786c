import type { FeatureDescription } from './catalogue.js';

const PAPER = 'Romero et al., Med Phys 2020;47:6246';
const DISTANCES = [1, 2, 4, 6] as const;
const ANGLES = [0, 45, 90] as const;

const PROPERTIES = [
  ['contrast', 'level²'],
  ['dissimilarity', 'level'],
  ['homogeneity', '1'],
  ['ASM', '1'],
  ['energy', '1'],
  ['correlation', '1'],
] as const;

const FIRST_ORDER = [
  ['mean', 'Mean', 'level'],
  ['sd', 'Standard deviation (divisor n)', 'level'],
  ['moment2', 'Second central moment', 'level²'],
  ['moment3', 'Third central moment', 'level³'],
  ['moment4', 'Fourth central moment', 'level⁴'],
  ['moment5', 'Fifth central moment', 'level⁵'],
  ['entropy', 'Shannon entropy', 'bit'],
] as const;

/** The paper's 79 features, in the order in which C++ gives them. */
export const PAPER79: readonly FeatureDescription[] = [
  ...DISTANCES.flatMap((distance) =>
    ANGLES.flatMap((angle) =>
      PROPERTIES.map(([property, unit]) => ({
        name: `glcm_${property}_d${distance}_a${angle}`,
        tag: `glcm_${property}_d${distance}_a${angle}`,
        title: `GLCM ${property}, distance ${distance}, ${angle}°`,
        family: 'paper79' as const,
        code: null,
        source: PAPER,
        unit,
        oneLevel: property === 'correlation' ? 1 : ('value' as const),
        onePixel: 'undefined' as const,
      })),
    ),
  ),
  ...FIRST_ORDER.map(([name, title, unit]) => ({
    name,
    tag: name,
    title,
    family: 'paper79' as const,
    code: null,
    source: PAPER,
    unit,
    oneLevel: 'value' as const,
    onePixel: 'value' as const,
  })),
];
