/**
 * Results of `work(0)` … `work(count − 1)` in this order, `lanes` at work at a time. What is done early waits for those before
 * it; nothing is begun more than `ahead` items beyond the one that is waited for, so that memory stays bounded. Throws the first
 * error in this order; then, and when the reader stops, nothing more is begun and what is at work is waited for.
 */
export async function* inOrder<Result>(
  count: number,
  { lanes, ahead }: { readonly lanes: number; readonly ahead: number },
  work: (index: number) => Promise<Result>,
): AsyncGenerator<Result> {
  const waiting: (() => void)[] = [];
  let free = lanes;
  let stopped = false;
  const inLane = async (index: number): Promise<Result> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      if (stopped) throw new Error('not begun: the reader has stopped');
      return await work(index);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
  const begun: Promise<Result>[] = [];
  try {
    for (let next = 0; next < count || begun.length > 0; ) {
      while (next < count && begun.length < ahead) {
        const result = inLane(next++);
        // An error shows when its turn comes.
        result.catch(() => {});
        begun.push(result);
      }
      yield await begun[0]!;
      begun.shift();
    }
  } finally {
    stopped = true;
    await Promise.allSettled(begun);
  }
}
