import { ThawError } from '../../base/errors.js';
import type { Dataset, DatasetEntry } from '../dataset.js';
import { imageStream, patientStream } from './phantom/draws.js';
import { composeLimb } from './phantom/limb/compose.js';
import { renderLimb } from './phantom/limb/render.js';
import { LIMB_PARTS, type LimbPart } from './phantom/limb/skeletons.js';
import {
  checkSettings,
  dealImages,
  drawnImages,
  imageName,
  type PhantomSettings,
  patientName,
  requireShare,
  requireWhole,
  SIMULATED,
} from './phantom/settings.js';

export const LIMB_FINDINGS = ['Fracture', 'Osteoarthritis'] as const;
export type LimbFinding = (typeof LIMB_FINDINGS)[number];

/** Simulated radiographs of a knee, wrist or hand; docs/phantoms.md says how they are made. */
export interface PhantomLimbSource extends PhantomSettings {
  readonly kind: 'phantom-limb';
  readonly part: LimbPart;
  readonly patients: number;
  /** Share of the images with a fracture, and of the patients with osteoarthritis; 0.3 where absent. */
  readonly prevalence: Readonly<Partial<Record<LimbFinding, number>>>;
}

const FINDINGS_PURPOSE = 8;
const PREVALENCE = 0.3;

/** Plans the data set; pixels are drawn when they are read. Throws CONFIG on impossible settings. */
export async function loadPhantomLimb(name: string, source: PhantomLimbSource): Promise<Dataset> {
  const { kind, part, images, patients, size, seed, prevalence } = source;
  checkSettings(source);
  requireWhole('patients', patients, 1, images);
  if (!LIMB_PARTS.includes(part))
    throw new ThawError('CONFIG', `expected one of ${LIMB_PARTS.join(', ')} but found ${part}.`, {
      node: 'part',
    });
  const shares = LIMB_FINDINGS.map((finding) => prevalence[finding] ?? PREVALENCE);
  for (const [k, share] of shares.entries()) requireShare(`prevalence.${LIMB_FINDINGS[k]}`, share);
  const owners = dealImages(seed, images, patients);
  const labels = new Float32Array(2 * images);
  const entries: DatasetEntry[] = [];
  let visit = 0;
  for (let row = 0; row < images; row++) {
    const owner = owners[row]!;
    visit = row > 0 && owner === owners[row - 1] ? visit + 1 : 0;
    const fractured = imageStream(seed, row, FINDINGS_PURPOSE).uniform() < shares[0]!;
    const worn = patientStream(seed, owner, FINDINGS_PURPOSE).uniform() < shares[1]!;
    labels.set([Number(fractured), Number(worn)], 2 * row);
    entries.push({ path: imageName(owner, visit), patient: patientName(owner) });
  }
  return {
    name,
    root: kind,
    entries,
    labelNames: LIMB_FINDINGS,
    labels,
    embedded: drawnImages({ kind, part, images, patients, size, seed, shares }, size, (row) => {
      const [fractured, osteoarthritis] = [labels[2 * row] === 1, labels[2 * row + 1] === 1];
      return renderLimb(composeLimb(seed, owners[row]!, row, part, { fractured, osteoarthritis }), size);
    }),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: false,
    notes: [SIMULATED],
  };
}
