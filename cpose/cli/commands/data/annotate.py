"""``cpose annotate``: draw boxes on a folder of pictures, in a page of the local browser."""

import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cpose.cli.arguments import (
    add_camera,
    add_device,
    add_tensors_only,
    camera_numbers,
    non_negative_int,
    probability,
)
from cpose.cli.zoo_arguments import CARRIED, add_model, is_model_named

if TYPE_CHECKING:
    from cpose.annotation.server.editing import Editor

DEFAULT_PORT = 8642


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'annotate', help='draw boxes on pictures of your own, in the browser'
    )
    parser.add_argument('folder', metavar='DIR', help='pictures, with their sub-folders')
    parser.add_argument(
        '--category',
        nargs='+',
        default=(),
        dest='categories',
        metavar='NAME',
        help='names of the classes that the page offers',
    )
    add_camera(parser, 'as each picture says, or estimated')
    _add_server(parser)
    _add_proposals(parser)
    parser.set_defaults(func=run)


def _add_server(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--host', default='127.0.0.1', help='where to listen; default: this machine alone'
    )
    parser.add_argument('--port', type=non_negative_int, default=DEFAULT_PORT, help='0: any')
    parser.add_argument('--no-browser', action='store_true', help='only print the address')


def _add_proposals(parser: ArgumentParser) -> None:
    add_model(parser, 'checkpoint', 'open each picture with the boxes that a model finds')
    if not is_model_named(parser):
        parser.set_defaults(checkpoint=None)
    parser.set_defaults(config=CARRIED)
    parser.add_argument('--score-thr', type=probability, help='smallest score of a proposed box')
    add_tensors_only(parser)
    add_device(parser)


def run(args: Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from cpose.annotation.server.app import AnnotationApp
    from cpose.annotation.server.editing import Editor
    from cpose.annotation.server.pictures import PictureFolder
    from cpose.annotation.server.serving import serve

    folder = PictureFolder(args.folder)
    editor = Editor(folder, args.camera_file or camera_numbers(args.camera))
    proposer = _build_proposer(args, editor) if args.checkpoint else None
    app = AnnotationApp(editor, tuple(args.categories), proposer).build()
    for path in folder.left_out:
        sys.stderr.write(f'cpose annotate: left out: {path}\n')

    def tell(address: str) -> None:
        sys.stdout.write(f'{len(folder.pictures)} pictures: {address}\nCtrl-C ends.\n')
        sys.stdout.flush()

    with suppress(KeyboardInterrupt):
        serve(app, args.host, args.port, tell, opens_browser=not args.no_browser)
    return 0


def _build_proposer(args: Namespace, editor: 'Editor') -> Any:
    from cpose.annotation.server.proposals import ModelProposals
    from cpose.apis.builder import choose_device, resolve_config
    from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer

    device = choose_device(args.device) if args.device else None
    trust = {'load_tensors_only': True} if args.tensors_only else {}
    config = resolve_config(args.config, args.checkpoint, False, args.tensors_only, trust)
    inferencer = CenterPoseInferencer(config, args.checkpoint, device)
    return ModelProposals(inferencer, editor, args.score_thr)
