/** How often each row came before in an order, where rows are oversampled. */
export function occurrencesOf(order: Uint32Array): Uint32Array {
  const seen = new Map<number, number>();
  return order.map((row) => {
    const before = seen.get(row) ?? 0;
    seen.set(row, before + 1);
    return before;
  });
}
