import type { ValueNoise } from '../draws.js';
import type { Fracture } from './compose.js';

/** A point of the broken bone as it lay before the break, and the share of bone left there. */
export interface Broken {
  readonly x: number;
  readonly y: number;
  readonly share: number;
}

/** Where a point of a broken bone lay before; `pitch` is a pixel's width in cm. */
export function acrossBreak(
  fracture: Fracture,
  x: number,
  y: number,
  noise: ValueNoise,
  pitch: number,
): Broken {
  const { direction, stepOff, angulation, lineWidth, waviness } = fracture;
  const [nx, ny] = [Math.cos(direction), Math.sin(direction)];
  const [dx, dy] = [x - fracture.x, y - fracture.y];
  const along = dx * ny - dy * nx;
  const beyond = dx * nx + dy * ny + waviness * (noise.at(along / 0.35 + 5, 3) - 0.5) * 2;
  // A line narrower than a pixel darkens it the less.
  const drawn = Math.max(lineWidth, 0.6 * pitch);
  const share = 1 - ((0.85 * lineWidth) / drawn) * Math.exp(-((beyond / drawn) ** 2));
  if (beyond <= 0) return { x, y, share };
  const cos = Math.cos(angulation);
  const sin = Math.sin(angulation);
  return {
    x: fracture.x + cos * dx + sin * dy + stepOff * ny,
    y: fracture.y + cos * dy - sin * dx - stepOff * nx,
    share,
  };
}
