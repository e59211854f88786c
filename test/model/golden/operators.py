"""Tiny ONNX files, one a way in which exporters write an operator.

Run with onnx and numpy installed: python operators.py
Writes operators/<name>.onnx (checked by onnx.checker), operators/weights.bin and operators/elements.json: the values of
the tensors of elements.onnx, which hold the same weights in every element type and field.
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "operators"
random = np.random.default_rng(3)


def weights(*shape):
    return random.normal(0, 0.5, shape).astype(np.float32)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], **{"name": f"the {op}", **attributes})


def save(name, nodes, tensors, shape=(2, 3, 7, 7), opset=17, out=("N", "F")):
    initializers = [
        value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value), key)
        for key, value in tensors.items()
    ]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, list(out))],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 19 else 10)
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")
    return model


MAP = ("N", "C", "H", "W")
FLAT = [node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "f")]


def linear_layers():
    save("gemm", [*FLAT, node("Gemm", ["f", "w", "b"], "y", alpha=0.5, beta=2.0)], {"w": weights(3, 4), "b": weights(4)})
    save(
        "gemm-scalar-bias",
        [*FLAT, node("Gemm", ["f", "w", "b"], "y", transB=1)],
        {"w": weights(4, 3), "b": np.float32(0.7)},
        opset=9,
    )
    save(
        "gemm-row-bias",
        [*FLAT, node("Gemm", ["f", "w", "b"], "y", transB=1, beta=0.5)],
        {"w": weights(4, 3), "b": weights(1, 4)},
        opset=13,
    )
    save(
        "matmul-add",
        [*FLAT, node("MatMul", ["f", "w"], "m"), node("Add", ["b", "m"], "y")],
        {"w": weights(3, 4), "b": weights(4)},
        opset=21,
    )
    save("matmul", [*FLAT, node("MatMul", ["f", "w"], "y")], {"w": weights(3, 4)}, opset=10)


def windows():
    save(
        "conv-add",
        [node("Conv", ["x", "w"], "c", pads=[1, 0, 2, 1]), node("Add", ["c", "b"], "y")],
        {"w": weights(4, 3, 3, 2), "b": weights(4, 1, 1)},
        out=MAP,
    )
    save(
        "conv-groups",
        [node("Conv", ["x", "w", "b"], "y", group=3, dilations=[2, 1], strides=[1, 2], kernel_shape=[3, 3])],
        {"w": weights(6, 1, 3, 3), "b": weights(6)},
        out=MAP,
        opset=11,
    )
    for mode in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
        save(
            f"auto-pad-{mode.lower().replace('_', '-')}",
            [
                node("Conv", ["x", "w"], "c", auto_pad=mode, strides=[2, 2]),
                node("MaxPool", ["c"], "y", auto_pad=mode, kernel_shape=[2, 2]),
            ],
            {"w": weights(4, 3, 4, 4)},
            shape=(2, 3, 9, 9),
            out=MAP,
        )
    save(
        "pools",
        [
            node("MaxPool", ["x"], "a", name="first", kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1]),
            node("AveragePool", ["a"], "b", name="second", kernel_shape=[3, 2], pads=[1, 1, 0, 0], count_include_pad=1),
            node("AveragePool", ["b"], "c", kernel_shape=[2, 2], pads=[1, 1, 1, 1]),
            node("MaxPool", ["c"], "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        ],
        {},
        shape=(2, 3, 9, 9),
        out=MAP,
    )
    save("average-ceil", [node("AveragePool", ["x"], "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)], {}, out=MAP)


def reductions():
    save("mean-attribute", [node("ReduceMean", ["x"], "y", axes=[-1, -2], keepdims=0)], {}, opset=13)
    save(
        "mean-input",
        [node("ReduceMean", ["x", "axes"], "p"), node("Reshape", ["p", "shape"], "y")],
        {"axes": np.array([2, 3]), "shape": np.array([0, -1])},
        opset=18,
    )
    save(
        "squeeze",
        [node("GlobalAveragePool", ["x"], "p"), node("Squeeze", ["p", "axes"], "y")],
        {"axes": np.array([-2, -1])},
    )
    save("flatten", [node("Flatten", ["x"], "y", axis=-3)], {})
    save("reshape-merge", [node("Reshape", ["x", "shape"], "y")], {"shape": np.array([-1, 147])}, opset=14)
    save(
        "reshape-computed",
        [
            node("Shape", ["x"], "s"),
            helper.make_node("Slice", ["s", "zero", "one"], ["n"]),
            node("Concat", ["n", "rest"], "t", axis=0),
            node("Reshape", ["x", "t"], "y"),
        ],
        {"zero": np.array([0]), "one": np.array([1]), "rest": np.array([-1])},
    )


def elementwise():
    save("clip-attribute", [node("Clip", ["x"], "y", min=-0.25, max=0.5)], {}, opset=9, out=MAP)
    save("clip-input", [node("Clip", ["x", "", "top"], "y")], {"top": np.float32(0.5)}, opset=13, out=MAP)
    save(
        "clip-constant",
        [
            helper.make_node("Constant", [], ["low"], value_float=-0.5),
            helper.make_node("Identity", ["low"], ["bottom"]),
            node("Clip", ["x", "bottom"], "y"),
        ],
        {},
        opset=13,
        out=MAP,
    )
    norm = {"scale": weights(3), "bias": weights(3), "mean": weights(3), "var": np.abs(weights(3)) + 0.5}
    save(
        "batch-norm",
        [node("BatchNormalization", ["x", *norm], "b", epsilon=0.01), node("Sigmoid", ["b"], "y")],
        norm,
        out=MAP,
        opset=15,
    )
    save("dropout-attribute", [node("Dropout", ["x"], "d", ratio=0.3), node("Relu", ["d"], "y")], {}, opset=10, out=MAP)
    save("dropout-input", [node("Dropout", ["x", "r"], "d"), node("Relu", ["d"], "y")], {"r": np.float32(0.3)}, out=MAP)
    save("softmax", [*FLAT, node("Softmax", ["f"], "y")], {}, opset=13)
    save("softmax-old", [*FLAT, node("Softmax", ["f"], "y")], {}, opset=12)
    save(
        "branches",
        [
            node("Identity", ["x"], "i"),
            node("Concat", ["i", "x", "i"], "c", axis=-3),
            helper.make_node("Add", ["c", "c"], ["y"]),
        ],
        {},
        out=MAP,
    )


def elements():
    """The same 2 × 3 weights in every element type and in raw and typed fields; values as float32 afterwards."""
    values = np.array([[1.5, -0.1, 3e-6], [65504.0, 0.0, -2.75]])
    halves = values.astype(np.float16)
    brain = (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    typed = lambda key, kind, data: helper.make_tensor(key, kind, [2, 3], data)

    def half_tensor(key, kind, bits, raw):
        tensor = TensorProto(name=key, data_type=kind, dims=[2, 3])
        if raw:
            tensor.raw_data = bits.tobytes()
        else:
            tensor.int32_data.extend(int(bit) for bit in bits.flatten())
        return tensor

    tensors = {
        "float-raw": numpy_helper.from_array(values.astype(np.float32), "float-raw"),
        "float-typed": typed("float-typed", TensorProto.FLOAT, values.astype(np.float32).flatten().tolist()),
        "double-raw": numpy_helper.from_array(values, "double-raw"),
        "double-typed": typed("double-typed", TensorProto.DOUBLE, values.flatten().tolist()),
        "half-raw": half_tensor("half-raw", TensorProto.FLOAT16, halves.view(np.uint16), True),
        "half-typed": half_tensor("half-typed", TensorProto.FLOAT16, halves.view(np.uint16), False),
        "brain-raw": half_tensor("brain-raw", TensorProto.BFLOAT16, brain, True),
        "brain-typed": half_tensor("brain-typed", TensorProto.BFLOAT16, brain, False),
    }
    as_float = lambda array: array.astype(np.float32).flatten().tolist()
    expected = {
        "float": as_float(values),
        "double": as_float(values),
        "half": as_float(halves),
        "brain": as_float((brain.astype(np.uint32) << 16).view(np.float32)),
    }
    nodes = [node("GlobalAveragePool", ["x"], "p"), node("Flatten", ["p"], "f")]
    # Type inference would refuse mixed element types, so this file is not checked.
    last = "f"
    for key in tensors:
        nodes.append(helper.make_node("Gemm", [last, key], [f"g-{key}"], transB=1))
        nodes.append(helper.make_node("Gemm", [f"g-{key}", "back"], [f"h-{key}"], transB=1))
        last = f"h-{key}"
    nodes.append(helper.make_node("Identity", [last], ["y"]))
    tensors["back"] = numpy_helper.from_array(weights(3, 2), "back")
    graph = helper.make_graph(
        nodes,
        "elements",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        list(tensors.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, FOLDER / "elements.onnx")
    (FOLDER / "elements.json").write_text(json.dumps(expected) + "\n")


def external_data():
    model = save("external", [*FLAT, node("Gemm", ["f", "w", "b"], "y", transB=1)], {"w": weights(64, 3), "b": weights(64)})
    (FOLDER / "weights.bin").unlink(missing_ok=True)
    onnx.save(
        model,
        FOLDER / "external.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="weights.bin",
        size_threshold=0,
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    linear_layers()
    windows()
    reductions()
    elementwise()
    elements()
    external_data()
