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

/** Labels of `part: all` beside the findings: which part it is. */
const PART_LABELS: Readonly<Record<LimbPart, string>> = { wrist: 'Wrist', knee: 'Knee', hand: 'Hand' };

/** Simulated radiographs of a knee, wrist or hand; docs/phantoms.md says how they are made. */
export interface PhantomLimbSource extends PhantomSettings {
  readonly kind: 'phantom-limb';
  /** `all`: one of them for each patient, at random. */
  readonly part: LimbPart | 'all';
  readonly patients: number;
  /** Share of the images with a fracture, and of the patients with osteoarthritis; 0.3 where absent. */
  readonly prevalence: Readonly<Partial<Record<LimbFinding, number>>>;
}

const FINDINGS_PURPOSE = 8;
const PART_PURPOSE = 9;
const PREVALENCE = 0.3;

/** Plans the data set; pixels are drawn when they are read. Throws CONFIG on impossible settings. */
export async function loadPhantomLimb(name: string, source: PhantomLimbSource): Promise<Dataset> {
  const { kind, part, images, patients, size, seed, prevalence } = source;
  checkSettings(source);
  requireWhole('patients', patients, 1, images);
  if (part !== 'all' && !LIMB_PARTS.includes(part))
    throw new ThawError('CONFIG', `expected one of ${LIMB_PARTS.join(', ')}, all but found ${part}.`, {
      node: 'part',
    });
  const partOf = (owner: number) =>
    part === 'all' ? LIMB_PARTS[patientStream(seed, owner, PART_PURPOSE).integer(LIMB_PARTS.length)]! : part;
  const labelNames = [
    ...LIMB_FINDINGS,
    ...(part === 'all' ? LIMB_PARTS.map((each) => PART_LABELS[each]) : []),
  ];
  const shares = LIMB_FINDINGS.map((finding) => prevalence[finding] ?? PREVALENCE);
  for (const [k, share] of shares.entries()) requireShare(`prevalence.${LIMB_FINDINGS[k]}`, share);
  const owners = dealImages(seed, images, patients);
  const labels = new Float32Array(labelNames.length * images);
  const entries: DatasetEntry[] = [];
  let visit = 0;
  for (let row = 0; row < images; row++) {
    const owner = owners[row]!;
    visit = row > 0 && owner === owners[row - 1] ? visit + 1 : 0;
    const fractured = imageStream(seed, row, FINDINGS_PURPOSE).uniform() < shares[0]!;
    const worn = patientStream(seed, owner, FINDINGS_PURPOSE).uniform() < shares[1]!;
    const own = partOf(owner);
    const isPart = part === 'all' ? LIMB_PARTS.map((each) => Number(each === own)) : [];
    labels.set([Number(fractured), Number(worn), ...isPart], labelNames.length * row);
    entries.push({ path: imageName(owner, visit), patient: patientName(owner), site: own });
  }
  return {
    name,
    root: kind,
    entries,
    labelNames,
    labels,
    embedded: drawnImages({ kind, part, images, patients, size, seed, shares }, size, (row) => {
      const owner = owners[row]!;
      const [fractured, osteoarthritis] = [0, 1].map(
        (column) => labels[labelNames.length * row + column] === 1,
      );
      const findings = { fractured: fractured!, osteoarthritis: osteoarthritis! };
      return renderLimb(composeLimb(seed, owner, row, partOf(owner), findings), size);
    }),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: false,
    notes: [SIMULATED],
  };
}
