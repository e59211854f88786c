import type { LimbImage } from './compose.js';
import { boundsOf, type Part } from './shape.js';

/** Pixels and the body coordinates (cm) of their centres. */
export class Grid {
  readonly pitch: number;

  constructor(
    private readonly image: LimbImage,
    private readonly size: number,
  ) {
    this.pitch = image.skeleton.field / image.view.zoom / size;
  }

  /** Visits the pixels within `margin` cm of the box around the parts. */
  visit(parts: readonly Part[], margin: number, paint: (pixel: number, x: number, y: number) => void): void {
    const { size, pitch } = this;
    const { turn, x: shiftX, y: shiftY, mirrored } = this.image.view;
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const flip = mirrored ? -1 : 1;
    const box = boundsOf(parts, margin);
    // The box's corners on the detector bound the pixels to look at.
    let [left, right, top, bottom] = [size, -1, size, -1];
    for (const x of [box.left, box.right]) {
      for (const y of [box.top, box.bottom]) {
        const u = (flip * (cos * x - sin * y) + shiftX) / pitch + size / 2;
        const v = (sin * x + cos * y + shiftY) / pitch + size / 2;
        left = Math.min(left, u);
        right = Math.max(right, u);
        top = Math.min(top, v);
        bottom = Math.max(bottom, v);
      }
    }
    const [firstRow, lastRow] = [Math.max(0, Math.floor(top)), Math.min(size - 1, Math.ceil(bottom))];
    const [firstColumn, lastColumn] = [Math.max(0, Math.floor(left)), Math.min(size - 1, Math.ceil(right))];
    for (let row = firstRow; row <= lastRow; row++) {
      const v = (row + 0.5 - size / 2) * pitch - shiftY;
      for (let column = firstColumn; column <= lastColumn; column++) {
        const u = flip * ((column + 0.5 - size / 2) * pitch - shiftX);
        const x = cos * u + sin * v;
        const y = cos * v - sin * u;
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) {
          paint(row * size + column, x, y);
        }
      }
    }
  }
}
