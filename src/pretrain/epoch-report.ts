import type { Progress, ProgressTask } from '../base/progress.js';
import type { EpochsDone } from '../train/network-training.js';
import type { TrialSpec } from '../train/trial.js';
import type { Checkpoint } from './checkpoint.js';

/** A line after each epoch, and a bar of images with rate and time left. */
export class EpochReport {
  private readonly bar: ProgressTask;
  private seconds: number;

  constructor(
    private readonly progress: Progress,
    private readonly spec: Pick<TrialSpec, 'epochs' | 'batch'>,
    private readonly imagesPerEpoch: number,
    resumed: Checkpoint | undefined,
  ) {
    const epochs = resumed?.done.trainLoss.length ?? 0;
    const images = Math.min(imagesPerEpoch, (resumed?.begun?.losses.length ?? 0) * spec.batch);
    this.seconds = resumed?.done.trainSeconds ?? 0;
    const total = spec.epochs * imagesPerEpoch;
    this.bar = progress.start('train', total, 'images', epochs * imagesPerEpoch + images);
    if (resumed !== undefined)
      progress.note(`goes on after ${epochs} of ${spec.epochs} epochs and ${images} images of the next`);
  }

  images(count: number): void {
    this.bar.advance(count);
  }

  epoch({ trainLoss, validationLoss, validationAuroc, best, trainSeconds }: EpochsDone): void {
    const epoch = trainLoss.length;
    // Where an epoch was begun by another process, its seconds there are not known.
    const rate = this.imagesPerEpoch / (trainSeconds - this.seconds);
    this.seconds = trainSeconds;
    const numbers = [
      `loss ${shown(trainLoss.at(-1))}`,
      `validation loss ${shown(validationLoss.at(-1))}`,
      `AUROC ${shown(validationAuroc.at(-1))}`,
      `${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)} images/s`,
    ];
    const mark = best?.epoch === epoch - 1 ? ' (best)' : '';
    this.progress.note(`epoch ${epoch}/${this.spec.epochs}: ${numbers.join(', ')}${mark}`);
  }

  finish(): void {
    this.bar.finish();
  }
}

function shown(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? 'undefined' : value.toFixed(4);
}
