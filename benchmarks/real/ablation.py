"""What each part of the training of boxes contributes: the same short training without it.

Run from the root of the repository, for example
``python -m benchmarks.real.ablation --out work_dirs/ablation --markdown docs/ablation.md``. Every
variant is one ``cpose train`` with overrides, which is printed. A run that was stopped goes on;
what is complete is not trained again.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_facts
from benchmarks.real.scoring import average_sets, score_set
from benchmarks.real.sets import choose_sets, default_data_folder, read_set
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.training import evaluate
from cpose.files.json_files import write_json

CONFIG = 'efficientnet_lite0_cuboid'
DATA = 'train_dataloader.dataset.datasets'
SHARES = (0.5, 0.3, 0.2)
"""Of the pictures of an epoch: plain, usual, and of the whole range."""
TEST_IMAGES = 500
BATCH = 16


def of_pictures(**settings: str) -> dict[str, str]:
    """Return overrides for all kinds of training pictures; ``__`` stands for a dot."""
    return {
        f'{DATA}.{kind}.{name.replace("__", ".")}': value
        for kind in range(len(SHARES))
        for name, value in settings.items()
    }


@dataclass(frozen=True)
class Variant:
    """A training that differs in one thing.

    Attributes:
        title: What is different.
        options: Overrides of the config.
    """

    title: str
    options: Mapping[str, str] = field(default_factory=dict)


PLAIN = of_pictures(
    realism__box_span='(0.3,0.9)',
    realism__sides='(0.25,2.6)',
    realism__pitch_deg='(8.0,55.0)',
    realism__odd_camera='0.1',
    realism__rolled='0.0',
    realism__free_pose='0.0',
    realism__hands='0.0',
    realism__stacks='0.0',
    realism__slender='0.03',
    realism__flaps='0.0',
    realism__cut_off='0.05',
    realism__negatives='0.1',
)
"""Pictures of which a short training learns something: the base of all rows but one."""
SHIPPED_MIX = 'shipped_mix'

VARIANTS = {
    'base': Variant('plain pictures'),
    'scratch': Variant(
        'no ImageNet weights',
        {'model.backbone.pretrained_path': 'None', 'model.backbone.frozen_stages': '0'},
    ),
    'frozen0': Variant('no frozen stages', {'model.backbone.frozen_stages': '0'}),
    'frozen4': Variant('four of five stages frozen', {'model.backbone.frozen_stages': '4'}),
    'scales': Variant(
        'boxes of 10 to 110 % of the picture', of_pictures(realism__box_span='(0.1,1.1)')
    ),
    'no_negatives': Variant('boxes in all pictures', of_pictures(realism__negatives='0.0')),
    'negatives': Variant('a third without boxes', of_pictures(realism__negatives='0.33')),
    'orientations': Variant(
        'any orientation, hands, stacks, thin boxes',
        of_pictures(
            realism__pitch_deg='(0.0,88.0)',
            realism__odd_camera='0.4',
            realism__rolled='0.12',
            realism__free_pose='0.15',
            realism__hands='0.5',
            realism__stacks='0.25',
            realism__slender='0.12',
        ),
    ),
    SHIPPED_MIX: Variant('the mixture of the shipped model'),
    'no_symmetry': Variant(
        'boxes have a front', of_pictures(metainfo__symmetry__type="'NoSymmetry'")
    ),
    'association': Variant('ConvGRU between the branches', {'model.head.use_association': 'True'}),
    'stride4': Variant('maps of stride 4', {'model.neck.out_stride': '4'}),
    'plain_dims': Variant(
        'dimensions as predicted',
        {'model.head.postprocessor.dims_refiner': "{'_delete_':True,'type':'PredictedDims'}"},
    ),
}
NUMBERS = ('AP50_3DIoU', 'mean_3DIoU', 'MPE_2D_px')
KINDS = re.compile(rf'{re.escape(DATA)}\.\d')


def main(argv: Sequence[str] | None = None) -> None:
    """Train, test and tell."""
    args = _parse(argv)
    figures = {}
    for name in args.variants:
        folder = args.out / name
        stored = folder / f'figures_{args.epochs}.json'
        if not stored.is_file():
            checkpoint = train(name, folder, args)
            write_json(stored, score(checkpoint, folder, args))
        figures[name] = json.loads(stored.read_text())
        page = make_page(figures, args)
        if args.markdown:
            args.markdown.write_text(page)
    sys.stdout.write(page)


def training_options(name: str, args: argparse.Namespace) -> list[str]:
    """Return the overrides of a short training.

    The rate rises in its first twentieth and falls in its last quarter.
    """
    epochs = args.epochs
    rising = max(1, epochs * args.images // (20 * BATCH))
    falling = max(1, epochs // 4)
    start = epochs - falling
    side = f'({args.size},{args.size})'
    short = {
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': epochs,
        **of_pictures(image_wh=side, input_wh=side),
        **_plain_test('val_dataloader', side),
        **_plain_test('test_dataloader', side),
        **{
            f'{DATA}.{kind}.num_images': round(args.images * share)
            for kind, share in enumerate(SHARES)
        },
        'train_dataloader.batch_size': BATCH,
        'param_scheduler.0.end': rising,
        'param_scheduler.1.T_max': falling,
        'param_scheduler.1.begin': start,
        'param_scheduler.1.end': epochs,
    }
    pictures = {} if name == SHIPPED_MIX else PLAIN
    chosen = {**short, **pictures, **VARIANTS[name].options}
    return [f'{key}={value}' for key, value in chosen.items()]


def _plain_test(loader: str, side: str) -> dict[str, str]:
    return {
        f'{loader}.dataset.image_wh': side,
        f'{loader}.dataset.input_wh': side,
        f'{loader}.dataset.realism.box_span': '(0.3,0.9)',
    }


def train(name: str, folder: Path, args: argparse.Namespace) -> Path:
    """Train or go on; return the last checkpoint."""
    words = [sys.executable, '-m', 'cpose.cli.main', 'train', CONFIG, '--work-dir', str(folder)]
    last = folder / 'last_checkpoint'
    if last.is_file():
        words.append('--resume')
    options = training_options(name, args)
    words += ['--cfg-options', *options]
    sys.stdout.write(f'{shlex.join(words)}\n')
    sys.stdout.flush()
    subprocess.run(words, check=True)
    return Path(last.read_text().strip())


def score(checkpoint: Path, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Return the numbers on synthetic pictures, all of one kind, and on photographs."""
    options = {'test_dataloader.dataset.num_images': TEST_IMAGES}
    report = evaluate('-', checkpoint, work_dir=folder / 'test', options=options)
    found = {'synthetic': {name: report[name] for name in ('AP50_3DIoU', 'mean_3DIoU')}}
    inferencer = CenterPoseInferencer('-', checkpoint)
    sets = choose_sets(None)
    photographs = {item.name: read_set(item, args.data) for item in sets}
    sets = [item for item in sets if photographs[item.name]]
    if sets:
        scores = {item.name: score_set(inferencer, photographs[item.name])[0] for item in sets}
        found['photographs'] = average_sets(scores, sets)
    return found


