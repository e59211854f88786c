import type { Family } from '../family.js';

export const ngtdm: Family = {
  key: 'ngt',
  title: 'Neighbourhood grey tone difference matrix',
  source: 'IBSI 3.10',
  code: 'IPET',
  aggregation: 'slices',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['coarseness', 'Coarseness', 'QCDE', 'level⁻¹', 1e6, 'undefined'],
    ['contrast', 'Contrast', '65HE', 'level³', 0, 'undefined'],
    ['busyness', 'Busyness', 'NQ30', '1', 0, 'undefined', 'all i·p(i) equal: 0'],
    ['complexity', 'Complexity', 'HDEZ', 'level²', 'value', 'undefined'],
    ['strength', 'Strength', '1X9X', 'level', 0, 'undefined'],
  ],
};
