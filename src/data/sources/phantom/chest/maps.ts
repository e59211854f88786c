import { ATTENUATION } from '../attenuation.js';

/** What the rays to each pixel pass, [size, size]: thicknesses in cm. */
export interface Maps {
  readonly size: number;
  readonly soft: Float32Array;
  readonly fat: Float32Array;
  /** Inflated lung. */
  readonly lung: Float32Array;
  /** Attenuation of everything else where it takes the place of soft tissue: bone, air, metal; no unit. */
  readonly extra: Float32Array;
  /** Place in the cavity of a lung, 0 (mediastinum) to ±1 (chest wall; negative on the image's left), 0 outside. */
  readonly across: Float32Array;
  /** cm below the dome. */
  readonly below: Float32Array;
}

export function emptyMaps(size: number): Maps {
  const map = () => new Float32Array(size * size);
  return { size, soft: map(), fat: map(), lung: map(), extra: map(), across: map(), below: map() };
}

/** Turns up to `thickness` cm of lung into soft tissue or fluid. */
export function solidify({ lung, soft }: Maps, pixel: number, thickness: number): void {
  const turned = Math.min(lung[pixel]!, thickness);
  lung[pixel]! -= turned;
  soft[pixel]! += turned;
}

/** Line integrals of attenuation. `aeration` scales the density of the lungs, about 1. */
export function lineIntegrals({ soft, fat, lung, extra }: Maps, aeration: number): Float32Array {
  const line = extra.slice();
  const lungTissue = ATTENUATION.lung * aeration;
  for (let i = 0; i < line.length; i++) {
    const tissue =
      ATTENUATION.softTissue * soft[i]! + ATTENUATION.adipose * fat[i]! + lungTissue * lung[i]! + line[i]!;
    line[i] = Math.max(0, tissue);
  }
  return line;
}
