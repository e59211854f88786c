import type { Family } from '../family.js';

export const gldzm: Family = {
  key: 'dzm',
  title: 'Grey level distance zone matrix',
  source: 'IBSI 3.9',
  code: 'VMDZ',
  aggregation: 'slices',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['sde', 'Small distance emphasis', '0GBI', 'pixel⁻²', 'value', 'value'],
    ['lde', 'Large distance emphasis', 'MB4I', 'pixel²', 'value', 'value'],
    ['lgze', 'Low grey level zone emphasis', 'S1RA', 'level⁻²', 'value', 'value'],
    ['hgze', 'High grey level zone emphasis', 'K26C', 'level²', 'value', 'value'],
    ['sdlge', 'Small distance low grey level emphasis', 'RUVG', 'pixel⁻² level⁻²', 'value', 'value'],
    ['sdhge', 'Small distance high grey level emphasis', 'DKNJ', 'pixel⁻² level²', 'value', 'value'],
    ['ldlge', 'Large distance low grey level emphasis', 'A7WM', 'pixel² level⁻²', 'value', 'value'],
    ['ldhge', 'Large distance high grey level emphasis', 'KLTH', 'pixel² level²', 'value', 'value'],
    ['glnu', 'Grey level non-uniformity', 'VFT7', '1', 'value', 'value'],
    ['glnu_norm', 'Normalised grey level non-uniformity', '7HP3', '1', 'value', 'value'],
    ['zdnu', 'Zone distance non-uniformity', 'V294', '1', 'value', 'value'],
    ['zdnu_norm', 'Normalised zone distance non-uniformity', 'IATH', '1', 'value', 'value'],
    ['z_perc', 'Zone percentage', 'VIWW', '1', 'value', 'value'],
    ['gl_var', 'Grey level variance', 'QK93', 'level²', 'value', 'value'],
    ['zd_var', 'Zone distance variance', '7WT1', 'pixel²', 'value', 'value'],
    ['zd_entr', 'Zone distance entropy', 'GBDU', 'bit', 'value', 'value'],
  ],
};
