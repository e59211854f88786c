// Speaks the protocol of src/execute/shard.ts without training anything. What it does with a unit is the unit's name:
// `<deed>-…`; every unit that it takes up is a line in `taken.txt` of the run folder.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const shard = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const deeds = {
  /** Says that all trials are done, after a moment in which others can take work too. */
  good: (index, count) => setTimeout(() => tell({ type: 'finished', index, ok: count, failed: 0 }), 30),
  failing: (index, count) => tell({ type: 'finished', index, ok: count - 1, failed: 1 }),
  broken: (index) => tell({ type: 'broken', index, code: 'STORE', message: 'the store is gone.' }),
  deadly: () => process.kill(process.pid, 'SIGKILL'),
  leaving: () => process.exit(9),
  endless: (index) => tell({ type: 'progress', index, done: 0.5 }),
  /** Dies when it is tried first. */
  frail: (index, count, unit) => {
    const mark = join(shard.run, `${unit.id}.tried`);
    if (existsSync(mark)) return deeds.good(index, count);
    writeFileSync(mark, '');
    process.kill(process.pid, 'SIGKILL');
  },
  /** The last word and the end at once. */
  hasty: (index, count) =>
    process.send({ type: 'finished', index, ok: count, failed: 0 }, () =>
      process.kill(process.pid, 'SIGKILL'),
    ),
};

function tell(event) {
  process.send(event);
}

if (shard.tasks.start === 'never') process.exit(1);
if (shard.tasks.start === 'quietly') process.exit(0);
process.on('message', (command) => {
  if (command.type !== 'run') process.exit(command.type === 'end' ? 0 : 75);
  const unit = shard.units[command.index];
  appendFileSync(join(shard.run, 'taken.txt'), `${unit.id} ${command.attempt} ${process.pid}\n`);
  deeds[unit.id.split('-')[0]](command.index, unit.trials.length, unit);
});
process.on('disconnect', () => process.exit(75));
tell({ type: 'ready' });
