import type { Family } from '../family.js';

export const shape: Family = {
  key: 'shape',
  title: 'Shape in the plane',
  source: 'pyradiomics shape2D',
  code: null,
  aggregation: 'once',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['area', 'Area within the outline', null, 'mm²', 'value', 'value'],
    ['pixel_area', 'Area of the pixels', null, 'mm²', 'value', 'value'],
    ['perimeter', 'Perimeter of the outline', null, 'mm', 'value', 'value'],
    ['perimeter_area_ratio', 'Perimeter over area', null, 'mm⁻¹', 'value', 'value'],
    ['sphericity', 'Sphericity 2√(πA)/P', null, '1', 'value', 'value'],
    ['compactness', 'Compactness 4πA/P²', null, '1', 'value', 'value'],
    ['max_diameter', 'Maximum diameter', null, 'mm', 'value', 'value'],
    ['major_axis', 'Major axis length', null, 'mm', 'value', 'value'],
    ['minor_axis', 'Minor axis length', null, 'mm', 'value', 'value'],
    ['elongation', 'Elongation: minor over major axis', null, '1', 'value', 'undefined'],
  ],
};
