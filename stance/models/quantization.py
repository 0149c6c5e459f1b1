"""An ONNX graph with 8-bit weights that keeps its answers.

ONNX Runtime's dynamic quantization gives all activations of a matrix product one scale, and transformers have a few
channels and tokens that are many times as large as the others: 4 labels in 100 change. So three things are done to the
graph first, each exact in float arithmetic:

* channels are evened out between activations and weights (Xiao et al., "SmoothQuant", ICML 2023), after a look at
  calibration sentences;
* each token is divided by its largest activation before the product and multiplied by it after, which makes the one
  scale a scale a token;
* word embeddings are kept as 8-bit integers with a scale a word.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SMOOTHING = 0.5
"""How much of the unevenness goes to the weights, in [0, 1]: SmoothQuant's alpha."""
_SMALLEST = 1e-6

Feed = Mapping[str, npt.NDArray[np.int64]]


def quantize(whole: Path, out: Path, batches: Iterable[Feed]) -> None:
    """Write the float32 graph `whole` with 8-bit weights to `out`.

    Parameters
    ----------
    whole, out : Path
        ONNX files.
    batches : iterable of dict of str to ndarray
        Inputs to calibrate on; "mask" says which tokens count.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(whole)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    products = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            products[node.input[0]].append(node)
    largest = _largest_activations(model, list(products), batches)
    _even_out(model.graph, products, weights, largest)
    _quantize_embeddings(model.graph, weights)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        even = Path(folder) / "even.onnx"
        onnx.save(model, even)
        # unsigned weights: CPUs without VNNI add two products of signed ones in 16 bits, which overflow
        quantize_dynamic(even, out, weight_type=QuantType.QUInt8, per_channel=True, op_types_to_quantize=["MatMul"])


def _largest_activations(model: Any, names: list[str], batches: Iterable[Feed]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the largest absolute value of each channel of the tensors named."""
    import onnx
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    for name in names:
        watched.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
    largest: dict[str, npt.NDArray[np.float32]] = {}
    for batch in batches:
        real = batch["mask"].astype(bool)
        for name, values in zip(names, session.run(names, dict(batch)), strict=True):
            channels = np.abs(values[real] if values.shape[:2] == real.shape else values.reshape(-1, values.shape[-1]))
            largest[name] = np.maximum(largest.get(name, np.float32(0)), channels.max(axis=0))
    return largest


def _even_out(
    graph: Any, products: Mapping[str, list[Any]], weights: Mapping[str, Any], largest: Mapping[str, Any]
) -> None:
    """Divide the products' inputs by channel and by token, and make good for it in the weights and after."""
    from onnx import helper, numpy_helper

    def constant(name: str, value: npt.NDArray[Any]) -> str:
        graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    last = constant("quantization.last_axis", np.array([-1], dtype=np.int64))
    smallest = constant("quantization.smallest", np.array(_SMALLEST, dtype=np.float32))
    before: dict[str, list[Any]] = {}
    after: dict[str, Any] = {}
    for name, nodes in products.items():
        matrices = [numpy_helper.to_array(weights[node.input[1]]) for node in nodes]
        strongest = np.max([np.abs(matrix).max(axis=1) for matrix in matrices], axis=0)
        scale = np.maximum(largest[name], 1e-5) ** SMOOTHING / np.maximum(strongest, 1e-5) ** (1 - SMOOTHING)
        inverse = constant(f"{name}.inverse", (1 / scale).astype(np.float32))
        for node, matrix in zip(nodes, matrices, strict=True):
            # a matrix may serve other nodes too, so that the scaled one is a new tensor
            scaled = constant(f"{node.name}.scaled", (matrix * scale[:, None]).astype(np.float32))
            node.input[0], node.input[1] = f"{name}.token", scaled
            result, node.output[0] = node.output[0], f"{node.output[0]}.token"
            after[node.output[0]] = helper.make_node("Mul", [node.output[0], f"{name}.size"], [result])
        before[name] = [
            helper.make_node("Mul", [name, inverse], [f"{name}.even"]),
            helper.make_node("Abs", [f"{name}.even"], [f"{name}.absolute"]),
            helper.make_node("ReduceMax", [f"{name}.absolute", last], [f"{name}.largest"], keepdims=1),
            helper.make_node("Max", [f"{name}.largest", smallest], [f"{name}.size"]),
            helper.make_node("Div", [f"{name}.even", f"{name}.size"], [f"{name}.token"]),
        ]
    ordered: list[Any] = []
    for node in graph.node:
        ordered.append(node)
        for output in list(node.output):
            if output in after:
                ordered.append(after[output])
                output = after[output].output[0]
            ordered += before.get(output, [])
    _replace(graph, ordered)


def _quantize_embeddings(graph: Any, weights: Mapping[str, Any]) -> None:
    """Keep the rows that ids choose as 8-bit integers, with a scale a row."""
    import onnx
    from onnx import helper, numpy_helper

    ordered: list[Any] = []
    for node in graph.node:
        chosen = node.op_type == "Gather" and node.input[0] in weights and node.input[1] == "ids"
        if not chosen:
            ordered.append(node)
            continue
        table = numpy_helper.to_array(weights[node.input[0]])
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), _SMALLEST).astype(np.float32) / 127
        stem = node.output[0]
        for name, value in (
            (f"{stem}.rows", np.round(table / scale).astype(np.int8)),
            (f"{stem}.scale", scale),
        ):
            graph.initializer.append(numpy_helper.from_array(value, name))
        ordered += [
            helper.make_node("Gather", [f"{stem}.rows", "ids"], [f"{stem}.integers"]),
            helper.make_node("Gather", [f"{stem}.scale", "ids"], [f"{stem}.scales"]),
            helper.make_node("Cast", [f"{stem}.integers"], [f"{stem}.floats"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [f"{stem}.floats", f"{stem}.scales"], [stem]),
        ]
    _replace(graph, ordered)


def _replace(graph: Any, nodes: list[Any]) -> None:
    """Put the nodes into the graph, and drop the tensors that none of them reads."""
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
