import type { Dataset } from './dataset.js';
import { type ChestXray14Source, loadChestXray14 } from './sources/chestxray14.js';
import { type CsvSource, loadCsv } from './sources/csv.js';
import { type FolderSource, loadFolder } from './sources/folder.js';
import { loadPhantom, type PhantomSource } from './sources/phantom.js';

export type { ChestXray14Source, CsvSource, FolderSource, PhantomSource };

/** Where a data set comes from; `root` is absolute. */
export type DataSource = ChestXray14Source | CsvSource | FolderSource | PhantomSource;

/** Reads the table of a data set; no image is opened. Throws DATA or IO with file and row, CONFIG on a wrong setting. */
export function loadDataset(name: string, source: DataSource): Promise<Dataset> {
  switch (source.kind) {
    case 'chestxray14':
      return loadChestXray14(name, source);
    case 'csv':
      return loadCsv(name, source);
    case 'folder':
      return loadFolder(name, source);
    case 'phantom':
      return loadPhantom(name, source);
  }
}
