import type { Family } from '../family.js';

export const ngldm: Family = {
  key: 'ngl',
  title: 'Neighbouring grey level dependence matrix',
  source: 'IBSI 3.11',
  code: 'REK0',
  aggregation: 'slices',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['lde', 'Low dependence emphasis', 'SODN', 'pixel⁻²', 'value', 'value'],
    ['hde', 'High dependence emphasis', 'IMOQ', 'pixel²', 'value', 'value'],
    ['lgce', 'Low grey level count emphasis', 'TL9H', 'level⁻²', 'value', 'value'],
    ['hgce', 'High grey level count emphasis', 'OAE7', 'level²', 'value', 'value'],
    ['ldlge', 'Low dependence low grey level emphasis', 'EQ3F', 'pixel⁻² level⁻²', 'value', 'value'],
    ['ldhge', 'Low dependence high grey level emphasis', 'JA6D', 'pixel⁻² level²', 'value', 'value'],
    ['hdlge', 'High dependence low grey level emphasis', 'NBZI', 'pixel² level⁻²', 'value', 'value'],
    ['hdhge', 'High dependence high grey level emphasis', '9QMG', 'pixel² level²', 'value', 'value'],
    ['glnu', 'Grey level non-uniformity', 'FP8K', '1', 'value', 'value'],
    ['glnu_norm', 'Normalised grey level non-uniformity', '5SPA', '1', 'value', 'value'],
    ['dcnu', 'Dependence count non-uniformity', 'Z87G', '1', 'value', 'value'],
    ['dcnu_norm', 'Normalised dependence count non-uniformity', 'OKJI', '1', 'value', 'value'],
    ['dc_perc', 'Dependence count percentage', '6XV8', '1', 'value', 'value'],
    ['gl_var', 'Grey level variance', '1PFV', 'level²', 'value', 'value'],
    ['dc_var', 'Dependence count variance', 'DNX2', 'pixel²', 'value', 'value'],
    ['dc_entr', 'Dependence count entropy', 'FCBV', 'bit', 'value', 'value'],
    ['dc_energy', 'Dependence count energy', 'CAS9', '1', 'value', 'value'],
  ],
};
