import { philox } from '../base/random.js';

/** Bootstrap multipliers of test patients, +1 or −1: [replicates × patients], one bit each. */
export interface PatientSigns {
  readonly replicates: number;
  readonly patients: number;
  readonly signs: Int8Array;
}

/** Key of these numbers beside those of seeds (curve-noise.ts). */
const KEY = 0x7061_7469;

/** The signs depend on seed, replicate and patient alone, so that all estimates of the same test patients move together. */
export function patientSigns(patients: number, replicates: number, seed: number): PatientSigns {
  const signs = new Int8Array(replicates * patients);
  for (let replicate = 0; replicate < replicates; replicate++) {
    const first = replicate * patients;
    for (let patient = 0; patient < patients; patient += 128) {
      const words = philox([patient, replicate, 0, 0], [seed >>> 0, KEY]);
      const count = Math.min(128, patients - patient);
      for (let bit = 0; bit < count; bit++) {
        signs[first + patient + bit] = (words[bit >> 5]! >>> (bit & 31)) & 1 ? 1 : -1;
      }
    }
  }
  return { replicates, patients, signs };
}

/**
 * [replicates] How far other test patients would move an estimate: Σ sign · contribution (influence.ts), the multiplier bootstrap
 * of its linear part (Mammen, Ann Stat 1993;21:255-285). Its variance is Σ contribution², that of the estimate.
 */
export function patientShifts(
  contributions: Float64Array,
  { replicates, patients, signs }: PatientSigns,
): Float64Array {
  const shifts = new Float64Array(replicates);
  for (let replicate = 0; replicate < replicates; replicate++) {
    const first = replicate * patients;
    let sum = 0;
    for (let patient = 0; patient < patients; patient++)
      sum += signs[first + patient]! * contributions[patient]!;
    shifts[replicate] = sum;
  }
  return shifts;
}
