import { type Claim, type ClaimOwner, ClaimSeeker, type ClaimTimes } from '../base/claim.js';
import { shardFolder } from './partial-store.js';

/** The claims on the shards of one store: those that this process holds, and what it knows of the others. */
export class ShardClaims {
  private readonly seekers = new Map<number, ClaimSeeker>();
  private readonly held = new Map<number, Claim>();

  /** `onLost`: a claim was taken over by another process. */
  constructor(
    private readonly partial: string,
    private readonly times: ClaimTimes,
    private readonly onLost: (reason: unknown) => void,
  ) {}

  /** The shards that this process holds. */
  get shards(): number[] {
    return [...this.held.keys()];
  }

  /** Takes the claim on a shard, if nobody alive has it. Throws IO, with the cause ENOENT when the store is gone or complete. */
  take(shard: number): boolean {
    const claim = this.seeker(shard).seek();
    if (claim === undefined) return false;
    claim.lost.addEventListener('abort', () => this.onLost(claim.lost.reason));
    this.held.set(shard, claim);
    return true;
  }

  /** Whether this process has the claim on a shard, and nobody has taken it over. */
  holds(shard: number): boolean {
    return this.held.get(shard)?.lost.aborted === false;
  }

  /** Who had the claim on a shard when it was last sought. */
  holder(shard: number): ClaimOwner | undefined {
    return this.seeker(shard).holder;
  }

  release(shard: number): void {
    this.held.get(shard)?.release();
    this.held.delete(shard);
  }

  releaseAll(): void {
    for (const shard of this.shards) this.release(shard);
  }

  private seeker(shard: number): ClaimSeeker {
    const seeker = this.seekers.get(shard) ?? new ClaimSeeker(shardFolder(this.partial, shard), this.times);
    this.seekers.set(shard, seeker);
    return seeker;
  }
}
