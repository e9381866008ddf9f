"""``cpose adapt``: from a folder of annotated photographs to a model that works on them."""

import sys
from argparse import ArgumentTypeError, Namespace, _SubParsersAction
from pathlib import Path
from typing import TYPE_CHECKING

from cpose.cli.arguments import non_negative_int, positive_float, positive_int
from cpose.cli.commands.train import resume_command

if TYPE_CHECKING:
    from cpose.annotation.adaptation.adapting import AdaptResult

KEPT = {
    'before': 'No adapted model does better than {model}, which is kept as it was. Annotate more '
    'photographs, or train longer.',
    'sizes': 'Knowing the proportions made {model} better, training did not: its weights are kept. '
    'Annotate more photographs, or train longer.',
    'half_way': 'Kept is the mean of the weights before and after training, which does best.',
}
"""What is said of the model that is kept, unless it is the trained one."""


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'adapt', help='fine-tune a model on annotated photographs and compare before and after'
    )
    parser.add_argument('folder', metavar='DIR', help='photographs with a JSON file each')
    parser.add_argument(
        '--model',
        required=True,
        metavar='NAME',
        help='start: a model that `cpose zoo` lists, hf:OWNER/NAME, https://… or a file of weights '
        'that carries its config',
    )
    parser.add_argument('--out', default='adapted', metavar='DIR', help='new folder of everything')
    parser.add_argument(
        '--val',
        default='0.2',
        metavar='SHARE|DIR',
        help='photographs held out to judge by: their share, of whole scenes, or another folder; '
        'default: 0.2',
    )
    parser.add_argument('--epochs', type=positive_int, default=40, help='at most, default: 40')
    parser.add_argument(
        '--minutes', type=positive_float, help='most minutes of training; default: no limit'
    )
    parser.add_argument(
        '--size',
        type=positive_int,
        metavar='PIXELS',
        help='side of the network input, a multiple of 32; default: as the model',
    )
    parser.add_argument(
        '--synthetic',
        type=_share,
        metavar='SHARE',
        help='of drawn pictures in training, 0 to below 1; default: a quarter where the objects '
        'have the symmetry of those that the model has learnt from drawn pictures',
    )
    parser.add_argument(
        '--category', metavar='NAME', help='class to learn; default: that of the annotations'
    )
    parser.add_argument(
        '--symmetry',
        metavar='none|cuboid|N',
        help='views that cannot be told apart; default: as annotated, else as the model',
    )
    parser.add_argument(
        '--free-sizes',
        action='store_true',
        help='guess the proportions of each object; default: only if those of the annotated ones '
        'are many',
    )
    parser.add_argument('--seed', type=non_negative_int, default=0)
    parser.add_argument(
        '--resume', action='store_true', help='go on with an interrupted adaptation in --out'
    )
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Adapt, print what was gained."""
    from cpose.annotation.adaptation.adapting import Wishes, adapt
    from cpose.annotation.adaptation.training_config import AdaptRecipe
    from cpose.errors import TrainingInterruptedError

    recipe = AdaptRecipe(args.epochs, args.minutes, args.synthetic, args.size, args.seed)
    wishes = Wishes(
        args.folder,
        args.model,
        read_val(args.val),
        args.category,
        args.symmetry,
        recipe,
        args.free_sizes,
    )
    try:
        result = adapt(wishes, args.out, args.resume)
    except TrainingInterruptedError as stop:
        sys.stderr.write(f'{stop}\nContinue with: {resume_command(sys.argv)}\n')
        return stop.exit_code
    _print(args, result)
    return 0


def read_val(text: str) -> str | float:
    """Return the share that a text stands for, or the text as a folder.

    Raises:
        ConfigError: If it is a number that is no share.
    """
    from cpose.errors import ConfigError

    try:
        share = float(text)
    except ValueError:
        return text
    if Path(text).is_dir():
        return text
    if not 0 < share < 1:
        raise ConfigError(
            'is no share of the photographs',
            argument='val',
            value=text,
            advice='Give a number above 0 and below 1, or a folder',
        )
    return share


def _share(text: str) -> float:
    """Parse a number from 0 to below 1.

    Raises:
        ArgumentTypeError: For anything else.
    """
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise ArgumentTypeError(f'{text!r} is not a number from 0 to below 1')
    return share


def _print(args: Namespace, result: 'AdaptResult') -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from cpose.annotation.adaptation.training_config import CHOICE
    from cpose.evaluation.metric_table import PRIMARY_NUMBER

    console = Console(highlight=False, markup=False)
    division = result.division
    if division.left_out:
        console.print(f'Left out:\n{division.left_out}', soft_wrap=True)
    table = Table(header_style='bold', box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ('on held-out photographs', 'before', 'after'):
        table.add_column(title, justify='left' if title.startswith('on') else 'right')
    for name, meaning in (
        (PRIMARY_NUMBER, 'AP at 3D IoU ≥ 0.5'),
        (CHOICE, 'AP averaged over 3D IoU'),
        ('mean_3DIoU', 'mean 3D IoU of matched'),
        ('MPE_2D_px', 'mean corner error, pixels'),
    ):
        numbers = (item[name] for item in (result.before, result.after))
        table.add_row(
            meaning, *('–' if number != number else f'{number:.2f}' for number in numbers)
        )
    console.print(table)
    scenes = f', of {_counted(division.num_scenes, "scene")}' if division.num_scenes else ''
    trained = _counted(len(division.train), 'photograph')
    console.print(
        f'{trained} trained on, {len(division.val)} held out{scenes}; '
        f'{result.seconds / 60:.1f} minutes of training\n'
        f'Pictures of both: {result.sheet}',
        soft_wrap=True,
    )
    if division.proportions:
        sizes = ' or '.join(
            ' × '.join(f'{extent:.2f}' for extent in extents) for extents in division.proportions
        )
        use = 'taken as known' if result.is_better else 'not used by this model'
        console.print(f'Proportions of the objects, {use}: {sizes}', soft_wrap=True)
    if result.chosen in KEPT:
        console.print(KEPT[result.chosen].format(model=args.model), soft_wrap=True)
    console.print(
        f'Your model on your own images:\n  cpose infer --model {result.model} YOUR_IMAGES',
        soft_wrap=True,
    )


def _counted(count: int, name: str) -> str:
    return f'{count} {name}{"" if count == 1 else "s"}'
