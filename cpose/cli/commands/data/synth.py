"""``cpose synth``: write procedural pictures of objects with annotations, ready to train on."""

from argparse import Namespace, _SubParsersAction

from cpose.cli.arguments import non_negative_int, positive_int
from cpose.cli.option_values import add_flags


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'synth', help='write synthetic pictures of boxes or other objects'
    )
    parser.add_argument('folder', metavar='DIR', help='new or empty folder')
    parser.add_argument('--num', type=positive_int, required=True, help='number of images')
    parser.add_argument(
        '--seed', type=non_negative_int, default=0, help='another seed gives other images'
    )
    parser.add_argument(
        '--size',
        type=positive_int,
        nargs=2,
        default=(512, 512),
        metavar=('W', 'H'),
        help='width and height in pixels',
    )
    parser.add_argument(
        '--objects',
        type=int,
        nargs=2,
        default=(1, 1),
        metavar=('MIN', 'MAX'),
        help='least and greatest number of objects in an image',
    )
    parser.add_argument(
        '--shape',
        nargs='+',
        default=('carton',),
        metavar='NAME',
        help='what the objects are: carton (the default), bottle, cup, book or laptop; several are '
        'a category each',
    )
    parser.add_argument(
        '--workers', type=int, default=0, help='processes; 0, the default, draws in this one'
    )
    parser.add_argument(
        '--force',
        action='store_true',
        help='replace what an earlier run wrote into the folder, and any DIR_preview.png',
    )
    add_flags(parser, {'image_wh': '--size'})
    parser.set_defaults(func=run)


def run(args: Namespace) -> int:
    """Write the data set and, beside its folder, an overview ``DIR_preview.png``."""
    from rich.console import Console
    from rich.progress import track

    from cpose.datasets.synthetic.folder import prepare_folder, write_images
    from cpose.datasets.synthetic.shapes.cast import settings_of_shapes
    from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
    from cpose.files.outputs import check_replaceable
    from cpose.visualization.pictures import write_picture
    from cpose.visualization.pose_visualizer import draw_contact_sheet

    dataset = SyntheticCuboidDataset(
        args.num,
        image_wh=tuple(args.size),
        objects=tuple(args.objects),
        seed=args.seed,
        **settings_of_shapes(args.shape),
    )
    folder = prepare_folder(args.folder, args.force).resolve()
    preview = folder.with_name(f'{folder.name}_preview.png')
    check_replaceable(preview)
    console = Console(stderr=True)
    written = write_images(dataset, folder, args.workers)
    for _ in track(written, 'Drawing', total=args.num, console=console):
        pass
    write_picture(preview, draw_contact_sheet(dataset))
    text = f'{args.num} images with annotations in {folder}, overview in {preview}'
    console.print(text, soft_wrap=True, markup=False)
    return 0
