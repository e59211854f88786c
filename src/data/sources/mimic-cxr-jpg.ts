import { ThawError } from '../../base/errors.js';
import type { Dataset, DatasetEntry, SplitName } from '../dataset.js';
import { EntryTable } from '../entry-table.js';
import { existingPaths } from '../image-files.js';
import { requirePublished } from '../published-files.js';
import { splitNameOf, splitWords } from '../split-names.js';
import { readTable, type TextTable } from '../table.js';
import { type ViewChoice, ViewFilter } from '../views.js';
import { CHEXPERT_OBSERVATIONS, type ObservationPolicies, ObservationReader } from './observations.js';

/** MIMIC-CXR-JPG as PhysioNet publishes it (Johnson et al., 2019); versions 2.0.0 and 2.1.0. */
export interface MimicCxrJpgSource extends ObservationPolicies {
  readonly kind: 'mimic-cxr-jpg';
  readonly root: string;
  /** Which labeler's table is read; default `chexpert`. */
  readonly labels?: 'chexpert' | 'negbio' | undefined;
  /** Default `frontal`: view positions AP and PA. `lateral` are LATERAL and LL. */
  readonly views?: ViewChoice | undefined;
  /** Folder relative to the root that has `p10/p10000032/s50414267/*.jpg`; default `files`. */
  readonly images?: string | undefined;
  readonly allowMissing?: boolean | undefined;
}

export async function loadMimicCxrJpg(name: string, source: MimicCxrJpgSource): Promise<Dataset> {
  const { root, images: folder = 'files' } = source;
  const observations = new ObservationReader(source);
  const splitOf = await readSplits(root);
  const labelsOf = await readStudyLabels(source, observations);
  const metadata = await readTable(await publishedTable(root, 'metadata'), {
    only: ['dicom_id', 'subject_id', 'study_id', 'ViewPosition'],
  });
  const column = {
    image: metadata.column('dicom_id'),
    patient: metadata.column('subject_id'),
    study: metadata.column('study_id'),
    view: metadata.column('ViewPosition'),
  };
  const views = new ViewFilter(source.views);
  const rows = new EntryTable(metadata.file);
  const counts = { unlabelled: 0, unlisted: 0 };
  for (const [cells, row] of metadata.rows()) {
    const view = cells[column.view]!;
    if (!views.keeps(viewGroup(view))) continue;
    const image = filledCell(metadata, cells, column.image, row);
    const patient = filledCell(metadata, cells, column.patient, row);
    const study = filledCell(metadata, cells, column.study, row);
    const labels = labelsOf.get(study);
    if (labels === undefined) {
      counts.unlabelled++;
      continue;
    }
    const split = splitOf.get(image);
    if (split === undefined) counts.unlisted++;
    const entry: DatasetEntry = {
      path: `${folder}/p${patient.slice(0, 2)}/p${patient}/s${study}/${image}.jpg`,
      patient,
      ...(split === undefined ? {} : { split }),
      ...(view === '' ? {} : { view }),
    };
    rows.add(entry, labels, row);
  }
  const existing = await existingPaths(root, rows.paths);
  const found = rows.finish(
    (path) => (existing.has(path) ? path : undefined),
    source.allowMissing ?? false,
    existing.repeated,
  );
  return {
    name,
    root,
    ...found,
    labelNames: CHEXPERT_OBSERVATIONS,
    exclusive: false,
    patientsAssumed: false,
    notes: [
      ...found.notes,
      ...views.notes(),
      ...observations.notes().map((note) => `${note}, counted by study`),
      ...(counts.unlabelled === 0 ? [] : [`${counts.unlabelled} images whose study has no labels left out`]),
      ...(counts.unlisted === 0 ? [] : [`${counts.unlisted} images are in no official split`]),
    ],
  };
}

function filledCell(table: TextTable, cells: readonly string[], position: number, row: number): string {
  const cell = cells[position]!;
  if (cell !== '') return cell;
  throw new ThawError('DATA', `'${table.columns[position]}' is empty.`, { file: table.file, row });
}

function publishedTable(root: string, word: string): Promise<string> {
  return requirePublished(root, {
    name: `mimic-cxr-2.0.0-${word}.csv or .csv.gz`,
    pattern: new RegExp(`^mimic-cxr-[0-9.]+-${word}\\.csv(\\.gz)?$`),
  });
}

/** `dicom_id` → split. */
async function readSplits(root: string): Promise<Map<string, SplitName>> {
  const table = await readTable(await publishedTable(root, 'split'), { only: ['dicom_id', 'split'] });
  const [image, split] = [table.column('dicom_id'), table.column('split')];
  const words = splitWords({ validate: 'validation' });
  const splitOf = new Map<string, SplitName>();
  for (const [cells, row] of table.rows()) {
    const name = splitNameOf(cells[split]!, words, { file: table.file, row });
    if (name !== undefined) splitOf.set(cells[image]!, name);
  }
  return splitOf;
}

/** `study_id` → [observations]. */
async function readStudyLabels(
  source: MimicCxrJpgSource,
  observations: ObservationReader,
): Promise<Map<string, readonly number[]>> {
  const table = await readTable(await publishedTable(source.root, source.labels ?? 'chexpert'));
  const study = table.column('study_id');
  const read = observations.for(table);
  const labelsOf = new Map<string, readonly number[]>();
  for (const [cells, row] of table.rows()) labelsOf.set(cells[study]!, read(cells, row));
  return labelsOf;
}

/** Decubitus, oblique and other special positions are neither. */
function viewGroup(position: string): 'frontal' | 'lateral' | 'other' {
  if (position === 'AP' || position === 'PA') return 'frontal';
  return position === 'LATERAL' || position === 'LL' ? 'lateral' : 'other';
}
