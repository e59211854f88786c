"""Makes dicom/*.dcm, small files in the transfer syntaxes that are read, and dicom.json: what they hold, from outside.

    pip install pydicom pillow imagecodecs numpy
    python3 test/image/golden/dicom.py [folder of real DICOM files, default ../../../../shared/data/dicom]

`stored` are the stored values (before any rescale): those that were encoded for lossless syntaxes, those that pydicom (Pillow)
or libjpeg-turbo, CharLS or OpenJPEG through imagecodecs decode for lossy ones. `levels` are the windowed 8-bit results, from
the formulas of PS3.3 C.11.2.1 in NumPy; they are checked here against pydicom's apply_modality_lut and apply_voi.
"""

import base64
import glob
import hashlib
import json
import os
import sys

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing, convert_color_space, pixel_array
from pydicom.uid import UID

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "dicom")
REAL = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../../../shared/data/dicom")
IMPLICIT, EXPLICIT, BIG, DEFLATED, RLE = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
)
JPEG = "1.2.840.10008.1.2.4."
ROWS, COLUMNS = 12, 17
rng = np.random.default_rng(7)
golden = []


def picture(bits, signed=False, rows=ROWS, columns=COLUMNS):
    """A smooth picture with noise that has the smallest and the largest value in it."""
    y, x = np.mgrid[0:rows, 0:columns]
    part = (np.sin(x / 4) + np.cos(y / 3) + 2) / 4 + rng.normal(0, 0.03, (rows, columns))
    values = np.clip(np.rint(part * (2**bits - 1)), 0, 2**bits - 1).astype(np.int64)
    values[0, 0], values[-1, -1] = 0, 2**bits - 1
    return values - (2 ** (bits - 1) if signed else 0)


def cells(values, allocated, high_bit=None, stored=None):
    shift = 0 if high_bit is None else high_bit + 1 - stored
    return (values << shift).astype(f"<i{allocated // 8}" if values.min() < 0 else f"<u{allocated // 8}")


def file(name, syntax, values, payload=None, allocated=16, stored=12, high=None, signed=False, photometric="MONOCHROME2",
         planar=None, preamble=True, meta=True, vr=None, **elements):
    ds = FileDataset(None, {}, preamble=b"\0" * 128)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3.4"
    ds.Modality = "DX"
    ds.InstitutionName = "PlantedHospital"
    ds.ReferringPhysicianName = "PlantedPhysician"
    ds.PatientName = "PlantedName^Given"
    ds.PatientID = f"PlantedId-{len(golden) % 3}"
    ds.PatientBirthDate = "19010203"
    ds.PatientSex = "O"
    ds.SamplesPerPixel = 1 if values.ndim == 2 else values.shape[2]
    ds.PhotometricInterpretation = photometric
    if values.ndim == 3:
        ds.PlanarConfiguration = planar or 0
    ds.Rows, ds.Columns = values.shape[:2]
    ds.BitsAllocated, ds.BitsStored = allocated, stored
    ds.HighBit = stored - 1 if high is None else high
    ds.PixelRepresentation = int(signed)
    for key, value in elements.items():
        setattr(ds, key, value)
    if payload is None:
        payload = cells(values, allocated, ds.HighBit, stored).tobytes()
    if UID(syntax).is_encapsulated:
        fragments = payload if isinstance(payload, list) else [payload]
        ds.PixelData = encapsulate(fragments) if len(fragments) == 1 else two_fragments(fragments)
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    else:
        payload += b"\0" * (len(payload) % 2)
        if syntax == BIG and (allocated == 16 or vr == "OW"):
            payload = np.frombuffer(payload, "<u2").byteswap().tobytes()
        ds.add_new(0x7FE00010, vr or ("OW" if allocated == 16 or syntax == IMPLICIT else "OB"), payload)
    path = os.path.join(OUT, f"{name}.dcm")
    pydicom.dcmwrite(path, ds, implicit_vr=syntax == IMPLICIT, little_endian=syntax != BIG, enforce_file_format=True)
    data = open(path, "rb").read()
    if not preamble:
        data = data[132:]
    if not meta:
        length = 12 + int.from_bytes(data[8:12], "little")
        data = data[length:]
    open(path, "wb").write(data)
    return ds


