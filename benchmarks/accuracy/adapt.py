"""What `cpose adapt` gains: average precision on held-out pictures of all models it chooses among.

The "photographs" are drawn in looks that the shipped model has not learnt from, or are a folder of
real ones, split into even and odd numbers. Run
``python -m benchmarks.accuracy.adapt --out work/adapt`` for all, or for example
``--sets overhead --numbers 25``; further options go to `cpose adapt`.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from cpose.annotation.adaptation.adapting import Wishes, adapt
from cpose.annotation.adaptation.training_config import AdaptRecipe
from cpose.apis.config.load import load_config
from cpose.apis.training import evaluate
from cpose.datasets.synthetic.folder import write_images
from cpose.datasets.synthetic.shapes.carton import OneCarton
from cpose.datasets.synthetic.shapes.cast import Cast, settings_of_shapes
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset

MODEL = 'cuboid'
NUMBERS = (10, 25, 50)
NUM_HELD_OUT = 200
PICTURE_WH = (480, 360)
SEED = 4004
OVERHEAD = {
    'box_span': (0.15, 0.4),
    'sides': (0.25, 3.2),
    'pitch_deg': (55.0, 88.0),
    'odd_camera': 0.3,
    'slender': 0.5,
    'flaps': 0.3,
    'flat_items': (0, 3),
    'upright_items': (0, 0),
    'print_density': 0.3,
    'reflection': 1.0,
    'window_light': 0.6,
    'webcam': 1.0,
    'blur': 0.8,
    'noise': 1.0,
}
"""Small, thin and open boxes under a cheap camera overhead, on glossy planes."""
OWN = {
    'box_span': (0.15, 0.6),
    'pitch_deg': (5.0, 65.0),
    'odd_camera': 0.3,
    'reflection': 0.6,
    'window_light': 0.6,
    'webcam': 1.0,
    'blur': 0.8,
    'noise': 1.0,
    'occluder': 0.2,
}
"""One box in many places under a cheap camera."""
OWN_BOX = OneCarton((0.19, 0.28, 0.07), print_seed=4)
SETS: dict[str, dict[str, Any]] = {
    'own': {'realism': OWN},
    'overhead': {'realism': OVERHEAD},
    'laptop': settings_of_shapes(['laptop']),
}
"""Settings of the pictures by name; laptops are a category of their own, with a front."""
NUMBERS_SHOWN = ('AP50_3DIoU', 'mean_3DIoU', 'MPE_2D_px')
KEPT = (*NUMBERS_SHOWN, 'mAP_3DIoU')


def main() -> None:
    """Measure and print a table in Markdown."""
    args = _parse()
    rows = []
    for name in args.sets:
        folder = args.out / name
        draw(name, folder, args.held_out)
        for number in args.numbers:
            rows.append(measure(name, number, folder, args))
    if args.photographs:
        rows.append(measure_photographs(args.photographs, args.out / args.photographs.name, args))
    (args.out / 'adapt.json').write_text(json.dumps(rows, indent=1))
    sys.stdout.write('| set | photographs | model | AP50 | mean IoU | corners, px | min |\n')
    for row in rows:
        minutes = f'{row["seconds"] / 60:.1f}'
        for name, numbers in row['models'].items():
            is_kept = ' (kept)' if name == row['chosen'] else ''
            cells = ' | '.join(f'{numbers[key]:.2f}' for key in NUMBERS_SHOWN)
            start = f'| {row["set"]} | {row["number"]} | {name}{is_kept}'
            sys.stdout.write(f'{start} | {cells} | {minutes} |\n')


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, required=True, help='folder of everything')
    parser.add_argument('--sets', nargs='*', choices=tuple(SETS), default=tuple(SETS))
    parser.add_argument('--numbers', nargs='*', type=int, default=NUMBERS)
    parser.add_argument('--photographs', type=Path, help='adapt to even ones, judge by odd ones')
    parser.add_argument('--held-out', type=int, default=NUM_HELD_OUT, help='pictures that judge')
    parser.add_argument('--epochs', type=int, default=AdaptRecipe.epochs)
    parser.add_argument('--minutes', type=float)
    parser.add_argument('--synthetic', type=float)
    return parser.parse_args()


def draw(name: str, folder: Path, num_held_out: int = NUM_HELD_OUT) -> None:
    """Write the pictures to adapt to and those that judge, unless they are there."""
    parts = (('train', max(NUMBERS), 0), ('test', num_held_out, 1000))
    for part, number, first in parts:
        target = folder / part
        if target.is_dir():
            continue
        target.mkdir(parents=True)
        pictures = SyntheticCuboidDataset(
            number, image_wh=PICTURE_WH, start_index=first, seed=SEED, **SETS[name]
        )
        if name == 'own':
            pictures.cast = Cast((OWN_BOX,))
        list(write_images(pictures, target))


def measure(name: str, number: int, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Adapt to some of the pictures and judge by the held-out ones."""
    chosen = folder / f'photographs_{number}'
    _copy(sorted((folder / 'train').glob('*.jpg'))[:number], chosen)
    return {'set': name, 'number': number, **_adapt(chosen, folder / 'test', args)}


def measure_photographs(source: Path, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Adapt to the even ones of a folder, by name, and judge by the odd ones."""
    pictures = sorted(source.glob('*.jpg'))
    _copy(pictures[::2], folder / 'even')
    _copy(pictures[1::2], folder / 'odd')
    numbers = _adapt(folder / 'even', folder / 'odd', args)
    return {'set': source.name, 'number': len(pictures[::2]), **numbers}


def _copy(pictures: list[Path], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        for file in (picture, picture.with_suffix('.json')):
            shutil.copyfile(file, target / file.name)


def _adapt(chosen: Path, judging: Path, args: argparse.Namespace) -> dict[str, Any]:
    out = chosen.with_name(f'{chosen.name}_adapted')
    recipe = AdaptRecipe(args.epochs, args.minutes, args.synthetic)
    start = time.perf_counter()
    result = adapt(Wishes(str(chosen), MODEL, recipe=recipe), out)
    seconds = time.perf_counter() - start
    config = out / 'adapt.py'
    reports = {
        item.name: evaluate(
            load_config(config, item.options), item.weights, judging, work_dir=out / 'judged'
        )
        for item in result.candidates
    }
    numbers = {name: {key: report[key] for key in KEPT} for name, report in reports.items()}
    return {'models': numbers, 'chosen': result.chosen, 'seconds': seconds, 'cores': os.cpu_count()}


if __name__ == '__main__':
    main()
