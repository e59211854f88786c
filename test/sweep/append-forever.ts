/** Run by the ledger test: appends rows without end and tells the parent each id once its row is on the disk. */
import { LedgerWriter } from '../../src/sweep/ledger.js';
import { okRow } from './rows.js';

const [run, worker, prefix] = process.argv.slice(2) as [string, string, string];
const writer = await LedgerWriter.open(run, worker);
for (let index = 0; ; index += 3) {
  const ids = [0, 1, 2].map((step) => `${prefix}-${index + step}`);
  await writer.appendAll(ids.map((id) => okRow(id)));
  for (const id of ids) process.send?.(id);
}