def two_fragments(parts):
    """One frame in several fragments: items after an empty offset table."""
    items = b"".join(b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part for part in parts)
    return b"\xfe\xff\x00\xe0\0\0\0\0" + items + b"\xfe\xff\xdd\xe0\0\0\0\0"


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def facts(values):
    return {
        "sha256": digest(values.astype("<i4")),
        "min": int(values.min()),
        "max": int(values.max()),
        "mean": float(values.mean()),
        "std": float(values.std()),
    }


def window(x, center, width, function):
    if function == "SIGMOID":
        return 255 / (1 + np.exp(-4 * (x - center) / width))
    if function == "LINEAR_EXACT":
        y = ((x - center) / width + 0.5) * 255
        return np.where(x <= center - width / 2, 0, np.where(x > center + width / 2, 255, y))
    with np.errstate(divide="ignore", invalid="ignore"):
        y = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255
    edge = (width - 1) / 2
    return np.where(x <= center - 0.5 - edge, 0, np.where(x > center - 0.5 + edge, 255, y))


def stretch(x, low, high):
    if low == high:
        return np.where(x > high, 255.0, 0.0)
    return np.clip((x - low) / (high - low) * 255, 0, 255)


def rounded(y, photometric):
    levels = np.floor(y + 0.5).astype(np.uint8)
    return 255 - levels if photometric == "MONOCHROME1" else levels


def default_levels(ds, values, index=0):
    """By the formulas, and checked against pydicom."""
    x = values * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
    if "ModalityLUTSequence" in ds:
        x = apply_modality_lut(values, ds).astype(float)
    if "WindowCenter" in ds:
        many = lambda v: list(v) if isinstance(v, pydicom.multival.MultiValue) else [v]
        center, width = float(many(ds.WindowCenter)[index]), float(many(ds.WindowWidth)[index])
        y = window(x, center, width, ds.get("VOILUTFunction", "LINEAR"))
        if "ModalityLUTSequence" not in ds:
            theirs = apply_windowing(apply_modality_lut(values, ds), ds, index)
            low = float(ds.get("RescaleIntercept", 0)) - (2 ** (ds.BitsStored - 1) if ds.PixelRepresentation else 0) * float(ds.get("RescaleSlope", 1))
            full = (2**ds.BitsStored - 1) * float(ds.get("RescaleSlope", 1))
            assert np.abs((theirs - low) / full * 255 - y).max() < 1e-6, "another window than pydicom's"
    elif "VOILUTSequence" in ds:
        y = apply_voi(x.astype(int), ds, index).astype(float) / (2 ** ds.VOILUTSequence[index].LUTDescriptor[2] - 1) * 255
    else:
        inside = x.ravel()
        if "PixelPaddingValue" in ds:
            other = ds.get("PixelPaddingRangeLimit", ds.PixelPaddingValue)
            low, high = sorted((ds.PixelPaddingValue, other))
            inside = x[(values < low) | (values > high)]
        y = stretch(x, *np.percentile(inside, [0.5, 99.5]))
    return rounded(y, ds.PhotometricInterpretation)


def expect(name, ds, values, tolerance=0, **rules):
    """`values` [rows, columns] stored values of grey images, or [rows, columns, 3] colours."""
    entry = {"file": f"{name}.dcm", "syntax": str(ds.file_meta.TransferSyntaxUID), "tolerance": tolerance}
    if values.ndim == 3:
        entry["colours"] = base64.b64encode(values.astype(np.uint8).tobytes()).decode()
    else:
        entry["stored"] = facts(values)
        if tolerance:
            entry["values"] = values.ravel().tolist()
        entry["levels"] = base64.b64encode(default_levels(ds, values).tobytes()).decode()
    for rule, levels in rules.items():
        entry[rule] = base64.b64encode(levels.tobytes()).decode()
    golden.append(entry)


def native(name, syntax, values, **options):
    ds = file(name, syntax, values, **options)
    path = os.path.join(OUT, f"{name}.dcm")
    if options.get("preamble", True) and options.get("high") is None and values.ndim == 2:
        assert (pydicom.dcmread(path).pixel_array == values).all(), name
    expect(name, ds, values)
    return ds


