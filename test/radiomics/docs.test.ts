import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { catalogueMarkdown } from '../../src/radiomics/catalogue-text.js';
import { WAVELETS } from '../../src/radiomics/options.js';

const page = readFileSync(new URL('../../docs/radiomics.md', import.meta.url), 'utf8');

test('docs/radiomics.md shows the catalogue as it is', () => {
  // To renew it: node --import tsx -e "import('./src/radiomics/catalogue-text.ts').then((t) => console.log(t.catalogueMarkdown()))"
  const [, shown] = page.split('<!-- catalogue -->\n');
  assert.equal(shown?.trim(), catalogueMarkdown().trim());
});

test('docs/radiomics.md names every wavelet', () => {
  for (const wavelet of WAVELETS) assert.ok(page.includes(`\`${wavelet}\``), wavelet);
});
