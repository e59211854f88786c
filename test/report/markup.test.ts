import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, duration, metric, moment, percent, rate, slug, uniqueIds } from '../../src/report/format.js';
import { escapeText, html, trusted } from '../../src/report/markup.js';

test('every value of a template is escaped, markup and lists of markup are not', () => {
  const name = `<script>alert("x")</script> & 'y'`;
  const list = ['a<b', html`<i>${'c>d'}</i>`];
  assert.equal(
    html`<p title="${name}">${list}${null}${false}${0}${trusted('<br>')}</p>`.text,
    '<p title="&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;">a&lt;b<i>c&gt;d</i>0<br></p>',
  );
});

test('characters that no document may hold are replaced', () => {
  assert.equal(escapeText('a\u0000b\u001bc\td\ud800e🫁'), 'a\ufffdb\ufffdc\td\ufffde🫁');
});

test('numbers are written as readers expect them', () => {
  assert.equal(count(112120), '112,120');
  assert.equal(metric(0.61749), '0.617');
  assert.equal(metric(null), '–');
  assert.deepEqual([percent(0.0023), percent(0.1234), percent(0)], ['0.23 %', '12.3 %', '0.0 %']);
  assert.deepEqual(
    [rate(30.512), rate(250_000), rate(120.4), rate(0.5)],
    ['30.5', '250,000', '120', '0.500'],
  );
  assert.deepEqual([0, 0.0001, 0.045, 3.214, 59.99, 245, 7800, 3599.7].map(duration), [
    '0 s',
    '< 1 ms',
    '45 ms',
    '3.21 s',
    '60.0 s',
    '4 min 5 s',
    '2 h 10 min',
    '1 h 0 min',
  ]);
  assert.equal(moment('2026-11-24T10:15:30.000Z'), '2026-11-24 10:15 UTC');
  assert.equal(moment('soon'), 'soon');
});

test('ids are plain and never given twice', () => {
  assert.equal(slug('LR policy: <b>'), 'lr-policy-b');
  assert.equal(slug('胸'), 'x');
  const unique = uniqueIds();
  assert.deepEqual(['a', 'b', 'a', 'a'].map(unique), ['a', 'b', 'a-2', 'a-3']);
});
