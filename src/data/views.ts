export type ViewChoice = 'frontal' | 'lateral' | 'all';

/** Chooses the images of one kind of view and counts those that are left out. */
export class ViewFilter {
  private leftOut = 0;

  constructor(private readonly wanted: ViewChoice = 'frontal') {}

  keeps(view: 'frontal' | 'lateral' | 'other'): boolean {
    const kept = this.wanted === 'all' || view === this.wanted;
    if (!kept) this.leftOut++;
    return kept;
  }

  notes(): string[] {
    return this.leftOut === 0
      ? []
      : [`${this.leftOut} images of other views left out (views: ${this.wanted})`];
  }
}
