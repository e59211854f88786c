/** A point on the plate in pixels, and how many pixels 1 cm measures at its depth. */
export interface Spot {
  readonly u: number;
  readonly v: number;
  readonly scale: number;
}

/** Radii below this (in pixels) are drawn this wide and as much fainter, so that thin tubes neither vanish nor flicker. */
const LEAST_RADIUS = 0.8;

/**
 * Visits the pixels of a straight tube between two spots, whose radius (cm) goes from `radiusA` to `radiusB`. `paint` gets the
 * pixel, its squared distance from the axis over the squared radius, the radius in cm and the share (0 to 1) to which the tube
 * was thinned. Tubes end flat, so those of a polyline do not count twice.
 */
export function sweepTube(
  size: number,
  a: Spot,
  b: Spot,
  radiusA: number,
  radiusB: number,
  paint: (pixel: number, distance: number, radius: number, share: number) => void,
): void {
  const du = b.u - a.u;
  const dv = b.v - a.v;
  const squared = du * du + dv * dv;
  if (squared < 1e-9) return;
  const reach = Math.max(LEAST_RADIUS, radiusA * a.scale, radiusB * b.scale);
  const top = Math.max(0, Math.ceil(Math.min(a.v, b.v) - reach - 0.5));
  const bottom = Math.min(size - 1, Math.floor(Math.max(a.v, b.v) + reach - 0.5));
  const left = Math.max(0, Math.ceil(Math.min(a.u, b.u) - reach - 0.5));
  const right = Math.min(size - 1, Math.floor(Math.max(a.u, b.u) + reach - 0.5));
  const scale = (a.scale + b.scale) / 2;
  for (let row = top; row <= bottom; row++) {
    const y = row + 0.5 - a.v;
    for (let column = left; column <= right; column++) {
      const x = column + 0.5 - a.u;
      const along = (x * du + y * dv) / squared;
      if (along < 0 || along >= 1) continue;
      const across = x * dv - y * du;
      const radius = radiusA + along * (radiusB - radiusA);
      const drawn = Math.max(LEAST_RADIUS, radius * scale);
      const distance = (across * across) / squared / (drawn * drawn);
      if (distance >= 1) continue;
      const share = (radius * scale) / drawn;
      paint(row * size + column, distance, radius, share * share);
    }
  }
}

/** Visits the pixels of an ellipse: centre, semi-axes in cm, angle of the first axis; `paint` gets 0 (centre) to 1 (rim). */
export function sweepEllipse(
  size: number,
  centre: Spot,
  semiA: number,
  semiB: number,
  angle: number,
  paint: (pixel: number, squared: number, x: number, y: number) => void,
): void {
  const a = semiA * centre.scale;
  const b = semiB * centre.scale;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const reachX = Math.hypot(a * cos, b * sin);
  const reachY = Math.hypot(a * sin, b * cos);
  const top = Math.max(0, Math.ceil(centre.v - reachY - 0.5));
  const bottom = Math.min(size - 1, Math.floor(centre.v + reachY - 0.5));
  const left = Math.max(0, Math.ceil(centre.u - reachX - 0.5));
  const right = Math.min(size - 1, Math.floor(centre.u + reachX - 0.5));
  for (let row = top; row <= bottom; row++) {
    const y = row + 0.5 - centre.v;
    for (let column = left; column <= right; column++) {
      const x = column + 0.5 - centre.u;
      const p = (cos * x + sin * y) / a;
      const q = (cos * y - sin * x) / b;
      const squared = p * p + q * q;
      if (squared < 1) paint(row * size + column, squared, p, q);
    }
  }
}
