"""Run models over annotated photographs and compare them.

Run from the root of the repository, for example
``python -m benchmarks.real --model model.onnx --model work/epoch_9.pth work/config.py
--markdown docs/benchmarks_real.md --pictures sheets``. With ``--from-json`` the page is written
from stored figures.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import ForeignLoad, machine_facts
from benchmarks.real.document import make_document, print_scores
from benchmarks.real.scoring import average_sets, score_annotations, score_set
from benchmarks.real.sets import (
    DATA_VARIABLE,
    AnnotatedPhotograph,
    RealSet,
    choose_sets,
    default_data_folder,
    read_set,
)
from benchmarks.real.sheets import write_sheet
from benchmarks.real.timing import time_pictures
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.errors import ConfigError, DataError, UserError
from cpose.files.json_files import write_json
from cpose.geometry.scale_search import NUM_TRIES

Photographs = dict[str, list[AnnotatedPhotograph]]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure or read, then print and write; return 2 for an error of the user."""
    args = _parse(argv)
    try:
        stored = json.loads(args.from_json.read_text()) if args.from_json else measure(args)
    except UserError as error:
        sys.stderr.write(f'benchmarks.real: {error}\n')
        return 2
    for model in stored['models']:
        print_scores(model, stored['sets'])
    if args.json:
        write_json(args.json, stored)
    if args.markdown:
        args.markdown.write_text(make_document(stored, DATA_VARIABLE, NUM_TRIES))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run all models over all sets that are there."""
    sets = choose_sets(args.sets)
    photographs = {item.name: read_set(item, args.data) for item in sets}
    for item in sets:
        if not photographs[item.name]:
            sys.stderr.write(f'benchmarks.real: no pictures in {args.data / item.folder}\n')
    sets = [item for item in sets if photographs[item.name]]
    if not sets:
        raise DataError(
            'holds none of the sets',
            argument='data',
            value=str(args.data),
            advice=(
                f'Name their folder with --data or {DATA_VARIABLE}',
                'Name folders with --sets',
            ),
        )
    load = ForeignLoad()
    models = [measure_model(args, files, sets, photographs) for files in args.model]
    return {
        'machine': machine_facts(),
        'foreign_cores': load.cores(),
        'sets': [
            {**asdict(item), 'ceiling': score_annotations(photographs[item.name])} for item in sets
        ],
        'models': models,
    }


def measure_model(
    args: argparse.Namespace, files: Sequence[str], sets: list[RealSet], photographs: Photographs
) -> dict[str, Any]:
    """Return what is told of one model."""
    checkpoint, *config = files
    name = name_model(*files)

    inferencer = CenterPoseInferencer(
        config[0] if config else None, checkpoint, args.device, scales=args.scales
    )
    if len(inferencer.categories) != 1:
        raise ConfigError(
            f'is of {len(inferencer.categories)} categories, the sets hold one',
            argument='model',
            value=checkpoint,
            advice='Give a model of boxes',
        )
    scores = {}
    for item in sets:
        scores[item.name], results = score_set(inferencer, photographs[item.name])
        if args.pictures:
            path = args.pictures / f'{name.replace("/", "_")}_{item.name}.jpg'
            write_sheet(path, inferencer, photographs[item.name], results)
    pictures = spread_pictures(photographs, args.timed)
    return {
        'name': name,
        'megabytes': Path(checkpoint).stat().st_size / 1e6,
        'sizes_wh': inferencer.sizes_wh,
        'threshold': inferencer.postprocessor.infer_score_thr,
        'sets': scores,
        'mean': average_sets(scores, sets),
        'ms': {
            str(threads): time_pictures(files, args, threads, pictures) for threads in args.threads
        },
    }


def spread_pictures(photographs: Photographs, count: int) -> list[Path]:
    """Return some pictures of all sets, evenly."""
    paths = [item.path for found in photographs.values() for item in found]
    return [paths[place * len(paths) // count] for place in range(count)]


def name_model(path: str, config: str = '-') -> str:
    """Return folder and name of a file, and its config if given: checkpoints have like names."""
    name = '/'.join(Path(path).resolve().with_suffix('').parts[-2:])
    return name if config == '-' else f'{name} ({Path(config).stem})'


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.real',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--model',
        nargs='+',
        action='append',
        metavar=('FILE', 'CONFIG'),
        default=[],
        help='checkpoint, ONNX file or engine, and its config if the file carries none; '
        'give it several times to compare models',
    )
    parser.add_argument(
        '--data',
        type=Path,
        default=default_data_folder(),
        help=f'folder of the sets; default: {DATA_VARIABLE}, else ../shared/data',
    )
    parser.add_argument(
        '--sets', nargs='+', metavar='NAME', help='sets by name, or other folders; default: all'
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument(
        '--scales', nargs='+', type=float, metavar='FACTOR', help='see pictures at several sizes'
    )
    parser.add_argument('--threads', nargs='*', type=int, default=[1, 2], help='of the timings')
    parser.add_argument('--timed', type=int, default=20, help='pictures timed')
    parser.add_argument('--pictures', type=Path, metavar='DIR', help='write contact sheets')
    parser.add_argument('--json', type=Path, help='write the figures')
    parser.add_argument('--markdown', type=Path, help='write the page')
    parser.add_argument('--from-json', type=Path, help='stored figures instead of a measurement')
    args = parser.parse_args(argv)
    if not (args.model or args.from_json):
        parser.error('give --model or --from-json')
    return args


if __name__ == '__main__':
    raise SystemExit(main())
