import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThawError } from '../../src/base/errors.js';
import { describeFeatures } from '../../src/radiomics/names.js';
import type { FamilyOptions } from '../../src/radiomics/options.js';
import { selectFeatures } from '../../src/radiomics/select.js';

type Settings = Omit<FamilyOptions, 'features'>;
const namesOf = (words: string[], settings: Settings = {}) =>
  selectFeatures({ words, settings }).features.map(({ name }) => name);
const usual = (settings: Settings = {}) =>
  describeFeatures({ features: 'ibsi', ...settings }).map(({ name }) => name);

test('sets of features', () => {
  assert.deepEqual(namesOf(['ibsi']), usual());
  assert.deepEqual(namesOf(['ibsi'], { families: ['stat'] }), usual({ families: ['stat'] }));
  const all = namesOf(['all']);
  assert.equal(all.length, usual().length + 10);
  assert.deepEqual(namesOf(['ibsi', 'shape']), all);
  assert.deepEqual(namesOf(['all'], { mask: 'given' }), usual({ mask: 'given' }));
  const paper = selectFeatures({ words: ['paper79'], settings: {}, range: [0, 4095] });
  assert.equal(paper.features.length, 79);
  assert.deepEqual(paper.options, { features: 'paper79', range: [0, 4095] });
});

test('families by our names and by others, single features, IBSI codes and columns, in the order of the table', () => {
  assert.deepEqual(namesOf(['glcm']), usual({ families: ['cm'] }));
  assert.deepEqual(namesOf(['GLDM']), usual({ families: ['ngl'] }));
  const settings: Settings = { glcmDistances: [1, 2], filters: [{ kind: 'original' }, { kind: 'gradient' }] };
  const wanted = ['ACUI', 'gradient_cm_energy_2D_comb_d2', 'stat_mean', 'cm_contrast'];
  const chosen = selectFeatures({ words: wanted, settings });
  assert.deepEqual(
    chosen.features.map(({ name }) => name),
    [
      'original_stat_mean',
      'original_cm_contrast_2D_avg',
      'original_cm_contrast_2D_comb',
      'original_cm_contrast_2D_avg_d2',
      'original_cm_contrast_2D_comb_d2',
      'gradient_stat_mean',
      'gradient_cm_contrast_2D_avg',
      'gradient_cm_contrast_2D_comb',
      'gradient_cm_contrast_2D_avg_d2',
      'gradient_cm_energy_2D_comb_d2',
      'gradient_cm_contrast_2D_comb_d2',
    ],
  );
  // Only the families that are needed are measured, and columns point into what is.
  assert.deepEqual((chosen.options as FamilyOptions).families, ['stat', 'cm']);
  const measured = describeFeatures(chosen.options);
  assert.deepEqual(
    chosen.columns.map((column) => measured[column]!.name),
    chosen.features.map(({ name }) => name),
  );
  assert.deepEqual(namesOf(['glcm_ASM_d2_a45']), ['glcm_ASM_d2_a45']);
});

test('words that name nothing are refused with the nearest', () => {
  const refused = (words: string[], pattern: RegExp, settings: Settings = {}) =>
    assert.throws(
      () => selectFeatures({ words, settings }),
      (error: unknown) => {
        assert.ok(error instanceof ThawError && error.code === 'CONFIG');
        assert.match(error.message, pattern);
        return true;
      },
    );
  refused(['glmc'], /'glmc' is neither.*Did you mean 'glcm'/);
  refused(['stat', 'cm_contrst'], /'cm_contrst'.*'cm_contrast'/);
  refused(['busyness'], /'busyness'.*'ngt_busyness'/);
  refused(['glcm_asm_d2_a45'], /Did you mean 'glcm_ASM_d2_a45'/);
  refused(['original_cm_contrast_2D_avg_d3'], /Did you mean 'original_cm_contrast_2D_avg'/);
  refused(['xyzzyxyzzy'], /thaw radiomics --list/);
  refused(['paper79', 'stat'], /'paper79' cannot stand beside 'stat'.*twice/);
  refused(['all'], /setting `families`.*Leave one of them out/, { families: ['stat'] });
});