def make_page(figures: Mapping[str, Any], args: argparse.Namespace) -> str:
    """Return the table in Markdown, with the command of each row."""
    facts = '; '.join(f'{name} {value}' for name, value in machine_facts().items())
    lines = [
        '# What each part contributes\n',
        f'`{CONFIG}` trained for {args.epochs} epochs of {args.images:,} pictures of '
        f'{args.size}×{args.size}, far less than the shipped model: rows are compared with the '
        f'first one, from which each differs in one thing. Synthetic: {TEST_IMAGES} pictures with '
        'boxes of 30 to 90 % of their size. Photographs: the mean over the sets of '
        f'[benchmarks/real](benchmarks_real.md). One seed. Machine: {facts}.\n',
        '| row | what is different | AP synthetic | IoU | AP photographs | IoU | px |',
        '|---|---|---:|---:|---:|---:|---:|',
    ]
    for name, found in figures.items():
        photographs = found.get('photographs', {})
        cells = [found['synthetic']['AP50_3DIoU'], found['synthetic']['mean_3DIoU']]
        cells += [photographs.get(number) for number in NUMBERS]
        shown = [_shown(value) for value in cells]
        lines.append(f'| {name} | {VARIANTS[name].title} | {" | ".join(shown)} |')
    again = f'--epochs {args.epochs} --images {args.images} --size {args.size}'
    lines += [
        '\nEach row is trained and tested again by',
        f'`python -m benchmarks.real.ablation {again} --variants ROW`, which prints the whole '
        '`cpose train` first. It differs from the first row by:\n',
    ]
    lines += [f'- {name}: {_differences(name, args)}' for name in figures if name != 'base']
    return '\n'.join(lines) + '\n'


def _shown(value: float | None) -> str:
    if value is None:
        return '–'
    return f'{value:.3f}' if value <= 1 else f'{value:.1f}'


def _differences(name: str, args: argparse.Namespace) -> str:
    """Return the overrides that the base has not, and those that it has alone."""
    base = set(training_options('base', args))
    own = training_options(name, args)
    added = dict.fromkeys(KINDS.sub(f'{DATA}.*', item) for item in own if item not in base)
    lost = base - set(own)
    without = {item for item in lost if item.partition('=')[0] not in _keys(own)}
    texts = [f'`{item}`' for item in added]
    return ', '.join(texts) + (f'without {len(without)} settings of pictures' if without else '')


def _keys(options: Sequence[str]) -> set[str]:
    return {item.partition('=')[0] for item in options}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.real.ablation',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--out', type=Path, default=Path('work_dirs/ablation'), help='of trainings')
    parser.add_argument('--epochs', type=int, default=8)
    parser.add_argument('--images', type=int, default=4000, help='pictures of an epoch')
    parser.add_argument('--size', type=int, default=256, help='width and height of the pictures')
    parser.add_argument('--variants', nargs='+', choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument('--data', type=Path, default=default_data_folder(), help='photographs')
    parser.add_argument('--markdown', type=Path, help='page to write')
    return parser.parse_args(argv)


if __name__ == '__main__':
    main()
