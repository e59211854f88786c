import type { Family } from '../family.js';

export const glszm: Family = {
  key: 'szm',
  title: 'Grey level size zone matrix',
  source: 'IBSI 3.8',
  code: '9SAK',
  aggregation: 'slices',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['sze', 'Small zone emphasis', '5QRC', 'pixel⁻²', 'value', 'value'],
    ['lze', 'Large zone emphasis', '48P8', 'pixel²', 'value', 'value'],
    ['lgze', 'Low grey level zone emphasis', 'XMSY', 'level⁻²', 'value', 'value'],
    ['hgze', 'High grey level zone emphasis', '5GN9', 'level²', 'value', 'value'],
    ['szlge', 'Small zone low grey level emphasis', '5RAI', 'pixel⁻² level⁻²', 'value', 'value'],
    ['szhge', 'Small zone high grey level emphasis', 'HW1V', 'pixel⁻² level²', 'value', 'value'],
    ['lzlge', 'Large zone low grey level emphasis', 'YH51', 'pixel² level⁻²', 'value', 'value'],
    ['lzhge', 'Large zone high grey level emphasis', 'J17V', 'pixel² level²', 'value', 'value'],
    ['glnu', 'Grey level non-uniformity', 'JNSA', '1', 'value', 'value'],
    ['glnu_norm', 'Normalised grey level non-uniformity', 'Y1RO', '1', 'value', 'value'],
    ['zsnu', 'Zone size non-uniformity', '4JP3', '1', 'value', 'value'],
    ['zsnu_norm', 'Normalised zone size non-uniformity', 'VB3A', '1', 'value', 'value'],
    ['z_perc', 'Zone percentage', 'P30P', '1', 'value', 'value'],
    ['gl_var', 'Grey level variance', 'BYLV', 'level²', 'value', 'value'],
    ['zs_var', 'Zone size variance', '3NSA', 'pixel²', 'value', 'value'],
    ['zs_entr', 'Zone size entropy', 'GU8N', 'bit', 'value', 'value'],
  ],
};
