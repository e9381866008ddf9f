"""A network file in LiteRT."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch

from cpose.error_places import FilePlace
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
            raise CheckpointError(
                f'cannot be opened by LiteRT: {error}', place=FilePlace(name)
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = {_shape(item): item['index'] for item in self._interpreter.get_output_details()}
        taken = [_shape(item) for item in inputs]
        if taken != [(input_side, input_side, 3)] or not outputs.keys() >= set(output_shapes):
            raise CheckpointError(
                f'takes images of the shapes {taken} and gives {list(outputs)}; expected are '
                f'{(input_side, input_side, 3)} and {list(output_shapes)}',
                place=FilePlace(name),
            )
        self._input = inputs[0]['index']
        self._outputs = [outputs[shape] for shape in output_shapes]

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the outputs for an image (side, side, 3), float32."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


def _shape(tensor: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of an input or output without the batch."""
    return tuple(tensor['shape'].tolist()[1:])


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
            'The package ai_edge_litert, which runs the networks of MediaPipe, is not installed',
            advice='Install it with: pip install ai-edge-litert',
        ) from error
