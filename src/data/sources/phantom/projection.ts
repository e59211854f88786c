import type { Spot } from './tube.js';

/** How a body stands between source and detector. Lengths in cm, angles in radians. */
export interface Positioning {
  /** Side of the square field at the detector. */
  readonly field: number;
  readonly sourceDistance: number;
  /** From the body's mid-plane to the detector. */
  readonly detectorDistance: number;
  /** 1: the body's front faces the detector (postero-anterior beam); −1: its back does. */
  readonly facing: 1 | -1;
  /** Turn around the body's long axis. */
  readonly turn: number;
  /** Turn in the plane of the detector. */
  readonly roll: number;
  readonly shiftX: number;
  readonly shiftY: number;
}

/** Central projection of body coordinates (x right, y down, z forward; cm) onto a square plate of pixels. */
export class Projection {
  private readonly cosTurn: number;
  private readonly sinTurn: number;
  private readonly cosRoll: number;
  private readonly sinRoll: number;
  private readonly pixelsPerCm: number;
  private readonly midScale: number;

  constructor(
    private readonly positioning: Positioning,
    readonly size: number,
  ) {
    const { turn, roll, field, sourceDistance, detectorDistance } = positioning;
    this.cosTurn = Math.cos(turn);
    this.sinTurn = Math.sin(turn);
    this.cosRoll = Math.cos(roll);
    this.sinRoll = Math.sin(roll);
    this.pixelsPerCm = size / field;
    this.midScale = (this.pixelsPerCm * sourceDistance) / (sourceDistance - detectorDistance);
  }

  spot(x: number, y: number, z: number): Spot {
    const { sourceDistance, detectorDistance, facing, shiftX, shiftY } = this.positioning;
    const turnedX = x * this.cosTurn + z * this.sinTurn;
    const turnedZ = z * this.cosTurn - x * this.sinTurn;
    const scale =
      (this.pixelsPerCm * sourceDistance) / (sourceDistance - detectorDistance + facing * turnedZ);
    const u = turnedX * this.cosRoll - y * this.sinRoll;
    const v = turnedX * this.sinRoll + y * this.cosRoll;
    const middle = this.size / 2;
    return {
      u: middle + u * scale + shiftX * this.pixelsPerCm,
      v: middle + v * scale + shiftY * this.pixelsPerCm,
      scale,
    };
  }

  /** Mid-plane coordinates of a pixel's centre are `x0 + column · dx − row · dy`, `y0 + column · dy + row · dx`. */
  get grid(): { readonly x0: number; readonly y0: number; readonly dx: number; readonly dy: number } {
    const { shiftX, shiftY } = this.positioning;
    const dx = this.cosRoll / this.midScale;
    const dy = -this.sinRoll / this.midScale;
    const u = 0.5 - this.size / 2 - shiftX * this.pixelsPerCm;
    const v = 0.5 - this.size / 2 - shiftY * this.pixelsPerCm;
    return { x0: u * dx - v * dy, y0: u * dy + v * dx, dx, dy };
  }
}