def lossless(name, syntax, values, payload, **options):
    ds = file(name, syntax, values, payload, **options)
    expect(name, ds, values)


def plain():
    native("implicit", IMPLICIT, picture(12), WindowCenter=1800, WindowWidth=2500)
    native("explicit8_mono1", EXPLICIT, picture(8), allocated=8, stored=8, photometric="MONOCHROME1")
    native("explicit16", EXPLICIT, picture(16), stored=16, RescaleSlope="0.5", RescaleIntercept="-7")
    native("signed16", EXPLICIT, picture(16, True), stored=16, signed=True, RescaleSlope=1, RescaleIntercept=-1024,
           WindowCenter="40", WindowWidth="40000.5", VOILUTFunction="LINEAR_EXACT")
    native("signed10", EXPLICIT, picture(10, True), stored=10, signed=True, WindowCenter=0, WindowWidth=500)
    native("big16", BIG, picture(12), WindowCenter=1800, WindowWidth=2500)
    native("big8_words", BIG, picture(8), allocated=8, stored=8, vr="OW")
    native("deflated", DEFLATED, picture(12))
    for name, options in {
        "bare_explicit": dict(syntax=EXPLICIT, preamble=False, meta=False),
        "bare_implicit": dict(syntax=IMPLICIT, preamble=False, meta=False),
        "no_preamble": dict(syntax=EXPLICIT, preamble=False),
    }.items():
        native(name, values=picture(12), **options)
    # 10 bits up to bit 12, the bits around them set as overlays and rubbish are.
    values = picture(10)
    dirty = ((values << 3) | 0x2005 | 0xC000).astype("<u2")
    native("high_bit", EXPLICIT, values, payload=dirty.tobytes(), stored=10, high=12)


def windows():
    values = picture(12)
    ds = file("two_windows", EXPLICIT, values, WindowCenter=["1000", "3000.5"], WindowWidth=["900", "1"],
              WindowCenterWidthExplanation=["NORMAL", "Harder"])
    expect("two_windows", ds, values, harder=default_levels(ds, values, 1),
           fixed=rounded(window(values.astype(float), 700, 600, "LINEAR"), "MONOCHROME2"),
           percentile=rounded(stretch(values, *np.percentile(values, [10, 80])), "MONOCHROME2"))
    native("sigmoid", EXPLICIT, picture(12), photometric="MONOCHROME1", WindowCenter=2000, WindowWidth=1500, VOILUTFunction="SIGMOID")
    table = Dataset()
    table.LUTDescriptor = [300, 100, 10]
    table.LUTExplanation = "Curve"
    table.LUTData = np.rint(1023 * np.linspace(0, 1, 300) ** 0.5).astype("<u2").tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    native("voi_table", EXPLICIT, picture(9), stored=9, VOILUTSequence=[table])
    modality = Dataset()
    modality.LUTDescriptor = [256, 0, 16]
    modality.ModalityLUTType = "US"
    modality.LUTData = (np.arange(256) ** 2).astype("<u2").tobytes()
    modality["LUTDescriptor"].VR, modality["LUTData"].VR = "US", "OW"
    native("modality_table", EXPLICIT, picture(8), allocated=8, stored=8, ModalityLUTSequence=[modality], WindowCenter=20000,
           WindowWidth=30000)
    values = picture(12, True)
    values[:4] = -2000
    values[4, :3] = -1990
    native("padding", EXPLICIT, values, stored=12, signed=True, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990)
    native("constant", EXPLICIT, np.full((ROWS, COLUMNS), 5))


