import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { ThawError } from '../base/errors.js';
import { ioError } from '../base/files.js';
import type { Dataset, DatasetEntry } from './dataset.js';
import { bytesOf, DICOM_START_BYTES, isDicom, parseDicom, textOf } from './dicom-file.js';

/** Patients as the headers of DICOM files name them: Patient ID (0010,0020). */
export interface DicomPatients {
  readonly kind: 'dicom';
  /** Secret text that ids are hashed with. */
  readonly salt?: string | undefined;
  /** Name of the environment variable that holds the salt. */
  readonly saltVariable?: string | undefined;
}

const PATIENT_ID = 'x00100020';
const FIRST_BYTES = 8 << 10;
/** A header that is larger than this before the patient's id is none. */
const MAXIMUM_BYTES = 64 << 20;
const CONCURRENCY = 16;
const HASH_DIGITS = 16;

/** What the header of one file says: an id, or nothing because the file is damaged and its pixels cannot be read either. */
type FoundId = { readonly id: string } | 'damaged';

/**
 * A data set with the patients of its files' headers; the same where there is no rule. Of each file the first kilobytes are
 * read, until the id is found; no pixels. With a salt an id becomes `p` and the first 16 hexadecimal digits of the SHA-256 of
 * salt, zero byte and id; without one it is taken as it is. A damaged file is taken for a patient of its own (its path): it
 * will be quarantined. Throws DATA for a file that is not DICOM or names no patient, CONFIG without the salt's variable or
 * where the source names patients already, IO.
 */
export async function withHeaderPatients(
  dataset: Dataset,
  rule: DicomPatients | undefined,
): Promise<Dataset> {
  if (rule === undefined) return dataset;
  if (!dataset.patientsAssumed) {
    const summary = "expected either 'patients: dicom' or 'patient', received both.";
    throw new ThawError('CONFIG', summary, { node: 'patients' });
  }
  const salt = saltOf(rule);
  const entries = new Array<DatasetEntry>(dataset.entries.length);
  const waiting = dataset.entries.entries();
  let damaged = 0;
  const lane = async (): Promise<void> => {
    for (const [row, entry] of waiting) {
      const header = await readId(join(dataset.root, entry.path));
      if (header === 'damaged') damaged++;
      entries[row] = { ...entry, patient: header === 'damaged' ? entry.path : hidden(header.id, salt) };
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  const note = `${damaged} damaged files name no patient: each was taken for a patient of its own`;
  return {
    ...dataset,
    entries,
    patientsAssumed: false,
    notes: damaged === 0 ? dataset.notes : [...dataset.notes, note],
  };
}

/** Whether the file begins as DICOM does; false too where it cannot be read. */
export async function isDicomFile(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'r');
    try {
      return isDicom(await readStart(handle, DICOM_START_BYTES));
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}

function saltOf({ salt, saltVariable }: DicomPatients): string | undefined {
  if (saltVariable === undefined) return salt;
  const text = process.env[saltVariable];
  if (text !== undefined && text !== '') return text;
  throw new ThawError('CONFIG', `the environment variable ${saltVariable} is not set.`, {
    node: 'patients.saltVariable',
    hint: 'Set it to the secret text that patient ids are hashed with; another text makes other ids.',
  });
}

function hidden(id: string, salt: string | undefined): string {
  if (salt === undefined) return id;
  const digest = createHash('sha256').update(`${salt}\0${id}`).digest('hex');
  return `p${digest.slice(0, HASH_DIGITS)}`;
}

async function readId(path: string): Promise<FoundId> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw ioError(cause, path, 'read');
  }
  try {
    for (let length = FIRST_BYTES; ; length *= 8) {
      const bytes = await readStart(handle, Math.min(length, MAXIMUM_BYTES));
      if (bytes.length === 0) return 'damaged';
      if (!isDicom(bytes)) throw notDicom(path);
      const complete = bytes.length < length || length >= MAXIMUM_BYTES;
      const found = idIn(bytes, path, complete);
      if (found !== undefined) return found;
    }
  } catch (cause) {
    throw cause instanceof ThawError ? cause : ioError(cause, path, 'read');
  } finally {
    await handle.close();
  }
}

/** The id that the beginning of a file names; undefined where more of the file is needed. Throws DATA where there is none. */
function idIn(bytes: Buffer, path: string, complete: boolean): FoundId | undefined {
  const { dataSet } = parseDicom(bytes, { untilTag: PATIENT_ID, partial: !complete });
  const id = textOf(dataSet, PATIENT_ID);
  if (id !== '') return { id };
  // Elements come in ascending order: a later one says that there is no id, none that the pixels are missing too.
  const passed = Object.keys(dataSet.elements).some((tag) => tag > PATIENT_ID && !tag.startsWith('xfffe'));
  if (!passed && bytesOf(dataSet, PATIENT_ID) === undefined) return complete ? 'damaged' : undefined;
  throw new ThawError('DATA', 'the header has no Patient ID (0010,0020).', {
    file: path,
    hint: "Every image needs a patient: give a column or an expression instead of 'patients: dicom', or leave the file out.",
  });
}

async function readStart(handle: FileHandle, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

function notDicom(path: string): ThawError {
  return new ThawError('DATA', "expected a DICOM file because of 'patients: dicom', found another kind.", {
    file: path,
    hint: 'Only DICOM headers name patients: leave other files out, or give patients by a column or an expression.',
  });
}
