import type { ExecutionSummary, Executor } from '../../src/execute/executor.js';
import type { Shard } from '../../src/execute/shard.js';
import { UnitRunner } from '../../src/execute/unit.js';
import { currentVersions } from '../../src/execute/versions.js';
import { LedgerWriter, PredictionWriter, uniqueWorkerName } from '../../src/sweep/ledger.js';

/** Trains the units of a shard in this process, one after another. */
export class InProcessExecutor implements Executor {
  async run(shard: Shard): Promise<ExecutionSummary> {
    const worker = uniqueWorkerName();
    const ledger = await LedgerWriter.open(shard.run, worker);
    const predictions = await PredictionWriter.open(shard.run, worker);
    const runner = new UnitRunner(shard, currentVersions(), ledger, predictions);
    let [ok, failed] = [0, 0];
    try {
      for (const unit of shard.units) {
        const counts = await runner.run(unit, 1, {});
        ok += counts.ok;
        failed += counts.failed;
      }
    } finally {
      await predictions.close();
      await ledger.close();
    }
    return { ok, failed, left: 0 };
  }
}
