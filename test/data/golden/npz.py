"""Makes npz/*.npz and npz.json with NumPy: archives in the form of MedMNIST, and their contents as NumPy reads them.

python3 test/data/golden/npz.py
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / 'npz'
COUNTS = {'train': 9, 'val': 3, 'test': 4}
rng = np.random.default_rng(7)


def pixels(count, *shape):
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8)


def parts(images, labels):
    """Arrays of all parts; `images(n)` and `labels(n)` make those of one."""
    return {
        f'{part}_{kind}': make(count)
        for part, count in COUNTS.items()
        for kind, make in (('images', images), ('labels', labels))
    }


def classes(dtype, *tail):
    return lambda count: (np.arange(count) % 3).reshape(count, *tail).astype(dtype)


def findings(dtype):
    def make(count):
        values = rng.integers(0, 2, (count, 4)).astype(dtype)
        if dtype == np.float64:
            values[0, 1] = np.nan
        return np.asfortranarray(values)

    return make


def write_version(path, arrays, version):
    """As `savez_compressed`, with a given version of the array format."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=version)
            archive.writestr(f'{name}.npy', buffer.getvalue())


ALL = {
    'deflated': parts(lambda n: pixels(n, 6, 4), classes(np.uint8, 1)),
    'stored': parts(lambda n: pixels(n, 5, 4, 3), classes('>i8')),
    'fortran': parts(lambda n: np.asfortranarray(pixels(n, 5, 4, 3)), findings(np.float64)),
    'fortran-grey': parts(lambda n: np.asfortranarray(pixels(n, 5, 4)), findings('>f4')),
    'one-channel': parts(lambda n: pixels(n, 3, 2, 1), classes('<u2', 1)),
    'version-2': parts(lambda n: pixels(n, 6, 4), classes(np.int16, 1)),
    'version-3': parts(lambda n: pixels(n, 6, 4), classes(bool, 1)),
}
FOLDER.mkdir(exist_ok=True)
for name, arrays in ALL.items():
    path = FOLDER / f'{name}.npz'
    if name.startswith('version'):
        write_version(path, arrays, (int(name[-1]), 0))
    else:
        (np.savez if name == 'stored' else np.savez_compressed)(path, **arrays)

good = ALL['deflated']
for name, change in {
    'objects': {'val_labels': np.array([[1], ['a'], [None]], dtype=object)},
    'volumes': parts(lambda n: pixels(n, 4, 4, 4), classes(np.uint8, 1)),
    'floats': {'test_images': good['test_images'].astype(np.float32)},
    'halves': {'test_labels': good['test_labels'].astype(np.float16)},
    'records': {'val_labels': np.zeros(3, dtype=[('a', 'u1'), ('b', 'i4')])},
    'counts': {'val_labels': good['val_labels'][:2]},
    'fractions': {'test_labels': np.array([[0], [1.5], [0], [1]])},
}.items():
    np.savez_compressed(FOLDER / f'{name}.npz', **{**good, **change})

golden = {}
for name in ALL:
    with np.load(FOLDER / f'{name}.npz') as archive:
        golden[name] = {
            key: {
                'shape': list(archive[key].shape),
                # NaN becomes null; the last index runs fastest.
                'values': [None if value != value else float(value) for value in archive[key].ravel(order='C')],
            }
            for key in sorted(archive.files)
        }
(Path(__file__).parent / 'npz.json').write_text(json.dumps(golden))
