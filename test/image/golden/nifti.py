"""Makes nifti/*, small NIfTI files of nibabel, and nifti.json: what nibabel reads from them.

    pip install nibabel numpy
    python3 test/image/golden/nifti.py
"""

import json
import os

import nibabel as nib
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "nifti")
SHAPE = (5, 4, 3)
rng = np.random.default_rng(11)
AFFINE = np.array([[-0.5, 0.1, 0, 30], [0.1, 0.7, 0.2, -12], [0, -0.2, 2.5, 4], [0, 0, 0, 1]])
golden = []


def write(name, data, affine=AFFINE, kind=nib.Nifti1Image, slope=None, inter=None, change=None, endianness="<"):
    header = kind.header_class(endianness=endianness)
    header.set_data_dtype(data.dtype)
    image = kind(data, affine, header)
    if change:
        change(image)
    if slope is not None:
        image.header.set_slope_inter(slope, inter)
    path = os.path.join(OUT, name)
    nib.save(image, path)
    if slope is not None:
        # nibabel computes its own scaling when it saves: write stored values and the scaling as they are.
        with open(path, "r+b") as file:
            file.seek(112)
            file.write(np.array([slope, inter], dtype="<f4").tobytes())
            file.seek(352)
            file.write(data.astype("<" + data.dtype.str[1:]).tobytes(order="F"))
    read = nib.load(path)
    values = read.get_fdata(dtype=np.float64)
    golden.append(
        {
            "file": name,
            "size": [int(n) for n in (list(values.shape) + [1, 1])[:3]],
            "values": [float(v) for v in values.ravel(order="F")],
            "affine": [float(v) for v in read.affine[:3].ravel()],
            "zooms": [float(z) for z in read.header.get_zooms()[:2]],
        }
    )


def quaternion_only(image):
    image.set_qform(AFFINE, code=1)
    image.set_sform(None, code=0)


def left_handed(image):
    flipped = np.diag([2.0, 3.0, -4.0, 1.0])
    flipped[:3, 3] = [1, 2, 3]
    image.set_qform(flipped, code=1)
    image.set_sform(None, code=0)


os.makedirs(OUT, exist_ok=True)
integers = rng.integers(0, 100, SHAPE)
write("uint8.nii.gz", integers.astype(np.uint8))
write("int8.nii", (integers - 50).astype(np.int8))
write("int16.nii.gz", (integers * 300 - 15000).astype(np.int16))
write("uint16.nii", (integers * 650).astype(np.uint16))
write("int32.nii", (integers * 20_000_000 - 10**9).astype(np.int32))
write("uint32.nii", (integers * 40_000_000).astype(np.uint32))
write("int64.nii", (integers * 2**40).astype(np.int64))
write("float32.nii.gz", rng.normal(0, 1000, SHAPE).astype(np.float32))
write("float64.nii", rng.normal(0, 1, SHAPE))
write("big.nii", (integers * 300 - 15000).astype(np.int16), endianness=">")
write("scaled.nii", (integers * 10).astype(np.int16), slope=0.25, inter=-1000.0)
write("version2.nii.gz", integers.astype(np.int16), kind=nib.Nifti2Image)
write("quaternion.nii", integers.astype(np.uint8), change=quaternion_only)
write("left.nii", integers.astype(np.uint8), change=left_handed)
write("flat.nii", integers[:, :, 0].astype(np.uint8))
nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, 3), np.uint8), np.eye(4)), os.path.join(OUT, "refused_series.nii"))
nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.complex64), np.eye(4)), os.path.join(OUT, "refused_complex.nii"))
with open(os.path.join(HERE, "nifti.json"), "w") as file:
    json.dump({"nibabel": nib.__version__, "files": golden}, file, separators=(",", ":"))
    file.write("\n")
