"""A network file in LiteRT."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch

from cpose.errors import CheckpointError, MissingDependencyError


class LiteRtNetwork:
    """Run a ``.tflite`` network on one image at a time, with as many threads as torch uses.

    Args:
        content: The file.
        name: Its name, for messages.
        input_side: Height and width of the image that it must take.
        output_shapes: Shapes of the outputs wanted, without the batch.

    Raises:
        CheckpointError: If it is no such network.
        MissingDependencyError: If LiteRT is not installed.
    """

    def __init__(
        self, content: bytes, name: str, input_side: int, output_shapes: Sequence[tuple[int, ...]]
    ) -> None:
        interpreter_class = import_litert().Interpreter
        try:
            self._interpreter = interpreter_class(
                model_content=content, num_threads=torch.get_num_threads()
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f'LiteRT cannot open {name}: {error}') from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shapes = [tuple(item['shape'].tolist()) for item in (*inputs, *outputs)]
        expected = (1, input_side, input_side, 3)
        by_shape = {shape[1:]: item['index'] for shape, item in zip(shapes[1:], outputs)}
        if len(inputs) != 1 or shapes[0] != expected or set(output_shapes) - set(by_shape):
            raise CheckpointError(
                f'{name} has inputs and outputs of the shapes {shapes}; expected are an input '
                f'{expected} and outputs {list(output_shapes)}, each of a batch of 1.'
            )
        self._input = inputs[0]['index']
        self._outputs = [by_shape[shape] for shape in output_shapes]

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the outputs for an image (side, side, 3), float32."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


def import_litert() -> Any:
    """Return the module with LiteRT's interpreter.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    try:
        return import_module('ai_edge_litert.interpreter')
    except ModuleNotFoundError as error:
        if (error.name or '').partition('.')[0] != 'ai_edge_litert':
            raise
        raise MissingDependencyError(
            'The package ai_edge_litert, which runs the networks of MediaPipe, is not installed. '
            'Install it with: pip install ai-edge-litert'
        ) from error
