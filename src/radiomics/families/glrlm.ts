import type { Family } from '../family.js';

export const glrlm: Family = {
  key: 'rlm',
  title: 'Grey level run length matrix',
  source: 'IBSI 3.7',
  code: 'TP0I',
  aggregation: 'directions',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['sre', 'Short runs emphasis', '22OV', 'pixel⁻²', 'value', 'value'],
    ['lre', 'Long runs emphasis', 'W4KF', 'pixel²', 'value', 'value'],
    ['lgre', 'Low grey level run emphasis', 'V3SW', 'level⁻²', 'value', 'value'],
    ['hgre', 'High grey level run emphasis', 'G3QZ', 'level²', 'value', 'value'],
    ['srlge', 'Short run low grey level emphasis', 'HTZT', 'pixel⁻² level⁻²', 'value', 'value'],
    ['srhge', 'Short run high grey level emphasis', 'GD3A', 'pixel⁻² level²', 'value', 'value'],
    ['lrlge', 'Long run low grey level emphasis', 'IVPO', 'pixel² level⁻²', 'value', 'value'],
    ['lrhge', 'Long run high grey level emphasis', '3KUM', 'pixel² level²', 'value', 'value'],
    ['glnu', 'Grey level non-uniformity', 'R5YN', '1', 'value', 'value'],
    ['glnu_norm', 'Normalised grey level non-uniformity', 'OVBL', '1', 'value', 'value'],
    ['rlnu', 'Run length non-uniformity', 'W92Y', '1', 'value', 'value'],
    ['rlnu_norm', 'Normalised run length non-uniformity', 'IC23', '1', 'value', 'value'],
    ['r_perc', 'Run percentage', '9ZK5', '1', 'value', 'value'],
    ['gl_var', 'Grey level variance', '8CE5', 'level²', 'value', 'value'],
    ['rl_var', 'Run length variance', 'SXLW', 'pixel²', 'value', 'value'],
    ['rl_entr', 'Run entropy', 'HJ9O', 'bit', 'value', 'value'],
  ],
};
