import type { Family } from '../family.js';

export const statistics: Family = {
  key: 'stat',
  title: 'Intensity-based statistics',
  source: 'IBSI 3.3',
  code: 'UHIW',
  aggregation: 'volume',
  // tag, name, IBSI code, unit, of one grey level, of one pixel, another degenerate case
  features: [
    ['mean', 'Mean intensity', 'Q4LE', 'intensity', 'value', 'value'],
    ['var', 'Intensity variance', 'ECT3', 'intensity²', 'value', 'value'],
    ['skew', 'Intensity skewness', 'KE2A', '1', 0, 0],
    ['kurt', 'Excess intensity kurtosis', 'IPH6', '1', 0, 0],
    ['median', 'Median intensity', 'Y12H', 'intensity', 'value', 'value'],
    ['min', 'Minimum intensity', '1GSF', 'intensity', 'value', 'value'],
    ['p10', '10th intensity percentile', 'QG58', 'intensity', 'value', 'value'],
    ['p90', '90th intensity percentile', '8DWT', 'intensity', 'value', 'value'],
    ['max', 'Maximum intensity', '84IY', 'intensity', 'value', 'value'],
    ['iqr', 'Intensity interquartile range', 'SALO', 'intensity', 'value', 'value'],
    ['range', 'Intensity range', '2OJQ', 'intensity', 'value', 'value'],
    ['mad', 'Mean absolute deviation of intensity', '4FUA', 'intensity', 'value', 'value'],
    ['rmad', 'Robust mean absolute deviation of intensity', '1128', 'intensity', 'value', 'value'],
    ['medad', 'Median absolute deviation of intensity', 'N72L', 'intensity', 'value', 'value'],
    ['cov', 'Coefficient of variation of intensity', '7TET', '1', 'value', 'value', 'a mean of 0: undefined'],
    [
      'qcod',
      'Quartile coefficient of dispersion of intensity',
      '9S40',
      '1',
      'value',
      'value',
      'P25 + P75 = 0: undefined',
    ],
    ['energy', 'Intensity energy', 'N8CA', 'intensity²', 'value', 'value'],
    ['rms', 'Root mean square intensity', '5ZWQ', 'intensity', 'value', 'value'],
  ],
};
