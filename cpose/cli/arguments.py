"""Arguments that several commands share, written once."""

from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpose.cli.option_values import read_value
from cpose.cli.zoo_arguments import CARRIED, add_model, is_model_named
from cpose.errors import ConfigError

if TYPE_CHECKING:  # its import takes longer than the help of a command
    from mmengine.config import Config

MODEL_FILE = 'model file: .pth, .onnx, or a TensorRT engine (.engine, .plan, .trt)'
PLOT_ENDINGS = ('.png', '.pdf', '.svg')
WEIGHTS_FILE = 'weights: .pth, .tlt or .safetensors'


class KeyValueAction(Action):
    """Parse ``KEY=VALUE`` words; a mistake is an error of usage."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add the words to the options given before."""
        options = dict(getattr(namespace, self.dest) or {})
        for word in values:
            key, equals, text = word.partition('=')
            if not equals:
                parser.error(f'argument {option_string}: {word!r} is not KEY=VALUE')
            try:
                options[key] = read_value(text)
            except ValueError as error:
                parser.error(f'argument {option_string}: {key}: {error}')
        setattr(namespace, self.dest, options)


def add_config(parser: ArgumentParser, more: str = '') -> None:
    """Add CONFIG and its overrides."""
    what = 'config file or the name of a shipped one'
    parser.add_argument('config', metavar='CONFIG', help=what + more)
    add_cfg_options(parser)


def add_config_and_checkpoint(parser: ArgumentParser, what: str = MODEL_FILE) -> None:
    """Add CONFIG and CHECKPOINT, which may be the place of the config too, or ``--model``."""
    if is_model_named(parser):
        parser.set_defaults(config=CARRIED)
        add_cfg_options(parser)
    else:
        add_config(parser, f"; '{CARRIED}' takes it from the checkpoint")
    add_checkpoint(parser, what)


def add_cfg_options(parser: ArgumentParser) -> None:
    """Add overrides by dotted key."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValueAction,
        default={},
        metavar='KEY=VALUE',
        help='override config keys, for example train_dataloader.batch_size=8',
    )


def add_checkpoint(parser: ArgumentParser, what: str) -> None:
    """Add CHECKPOINT, or ``--model`` in its place, and how far it is trusted."""
    if not is_model_named(parser):
        places = 'also https://…, hf:OWNER/NAME or package://NAME'
        parser.add_argument('checkpoint', metavar='CHECKPOINT', help=f'{what}; {places}')
    add_model(parser, 'checkpoint', 'in the place of CONFIG and CHECKPOINT')
    add_tensors_only(parser)
    parser.add_argument(
        '--allow-custom-imports',
        action='store_true',
        help='let the config that the checkpoint carries import other packages than cpose',
    )


def add_tensors_only(parser: ArgumentParser) -> None:
    """Add the trust in checkpoints of others."""
    parser.add_argument(
        '--tensors-only',
        action='store_true',
        help='accept a file that holds other objects too; they are left out, nothing of it is run',
    )


def read_config(args: Namespace) -> 'Config':
    """Return the config of a command with CONFIG and CHECKPOINT, overrides applied."""
    from cpose.apis.builder import resolve_config

    return resolve_config(
        args.config,
        args.checkpoint,
        args.allow_custom_imports,
        args.tensors_only,
        read_options(args),
    )


def read_options(args: Namespace) -> dict[str, Any]:
    """Return the overrides of a command that has ``--tensors-only``."""
    trust = {'load_tensors_only': True} if args.tensors_only else {}
    return {**args.cfg_options, **trust}


def add_spec(parser: ArgumentParser, what: str, example: str) -> None:
    """Add a TAO spec under TAO's names of the option, and overrides of its keys."""
    names = ('-e', '--experiment_spec', '--experiment_spec_file')
    parser.add_argument(*names, dest='spec', required=True, metavar='SPEC', help=what)
    parser.add_argument(
        'overrides',
        nargs='*',
        metavar='KEY=VALUE',
        help=f'override keys of the spec, for example {example}',
    )


