import type { Dataset } from './dataset.js';
import { withHeaderPatients } from './dicom-patients.js';
import { type HoldOutRule, withHoldOut } from './hold-out.js';
import { type ChestXray14Source, loadChestXray14 } from './sources/chestxray14.js';
import { type ChexpertSource, loadChexpert } from './sources/chexpert.js';
import { type CsvSource, loadCsv } from './sources/csv.js';
import { type FolderSource, loadFolder } from './sources/folder.js';
import { loadMedmnist, type MedmnistSource } from './sources/medmnist.js';
import { loadMimicCxrJpg, type MimicCxrJpgSource } from './sources/mimic-cxr-jpg.js';
import { loadMura, type MuraSource } from './sources/mura.js';
import { loadPadchest, type PadchestSource } from './sources/padchest.js';
import { loadPhantomChest, type PhantomChestSource } from './sources/phantom-chest.js';
import { loadPhantomLimb, type PhantomLimbSource } from './sources/phantom-limb.js';
import { loadRsnaPneumonia, type RsnaPneumoniaSource } from './sources/rsna-pneumonia.js';
import { loadTextures, type TexturesSource } from './sources/textures.js';
import { loadVindrCxr, type VindrCxrSource } from './sources/vindr-cxr.js';

export type {
  ChestXray14Source,
  ChexpertSource,
  CsvSource,
  FolderSource,
  MedmnistSource,
  MimicCxrJpgSource,
  MuraSource,
  PadchestSource,
  PhantomChestSource,
  PhantomLimbSource,
  RsnaPneumoniaSource,
  TexturesSource,
  VindrCxrSource,
};

/** Where a data set comes from; `root` is absolute. Simulated ones have none. With `holdOut`, one side of it. */
export type DataSource = KnownSource & { readonly holdOut?: HoldOutRule | undefined };

type KnownSource =
  | ChestXray14Source
  | ChexpertSource
  | CsvSource
  | FolderSource
  | MedmnistSource
  | MimicCxrJpgSource
  | MuraSource
  | PadchestSource
  | PhantomChestSource
  | PhantomLimbSource
  | RsnaPneumoniaSource
  | TexturesSource
  | VindrCxrSource;

/** Reads the table of a data set; no image is decoded. Throws DATA or IO with file and row, CONFIG on a wrong setting. */
export async function loadDataset(name: string, source: DataSource): Promise<Dataset> {
  const dataset = await loadWhole(name, source);
  return source.holdOut === undefined ? dataset : withHoldOut(dataset, source.holdOut);
}

async function loadWhole(name: string, source: KnownSource): Promise<Dataset> {
  switch (source.kind) {
    case 'chestxray14':
      return loadChestXray14(name, source);
    case 'chexpert':
      return loadChexpert(name, source);
    case 'csv':
      return withHeaderPatients(await loadCsv(name, source), source.patients);
    case 'folder':
      return withHeaderPatients(await loadFolder(name, source), source.patients);
    case 'medmnist':
      return loadMedmnist(name, source);
    case 'mimic-cxr-jpg':
      return loadMimicCxrJpg(name, source);
    case 'mura':
      return loadMura(name, source);
    case 'padchest':
      return loadPadchest(name, source);
    case 'phantom-chest':
      return loadPhantomChest(name, source);
    case 'phantom-limb':
      return loadPhantomLimb(name, source);
    case 'rsna-pneumonia':
      return loadRsnaPneumonia(name, source);
    case 'textures':
      return loadTextures(name, source);
    case 'vindr-cxr':
      return loadVindrCxr(name, source);
  }
}
