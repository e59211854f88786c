import type { Dataset, DatasetEntry } from '../dataset.js';
import { ClinicalCourse } from './phantom/chest/course.js';
import { type ChestPrevalence, FINDINGS, prevalences } from './phantom/chest/findings.js';
import { composeChest, renderChest } from './phantom/chest/render.js';
import { imageStream, patientStream } from './phantom/draws.js';
import {
  checkSettings,
  dealImages,
  drawnImages,
  imageName,
  type PhantomSettings,
  patientName,
  requireWhole,
  SIMULATED,
} from './phantom/settings.js';

/** Simulated frontal chest radiographs with the 14 findings of ChestX-ray14; docs/phantoms.md says how they are made. */
export interface PhantomChestSource extends PhantomSettings {
  readonly kind: 'phantom-chest';
  /** At most as many as images; every patient has at least one. */
  readonly patients: number;
  readonly prevalence: ChestPrevalence;
}

/** Streams of random numbers of patients and images beside those that drawing uses. */
const COURSE = 8;

/** Plans the data set; pixels are drawn when they are read. Throws CONFIG on impossible settings. */
export async function loadPhantomChest(name: string, source: PhantomChestSource): Promise<Dataset> {
  checkSettings(source);
  const { kind, images, patients, size, seed, prevalence } = source;
  requireWhole('patients', patients, 1, images);
  const course = new ClinicalCourse(prevalences(prevalence));
  const owners = dealImages(seed, images, patients);
  const labels = new Float32Array(images * FINDINGS.length);
  const entries: DatasetEntry[] = [];
  const compose = (row: number) => {
    const present = labels.subarray(row * FINDINGS.length, (row + 1) * FINDINGS.length);
    return composeChest(seed, owners[row]!, row, Array.from(present, Boolean));
  };
  let visit = 0;
  let nextVisit = course.patient(patientStream(seed, 0, COURSE));
  for (let row = 0; row < images; row++) {
    const owner = owners[row]!;
    if (row > 0 && owner !== owners[row - 1]) {
      visit = 0;
      nextVisit = course.patient(patientStream(seed, owner, COURSE));
    }
    labels.set(nextVisit(imageStream(seed, row, COURSE)).map(Number), row * FINDINGS.length);
    const { patient, visit: taken } = compose(row);
    entries.push({
      path: imageName(owner, visit++),
      patient: patientName(owner),
      age: patient.age,
      sex: patient.sex,
      view: taken.view,
    });
  }
  return {
    name,
    root: kind,
    entries,
    labelNames: FINDINGS,
    labels,
    embedded: drawnImages({ kind, images, patients, size, seed, prevalence }, size, (row) =>
      renderChest(compose(row), size),
    ),
    exclusive: false,
    missingImages: 0,
    patientsAssumed: false,
    notes: [SIMULATED],
  };
}
