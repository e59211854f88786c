// Trains the embedded models again, as presets/pretrain/ says: `npm run models:embedded`, or `npm run models:embedded -- NAME …` for
// some. A model that was stopped half-way goes on. Says whether the weights are the ones that were there before; their bits
// depend on the number of threads and on the instruction set (models/NAME.training.json has both).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const presets = join(root, 'presets', 'pretrain');
const models = join(root, 'models');
const all = readdirSync(presets).map((file) => file.replace(/\.yaml$/, ''));
const unknown = process.argv.slice(2).filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`expected names from ${all.join(', ')}, received ${unknown.join(', ')}`);
  process.exit(2);
}
const chosen = process.argv.length > 2 ? process.argv.slice(2) : all;

function digestOf(name) {
  const card = join(models, `${name}.json`);
  return existsSync(card) ? JSON.parse(readFileSync(card, 'utf8')).sha256 : undefined;
}

for (const name of chosen) {
  const before = digestOf(name);
  const begun = existsSync(join(models, `${name}.checkpoint`));
  const script = join(root, 'dist', 'main.cjs');
  const args = [script, 'pretrain', join(presets, `${name}.yaml`), '--threads', '2'];
  console.log(`== ${name}`);
  const { status } = spawnSync(process.execPath, begun ? args : [...args, '--restart'], {
    cwd: root,
    stdio: 'inherit',
    env: { GOMP_SPINCOUNT: '1000', ...process.env },
  });
  if (status !== 0) process.exit(status ?? 1);
  const now = digestOf(name);
  console.log(
    before === undefined || before !== now ? `sha256 ${now}` : `the same weights as before (sha256 ${now})`,
  );
}
