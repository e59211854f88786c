/** Plane shapes by signed distance (cm; negative inside), the outlines of bones. Coordinates: x right, y down. */
export type Part =
  | {
      readonly kind: 'shaft';
      readonly ax: number;
      readonly ay: number;
      readonly bx: number;
      readonly by: number;
      /** Half widths at both ends. */
      readonly a: number;
      readonly b: number;
    }
  | {
      readonly kind: 'ellipse';
      readonly x: number;
      readonly y: number;
      readonly a: number;
      readonly b: number;
      readonly angle: number;
    };

/** Signed distance from the union of parts whose meeting edges are rounded with radius `blend`. */
export function distanceTo(parts: readonly Part[], blend: number, x: number, y: number): number {
  let distance = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    distance = blended(distance, partDistance(part, x, y), blend);
  }
  return distance;
}

/** Smaller of two distances, where they are within `blend` of each other a little less (a rounded edge). */
export function blended(a: number, b: number, blend: number): number {
  const overlap = blend - Math.abs(a - b);
  return Math.min(a, b) - (overlap > 0 ? (overlap * overlap) / (4 * blend) : 0);
}

export function partDistance(part: Part, x: number, y: number): number {
  return part.kind === 'shaft' ? shaftDistance(part, x, y) : ellipseDistance(part, x, y);
}

function shaftDistance(part: Extract<Part, { kind: 'shaft' }>, x: number, y: number): number {
  const { ax, ay, a, b } = part;
  const dx = part.bx - ax;
  const dy = part.by - ay;
  const px = x - ax;
  const py = y - ay;
  const along = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy)));
  return Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2) - a - along * (b - a);
}

/** First-order distance: the implicit function over the length of its gradient. */
function ellipseDistance(part: Extract<Part, { kind: 'ellipse' }>, x: number, y: number): number {
  const cos = Math.cos(part.angle);
  const sin = Math.sin(part.angle);
  const u = (cos * (x - part.x) + sin * (y - part.y)) / part.a;
  const v = (cos * (y - part.y) - sin * (x - part.x)) / part.b;
  const length = Math.sqrt(u * u + v * v);
  const gradient = Math.sqrt((u / part.a) ** 2 + (v / part.b) ** 2);
  return gradient < 1e-9 ? -Math.min(part.a, part.b) : (length * (length - 1)) / gradient;
}

/** Box around the parts, `margin` cm wider. */
export function boundsOf(parts: readonly Part[], margin: number) {
  const box = { left: 1e9, right: -1e9, top: 1e9, bottom: -1e9 };
  const include = (x: number, y: number, radius: number) => {
    box.left = Math.min(box.left, x - radius - margin);
    box.right = Math.max(box.right, x + radius + margin);
    box.top = Math.min(box.top, y - radius - margin);
    box.bottom = Math.max(box.bottom, y + radius + margin);
  };
  for (const part of parts) {
    if (part.kind === 'ellipse') include(part.x, part.y, Math.max(part.a, part.b));
    else {
      include(part.ax, part.ay, part.a);
      include(part.bx, part.by, part.b);
    }
  }
  return box;
}