def add_force(parser: ArgumentParser) -> None:
    """Add the order to replace files of others; results of this project need none."""
    parser.add_argument(
        '--force', action='store_true', help='replace files that cpose did not write, too'
    )


def add_device(parser: ArgumentParser) -> None:
    """Add the device."""
    parser.add_argument(
        '--device', default=None, help='for example cpu or cuda:0; default: a GPU if there is one'
    )


def add_convention(parser: ArgumentParser) -> None:
    """Add ``--convention``, forms by field as in `cpose.datasets.conventions.table`."""
    parser.add_argument(
        '--convention',
        nargs='+',
        action=KeyValueAction,
        metavar='FIELD=FORM',
        help='how the annotations are known to be written, for example camera_frame=opencv',
    )


def add_camera(parser: ArgumentParser, default: str) -> Any:
    """Add ``--camera`` and ``--camera-file``, of which one may be given.

    Args:
        parser: Of the command.
        default: What is taken without either, for the help.

    Returns:
        The group, for further options that exclude them.
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        '--camera',
        nargs='+',
        metavar='NUMBER',
        help=f'FX FY CX CY [SKEW] in pixels; default: {default}',
    )
    group.add_argument('--camera-file', type=Path, help='JSON or YAML with the camera')
    return group


def add_scales(parser: ArgumentParser) -> None:
    """Add ``--scales``."""
    parser.add_argument(
        '--scales',
        nargs='+',
        type=positive_float,
        metavar='FACTOR',
        help='see each image at several sizes, factors of the network input, such as 0.5 1 2; '
        'default: one size, or as test_cfg says',
    )


def add_launcher(parser: ArgumentParser) -> None:
    """Add how several processes are started."""
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm'),
        default='none',
        help='set by tools/dist_*.sh (torchrun: pytorch) and tools/slurm_*.sh',
    )


def camera_numbers(words: list[str] | None) -> list[float] | None:
    """Turn the words after ``--camera`` into numbers; commas may stand for spaces."""
    if words is None:
        return None
    try:
        return [float(part) for part in ' '.join(words).replace(',', ' ').split()]
    except ValueError as error:
        raise ConfigError(
            f'is no list of numbers: {error}',
            argument='camera',
            value=words,
            advice='Give FX FY CX CY [SKEW] in pixels, and put inputs before the options',
        ) from error


def positive_int(text: str) -> int:
    """Parse a whole number above 0.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return int(_checked(text, int, lambda value: value > 0, 'a whole number above 0'))


def non_negative_int(text: str) -> int:
    """Parse a whole number from 0.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return int(_checked(text, int, lambda value: value >= 0, 'a whole number from 0'))


def positive_float(text: str) -> float:
    """Parse a finite number above 0.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return float(_checked(text, float, lambda value: 0 < value < inf, 'a finite number above 0'))


def non_negative_float(text: str) -> float:
    """Parse a finite number from 0.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return float(_checked(text, float, lambda value: 0 <= value < inf, 'a finite number from 0'))


def plot_file(text: str) -> str:
    """Parse the name of a file to draw to; its ending is the format, PNG without one.

    Raises:
        ArgumentTypeError: For another ending.
    """
    wanted = f'a file that ends in {", ".join(PLOT_ENDINGS)}'
    accepted = ('', *PLOT_ENDINGS)
    return str(_checked(text, str, lambda name: Path(name).suffix.lower() in accepted, wanted))


def probability(text: str) -> float:
    """Parse a number from 0 to 1.

    Raises:
        ArgumentTypeError: For anything else.
    """
    return float(_checked(text, float, lambda value: 0 <= value <= 1, 'a number from 0 to 1'))


def _checked(text: str, parse: Any, accept: Any, wanted: str) -> Any:
    try:
        value = parse(text)
    except ValueError:
        value = None
    if value is None or not accept(value):
        raise ArgumentTypeError(f'{text!r} is not {wanted}')
    return value