def coded():
    for bits in (8, 16):
        values = picture(8 if bits == 8 else 12)
        options = dict(allocated=bits, stored=8 if bits == 8 else 12)
        ds = file(f"rle{bits}", RLE, values, rle(cells(values, bits)), **options)
        assert (pydicom.dcmread(os.path.join(OUT, f"rle{bits}.dcm")).pixel_array == values).all()
        expect(f"rle{bits}", ds, values)
    for bits, predictor in ((8, 1), (10, 1), (12, 1), (14, 1), (16, 1), (12, 4), (16, 7)):
        values = picture(bits)
        allocated = 8 if bits == 8 else 16
        data = imagecodecs.jpeg8_encode(cells(values, allocated), lossless=True, predictor=predictor, bitspersample=bits)
        uid = JPEG + ("70" if predictor == 1 else "57")
        lossless(f"jpeg_lossless{bits}_{predictor}", uid, values, data, allocated=allocated, stored=bits)
    values = picture(16, True)
    data = imagecodecs.jpeg8_encode(values.astype("<i2").view("<u2"), lossless=True, predictor=1, bitspersample=16)
    lossless("jpeg_lossless_signed", JPEG + "70", values, data, stored=16, signed=True)
    for bits in (8, 10, 12, 16):
        values = picture(bits)
        allocated = 8 if bits == 8 else 16
        options = dict(allocated=allocated, stored=bits)
        lossless(f"jpegls{bits}", JPEG + "80", values, imagecodecs.jpegls_encode(cells(values, allocated)), **options)
        data = imagecodecs.jpeg2k_encode(cells(values, allocated), reversible=True, level=0, codecformat="J2K", bitspersample=bits)
        lossless(f"jpeg2000_{bits}", JPEG + "90", values, [data[:200], data[200:] + b"\0" * (len(data) % 2)], **options)
    values = picture(12, True)
    data = imagecodecs.jpeg2k_encode(values.astype("<i2"), reversible=True, level=0, codecformat="J2K", bitspersample=12)
    lossless("jpeg2000_signed", JPEG + "90", values, data, stored=12, signed=True)
    values = picture(12)
    lossless("jpeg2000_jp2", JPEG + "90", values,
             imagecodecs.jpeg2k_encode(cells(values, 16), reversible=True, level=0, codecformat="JP2", bitspersample=12))
    # A codestream of 16 bits whose header speaks of 12.
    values = picture(14)
    data = imagecodecs.jpeg2k_encode(cells(values, 16), reversible=True, level=0, codecformat="J2K", bitspersample=16)
    file("jpeg2000_deeper", JPEG + "90", values, data, stored=12)
    golden.append({"file": "jpeg2000_deeper.dcm", "syntax": JPEG + "90", "tolerance": 0, "stored": facts(values)})


def lossy():
    for bits, syntax in ((8, "50"), (12, "51")):
        allocated = 8 if bits == 8 else 16
        data = imagecodecs.jpeg8_encode(cells(picture(bits), allocated), level=90, bitspersample=bits)
        values = imagecodecs.jpeg8_decode(data).astype(np.int64)
        ds = file(f"jpeg{bits}", JPEG + syntax, values, data, allocated=allocated, stored=bits)
        if bits == 8:
            assert np.abs(pydicom.dcmread(os.path.join(OUT, "jpeg8.dcm")).pixel_array.astype(int) - values).max() <= 1
        expect(f"jpeg{bits}", ds, values, tolerance=1)
    for bits in (8, 12):
        allocated = 8 if bits == 8 else 16
        data = imagecodecs.jpegls_encode(cells(picture(bits), allocated), level=3)
        values = imagecodecs.jpegls_decode(data).astype(np.int64)
        ds = file(f"jpegls_near{bits}", JPEG + "81", values, data, allocated=allocated, stored=bits)
        expect(f"jpegls_near{bits}", ds, values)
    data = imagecodecs.jpeg2k_encode(cells(picture(12), 16), level=50, codecformat="J2K", bitspersample=12)
    values = imagecodecs.jpeg2k_decode(data).astype(np.int64)
    ds = file("jpeg2000_lossy", JPEG + "91", values, data)
    expect("jpeg2000_lossy", ds, values, tolerance=1)


