"""``python -m pathtraced_boxes``: fetch skies and furniture, render data sets."""

import argparse
import json
from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from .assets import MODEL_INDEX, Assets, fetch_skies, unpack_models


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog='python -m pathtraced_boxes', description=__doc__)
    commands = parser.add_subparsers(required=True)
    fetch = commands.add_parser('fetch', help='get skies, and furniture from a Debian package')
    fetch.add_argument('assets', type=Path, metavar='ASSETS', help='folder to write')
    fetch.add_argument('--furniture', type=Path, metavar='DEB', help='sweethome3d-furniture_*.deb')
    fetch.set_defaults(run=run_fetch)
    render = commands.add_parser('render', help='render pictures with annotations; goes on')
    render.add_argument('out', type=Path, metavar='DIR', help='folder of the data set')
    render.add_argument('--num', type=int, required=True, help='number of pictures')
    render.add_argument('--seed', type=int, default=0, help='another seed gives other pictures')
    render.add_argument('--start', type=int, default=0, help='number of the first picture')
    render.add_argument('--assets', type=Path, help='folder that `fetch` wrote')
    render.add_argument('--size', type=int, nargs=2, default=(320, 320), metavar=('W', 'H'))
    render.add_argument('--samples', type=int, default=8, help='light paths of a pixel')
    render.add_argument('--threads', type=int, default=1, help='of the processor')
    render.add_argument(
        '--box',
        type=float,
        nargs=3,
        metavar=('X', 'Y', 'Z'),
        help='one particular box, metres: each picture shows it, in another place',
    )
    render.add_argument('--print-seed', type=int, default=0, help='of its print')
    render.set_defaults(run=run_render)
    args = parser.parse_args()
    args.run(args)


def run_fetch(args: Namespace) -> None:
    """Fetch what pictures are furnished with."""
    console = Console()
    console.print(f'{len(fetch_skies(args.assets))} skies in {args.assets}')
    if args.furniture is None:
        return
    from .blender import keep_models

    models = keep_models(unpack_models(args.furniture, args.assets))
    names = [str(path.relative_to(args.assets)) for path in models]
    (args.assets / MODEL_INDEX).write_text(json.dumps(names, indent=1))
    console.print(f'{len(names)} models in {args.assets}')


def run_render(args: Namespace) -> None:
    """Render the pictures that are not there yet."""
    from cpose.datasets.annotations.tao_writer import write_record
    from cpose.datasets.synthetic.shapes.carton import OneCarton

    from .pictures import PathTracedPictures

    args.out.mkdir(parents=True, exist_ok=True)
    box = OneCarton(tuple(args.box), args.print_seed) if args.box else None
    pictures = PathTracedPictures(
        Assets.find(args.assets), tuple(args.size), args.seed, args.samples, args.threads, box
    )
    numbers = range(args.start, args.start + args.num)
    for number in track(numbers, 'Rendering'):
        stem = f'cuboid_{number:06d}'
        if not (args.out / f'{stem}.jpg').is_file():
            write_record(pictures.record(number), args.out, stem, ('cuboid',))


if __name__ == '__main__':
    main()
