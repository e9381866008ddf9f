"""How far the raw maps of a quantised network are from those of the original."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from cpose.deploy.model_metadata import INPUT_NAME
from cpose.deploy.onnx.cleanup import with_outputs
from cpose.deploy.onnx.graph_parts import raw_map_names
from cpose.errors import import_extra


def open_session(model: Any, is_exact: bool = False) -> Any:
    """Return an ONNX Runtime session on the CPU for an ``onnx.ModelProto``.

    Args:
        model: The model.
        is_exact: Compute every Q/DQ node as it stands. ONNX Runtime's fused kernels for signed
            activations saturate, which TensorRT does not: files for it are only right like this.
    """
    runtime = import_extra('onnxruntime', 'deploy')
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    if is_exact:
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return runtime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider']
    )


class RawMapError:
    """Compare quantised networks with the original on some images.

    The error of a map is the root mean square of the difference, divided by the standard deviation
    of the original within its channels; the result is the mean over all maps. Detections are not
    compared: the smallest change puts them into another order.

    Args:
        model: The original, ``onnx.ModelProto``.
        batches: Network inputs, (N, 3, H, W) float32.
        is_exact: See `open_session`.
    """

    def __init__(self, model: Any, batches: Iterable[np.ndarray], is_exact: bool = False) -> None:
        self.batches = list(batches)
        self.is_exact = is_exact
        self.names = raw_map_names(model)
        self.reference = self._run(model, is_exact=False)
        self.spread = [
            max(float(np.sqrt(np.mean(_centred(values) ** 2))), float(np.finfo(np.float32).tiny))
            for values in self.reference
        ]

    def __call__(self, model: Any) -> float:
        """Return the error of a quantised network, 0 for an equal one."""
        maps = self._run(model, self.is_exact)
        return float(
            np.mean(
                [
                    np.sqrt(np.mean((found - wanted) ** 2)) / spread
                    for found, wanted, spread in zip(maps, self.reference, self.spread, strict=True)
                ]
            )
        )

    def _run(self, model: Any, is_exact: bool) -> list[np.ndarray]:
        session = open_session(with_outputs(model, self.names), is_exact)
        runs = [session.run(self.names, {INPUT_NAME: batch}) for batch in self.batches]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _centred(values: np.ndarray) -> np.ndarray:
    centred: np.ndarray = values - values.mean(axis=(0, 2, 3), keepdims=True)
    return centred
