"""Makes the TIFF files beside it with Pillow: uint16.tif, int32.tif, float32.tif and wide.tif hold 4 × 4 pixels; strips.tif has its
directory before its pixels, so that a truncated copy has a valid header."""
from pathlib import Path

import numpy as np
from PIL import Image

here = Path(__file__).parent
values = np.arange(16).reshape(4, 4)
Image.fromarray((4369 * values).astype(np.uint16)).save(here / "uint16.tif")
Image.fromarray(values.astype(np.int32)).save(here / "int32.tif")
Image.fromarray((values / 15).astype(np.float32)).save(here / "float32.tif")
noise = np.random.default_rng(1).integers(0, 256, (64, 64)).astype(np.uint8)
Image.fromarray(noise).save(here / "strips.tif")
Image.fromarray(((values - 4) * 12345.5).astype(np.float32)).save(here / "wide.tif")