def colours():
    rgb = np.stack([picture(8, columns=16) for _ in range(3)], -1)
    options = dict(allocated=8, stored=8)
    ds = file("rgb", EXPLICIT, rgb, rgb.astype(np.uint8).tobytes(), photometric="RGB", **options)
    expect("rgb", ds, rgb)
    planes = np.ascontiguousarray(rgb.transpose(2, 0, 1)).astype(np.uint8).tobytes()
    expect("rgb_planar", file("rgb_planar", EXPLICIT, rgb, planes, photometric="RGB", planar=1, **options), rgb)
    expect("rle_rgb", file("rle_rgb", RLE, rgb, rle(rgb.astype(np.uint8)), photometric="RGB", planar=1, **options), rgb)
    data = imagecodecs.jpeg2k_encode(rgb.astype(np.uint8), reversible=True, level=0, codecformat="J2K")
    expect("jpeg2000_rgb", file("jpeg2000_rgb", JPEG + "90", rgb, data, photometric="YBR_RCT", **options), rgb)
    data = imagecodecs.jpegls_encode(rgb.astype(np.uint8))
    expect("jpegls_rgb", file("jpegls_rgb", JPEG + "80", rgb, data, photometric="RGB", **options), rgb)
    ybr = convert_color_space(rgb.astype(np.uint8), "RGB", "YBR_FULL")
    back = convert_color_space(ybr, "YBR_FULL", "RGB").astype(np.int64)
    expect("ybr", file("ybr", EXPLICIT, rgb, ybr.tobytes(), photometric="YBR_FULL", **options), back, tolerance=1)
    halves = np.concatenate([ybr[:, 0::2, :1], ybr[:, 1::2, :1], ybr[:, 0::2, 1:]], -1)
    ds = file("ybr422", EXPLICIT, rgb, np.ascontiguousarray(halves).tobytes(), photometric="YBR_FULL_422", **options)
    expect("ybr422", ds, pixel_array(os.path.join(OUT, "ybr422.dcm")).astype(np.int64), tolerance=1)
    for name, sampling in (("444", "444"), ("422", "422")):
        data = imagecodecs.jpeg8_encode(rgb.astype(np.uint8), level=90, subsampling=sampling)
        photometric = "YBR_FULL" if sampling == "444" else "YBR_FULL_422"
        ds = file(f"jpeg_ybr{name}", JPEG + "50", rgb, data, photometric=photometric, **options)
        expect(f"jpeg_ybr{name}", ds, imagecodecs.jpeg8_decode(data).astype(np.int64), tolerance=2)


def rle(array):
    """One frame in RLE Lossless, by pydicom's encoder."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(EXPLICIT)
    ds.Rows, ds.Columns = array.shape[:2]
    ds.SamplesPerPixel = 1 if array.ndim == 2 else 3
    ds.PhotometricInterpretation = "MONOCHROME2" if array.ndim == 2 else "RGB"
    if array.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8 * array.itemsize
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    ds.PixelData = array.tobytes()
    ds.compress(UID(RLE), encoding_plugin="pydicom")
    return next(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=1))


def refused():
    """Files that must be refused with a word; no golden numbers."""
    values = picture(8)
    options = dict(allocated=8, stored=8)
    file("refused_frames", EXPLICIT, values, values.astype(np.uint8).tobytes() * 2, NumberOfFrames=2, **options)
    file("refused_palette", EXPLICIT, values, photometric="PALETTE COLOR", **options)
    file("refused_mpeg", JPEG + "100", values, b"\0\0\1\xb3", **options)
    file("refused_short", EXPLICIT, values, values.astype(np.uint8).tobytes()[:100], **options)


def real():
    found = []
    for path in sorted(glob.glob(os.path.join(REAL, "*.dcm"))):
        ds = pydicom.dcmread(path)
        values = ds.pixel_array.astype(np.int64)
        levels = default_levels(ds, values)
        found.append({
            "file": os.path.basename(path),
            "stored": facts(values),
            "levels": {"sha256": digest(levels), "mean": float(levels.mean()), "std": float(levels.std())},
        })
    return found


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    for old in glob.glob(os.path.join(OUT, "*.dcm")):
        os.remove(old)
    plain()
    windows()
    coded()
    lossy()
    colours()
    refused()
    result = {"pydicom": pydicom.__version__, "imagecodecs": imagecodecs.__version__, "synthetic": golden, "real": real()}
    with open(os.path.join(HERE, "dicom.json"), "w") as out:
        json.dump(result, out, indent=1)
        out.write("\n")
