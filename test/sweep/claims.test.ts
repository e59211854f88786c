import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { config, inRest } from './configs.js';

const grid = 'grid: { n: [50, 100], seed: 2, dropout: [0, 0.5], strategy: [extractor, full] }';
const claims = (body: string) => `${grid}\nclaims:\n${body}`;

describe('claims', () => {
  it('are read with their defaults; a config without them has none', () => {
    const { claims: read, alpha } = config(
      claims(`  full-wins:
    says: Fine-tuning wins.
    kind: comparison
    where: task=findings n<=2000
    side: strategy=full
    against: strategy=extractor
  both-poor: { kind: threshold, side: [strategy=full, strategy=extractor], expect: lower, than: 0.7 }
alpha: 0.1`),
    );
    assert.equal(alpha, 0.1);
    assert.deepEqual(read!['full-wins'], {
      kind: 'comparison',
      says: 'Fine-tuning wins.',
      where: 'task=findings n<=2000',
      side: 'strategy=full',
      against: ['strategy=extractor'],
      choose: 'validation',
      expect: 'higher',
      margin: 0,
      at: 'overall',
      pair: [],
    });
    assert.deepEqual(read!['both-poor'], {
      kind: 'threshold',
      side: ['strategy=full', 'strategy=extractor'],
      choose: 'validation',
      expect: 'lower',
      than: 0.7,
      at: 'overall',
    });
    const without = config(grid);
    assert.ok(!('claims' in without) && !('alpha' in without));
    assert.ok(!('claims' in config(`${grid}\nclaims:`)), 'all of it commented out');
  });

  it('that are written wrongly are refused with their line, each mistake in the words of its test', () => {
    assert.deepEqual(
      inRest(
        claims(`  one: { kind: comparison, side: strategy=full, against: strategy>extractor }
  two: { kind: comparision, side: strategy=full, against: strategy=extractor }
  three: { kind: comparison, side: strategy=full, against: strategy=extractor, expect: equal }
  four: { kind: crossover, side: strategy=full, against: strategy=extractor, between: [2000, 100] }
  five: { kind: plateau, side: strategy=full, by: 0 }
  six: { kind: contrast, terms: [{ weight: 0, side: strategy=full }] }
  seven: { kind: threshold, side: strategy=full, expect: lower }
  eight words: { kind: threshold, side: strategy=full, expect: lower, than: 0.7 }`),
      ),
      [
        'sweep.yaml:9:58: claims.one.against: expected = or != for strategy, which has no order.',
        "sweep.yaml:10:16: claims.two.kind: expected one of comparison, contrast, crossover, threshold, plateau, received 'comparision'. Did you mean 'comparison'?",
        'sweep.yaml:11:3: claims.three.margin: expected a margin above 0, within which `equal` holds, received 0.',
        'sweep.yaml:12:87: claims.four.between: expected the smaller size first, received [2000, 100].',
        'sweep.yaml:13:51: claims.five.by: expected a training set size of at least 1, received 0.',
        'sweep.yaml:14:33: claims.six.terms: expected at least two terms, received a list.',
        'sweep.yaml:14:44: claims.six.terms[0].weight: expected a number other than 0, received 0.',
        'sweep.yaml:15:3: claims.seven.than: expected an AUROC from 0 to 1, received nothing.',
        "sweep.yaml:16:3: claims.eight words: expected a name of letters, digits, - and _, received 'eight words'.",
      ],
    );
    assert.deepEqual(inRest(`${grid}\nalpha: 0.5`), [
      'sweep.yaml:8:8: alpha: expected a significance level above 0 and below 0.5, received 0.5.',
    ]);
  });

  it('that name what no trial has are refused, but for sizes and seeds', () => {
    assert.deepEqual(
      inRest(
        claims(`  one:
    kind: comparison
    where: task=pneumona n>35000
    side: strategy=full,gradul
    against: [strategy=extractor, source=imagnet dropout=0.3]
  two: { kind: contrast, terms: [{ weight: 1, side: strategy=full }, { weight: -1, side: dropout=0.4 }] }`),
      ),
      [
        "sweep.yaml:11:12: claims.one.where: no trial has task = pneumona. Did you mean 'pneumonia'?",
        'sweep.yaml:12:11: claims.one.side: no trial has strategy = gradul; its values are extractor, full.',
        "sweep.yaml:13:35: claims.one.against[1]: no trial has source = imagnet. Did you mean 'imagenet'?",
        "sweep.yaml:13:35: claims.one.against[1]: no trial has dropout = 0.3. Did you mean '0.5'?",
        "sweep.yaml:14:90: claims.two.terms[1].side: no trial has dropout = 0.4. Did you mean '0.5'?",
      ],
    );
  });
});
