"""What an export can be asked for, checked before any work."""

from dataclasses import dataclass

from cpose.deploy.model_metadata import NORMALISED, RGB_0_1
from cpose.errors import ConfigError, check_number

TRACED_OPSETS = (16, 17)
"""Written by PyTorch's older exporter."""

EXPORTED_OPSETS = (18, 19, 20, 21)
"""Written by the exporter on ``torch.export``."""

OPSETS = (*TRACED_OPSETS, *EXPORTED_OPSETS)
DEFORMABLE_OPSET = 19
"""The first opset with an operator for deformable convolutions."""

SIZE_DIVISOR = 32


@dataclass(frozen=True)
class ExportSettings:
    """Settings of an ONNX export.

    Attributes:
        input_wh: Width and height of the input, pixels.
        opset: Version of the ONNX operators.
        batch: Images of a run; None for any number.
        simplify: Whether onnxslim rewrites the graph.
        half: Whether the network computes in FP16; inputs, outputs and the decoder stay FP32.
        is_baked: Whether the graph takes RGB of 0 to 1 and normalises it.

    Raises:
        ConfigError: If a value is not possible.
    """

    input_wh: tuple[int, int]
    opset: int = 18
    batch: int | None = None
    simplify: bool = False
    half: bool = False
    is_baked: bool = False

    def __post_init__(self) -> None:
        for side in self.input_wh:
            if side < SIZE_DIVISOR or side % SIZE_DIVISOR:
                near = max(1, round(side / SIZE_DIVISOR)) * SIZE_DIVISOR
                raise ConfigError(
                    f'must be multiples of {SIZE_DIVISOR}, the coarsest stride of the networks',
                    argument='input_wh',
                    value=self.input_wh,
                    advice=f'Use {near} for {side}',
                )
        if self.opset not in OPSETS:
            raise ConfigError(
                'is not supported',
                argument='opset',
                value=self.opset,
                advice=f'Use one of {", ".join(map(str, OPSETS))}',
            )
        if self.batch is not None:
            advice = 'Leave it out for batches of any size'
            check_number('batch', self.batch, least=1, is_whole=True, advice=advice)

    @property
    def input_encoding(self) -> str:
        """What the caller must feed, as in `ModelMetadata`."""
        return RGB_0_1 if self.is_baked else NORMALISED

    @property
    def precision(self) -> str:
        """``'fp16'`` or ``'fp32'``."""
        return 'fp16' if self.half else 'fp32'
