const TEXT = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs;

/** The texts of a Python list as `str()` writes it, such as `['a', "b's"]`; undefined where the text is no such list. */
export function parsePythonList(text: string): string[] | undefined {
  const [, inner] = /^\s*\[(.*)\]\s*$/s.exec(text) ?? [];
  if (inner === undefined) return undefined;
  const items: string[] = [];
  const shape = inner.replace(TEXT, (_, single?: string, double?: string) => {
    items.push((single ?? double ?? '').replace(/\\(.)/gs, '$1'));
    return 'x';
  });
  return shape.replace(/\s/g, '') === items.map(() => 'x').join() ? items : undefined;
}
