"""Weight files that Keras writes, and what Keras computes with the weights in them.

Run with keras, h5py and torch installed: python keras_files.py
Writes keras/*.h5, keras/*.keras, keras/*.npz (a DenseNet and a ResNet of keras.applications, thin and shallow, with weights,
biases and statistics from a seed), keras/networks.json (logits before the softmax) and keras/half.h5 (element types).
Input pixel i (row-major over the batch [N, C, H, W]) is sin(0.37 i), so that the tests make the same one.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"

import h5py
import keras
import numpy as np
from keras.src.applications import densenet, resnet

FOLDER = pathlib.Path(__file__).parent / "keras"
SIZE, CLASSES = 64, 3
GROWTH, WIDTH = 4, 4


class ThinLayers:
    """keras.layers whose stem has fewer channels than that of the applications."""

    def __init__(self, stem):
        self.stem = stem

    def __getattr__(self, name):
        return getattr(keras.layers, name)

    def Conv2D(self, filters, *args, name=None, **options):
        return keras.layers.Conv2D(self.stem if name == "conv1_conv" else filters, *args, name=name, **options)


def thin_densenet():
    densenet.layers = ThinLayers(2 * GROWTH)
    block = densenet.conv_block
    densenet.conv_block = lambda x, growth_rate, name: block(x, GROWTH, name)
    return densenet.DenseNet(
        [1, 2, 1, 1], weights=None, input_shape=(SIZE, SIZE, 3), classes=CLASSES, classifier_activation=None
    )


def thin_resnet():
    resnet.layers = ThinLayers(WIDTH)

    def stacks(x):
        x = resnet.stack_residual_blocks_v1(x, WIDTH, 1, stride1=1, name="conv2")
        return resnet.stack_residual_blocks_v1(x, 2 * WIDTH, 2, name="conv3")

    return resnet.ResNet(
        stacks, False, True, weights=None, input_shape=(SIZE, SIZE, 3), classes=CLASSES, classifier_activation=None
    )


def fill(model):
    random = np.random.RandomState(7)
    for variable in model.weights:
        values = random.standard_normal(variable.shape).astype("float32")
        if "variance" in variable.path:
            values = np.abs(values) + 0.02
        elif "gamma" in variable.path:
            values = 1 + 0.3 * values
        elif "kernel" in variable.path:
            values *= (2 / np.prod(variable.shape[:-1])) ** 0.5
        else:
            values *= 0.2
        variable.assign(values)


def logits(model):
    image = np.sin(0.37 * np.arange(2 * 3 * SIZE * SIZE)).reshape(2, 3, SIZE, SIZE).astype("float32")
    values = model.predict(image.transpose(0, 2, 3, 1), verbose=0)
    return [float(f"{value:.6g}") for value in values.ravel()]


def main():
    FOLDER.mkdir(exist_ok=True)
    networks = {}
    for name, build in {"densenet": thin_densenet, "resnet": thin_resnet}.items():
        model = build()
        fill(model)
        networks[name] = logits(model)
        if name == "densenet":
            model.save(FOLDER / "densenet.keras")
        else:
            model.save(FOLDER / "resnet.h5")
            np.savez_compressed(FOLDER / "resnet.npz", **{w.path: w.numpy() for w in model.weights})
    with h5py.File(FOLDER / "half.h5", "w") as file:
        file["conv1_bn/gamma"] = np.array([0.5, -1.5, 65504], "float16")
        file["conv1_bn/beta"] = np.array([1, 2, 3], ">f4")
        file["conv2_block1_3_conv/kernel"] = np.ones((1, 1, 1, 2), "float16")
    (FOLDER / "networks.json").write_text(json.dumps(networks, indent=1) + "\n")


main()
