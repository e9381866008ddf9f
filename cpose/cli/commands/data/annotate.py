"""``cpose annotate``: draw boxes on pictures or a video, in a page of the local browser."""

import os
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from cpose.cli.arguments import (
    add_camera,
    add_device,
    add_tensors_only,
    camera_numbers,
    non_negative_int,
    positive_int,
    probability,
)
from cpose.cli.commands.data.make_board import add_board, build_board
from cpose.cli.zoo_arguments import CARRIED, add_model, is_model_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpose.annotation.server.base import PictureEditor, Proposer
    from cpose.annotation.video.video_folder import VideoFolder
    from cpose.apis.inference.image_sources import SourceImage

DEFAULT_PORT = 8642


def add_parser(subparsers: _SubParsersAction) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        'annotate', help='draw boxes on pictures of your own, in the browser'
    )
    parser.add_argument(
        'folder', metavar='DIR|VIDEO', help='pictures, with their sub-folders, or a video'
    )
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
    _add_video(parser)
    parser.set_defaults(func=run)


def _add_server(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--host', default='127.0.0.1', help='where to listen; default: this machine alone'
    )
    parser.add_argument('--port', type=non_negative_int, default=DEFAULT_PORT, help='0: any')
    parser.add_argument(
        '--read-only', action='store_true', help='look at annotations, change nothing'
    )
    parser.add_argument('--no-browser', action='store_true', help='only print the address')


def _add_proposals(parser: ArgumentParser) -> None:
    add_model(parser, 'checkpoint', 'open each picture with the boxes that a model finds')
    if not is_model_named(parser):
        parser.set_defaults(checkpoint=None)
    parser.set_defaults(config=CARRIED)
    parser.add_argument('--score-thr', type=probability, help='smallest score of a proposed box')
    add_tensors_only(parser)
    add_device(parser)


def _add_video(parser: ArgumentParser) -> None:
    group = parser.add_argument_group('videos', 'one box labels all frames')
    group.add_argument(
        '--out', metavar='DIR', help='folder of the frames; default: the video without its ending'
    )
    group.add_argument(
        '--every',
        type=positive_int,
        default=1,
        metavar='N',
        help='take the sharpest of every N frames; the default is 1, all',
    )
    group.add_argument(
        '--box', metavar='FILE', help='JSON with the placed corners: write all frames, no page'
    )
    motion = group.add_mutually_exclusive_group()
    motion.add_argument(
        '--object-moves',
        action='store_true',
        help='the camera stands still, and the object is moved: place it in a few frames',
    )
    motion.add_argument(
        '--reconstruction',
        metavar='PATH',
        help='where the camera was, in the place of a board: folder of a COLMAP model, '
        'transforms.json, or folder of Stray Scanner; a folder of pictures may take the place of '
        'the video',
    )
    add_board(group)


def run(args: Namespace) -> int:
    """Serve the page until Ctrl-C, or write the frames of a video."""
    if args.reconstruction or args.object_moves or _is_video(args.folder):
        return _run_video(args)
    _refuse_options_of_videos(args)

    from cpose.annotation.server.editing import Editor
    from cpose.annotation.server.pictures import PictureFolder

    folder = PictureFolder(args.folder, args.read_only)
    editor = Editor(folder, args.camera_file or camera_numbers(args.camera))
    for path in folder.left_out:
        sys.stderr.write(f'cpose annotate: left out: {path}\n')
    proposer = _build_proposer(args, editor) if args.checkpoint else None
    _serve(args, editor, proposer, f'{len(folder.pictures)} pictures')
    return 0


def _is_video(path: str) -> bool:
    from cpose.annotation.video.video_folder import is_video_folder
    from cpose.apis.inference.video_frames import is_live, is_video

    return os.path.isfile(path) or is_video(path) or is_live(path) or is_video_folder(path)


def _refuse_options_of_videos(args: Namespace) -> None:
    from cpose.errors import ConfigError

    for name, default in (('out', None), ('box', None), ('every', 1)):
        if getattr(args, name) != default:
            raise ConfigError(
                'is of videos, and a folder of pictures is given',
                argument=name,
                value=getattr(args, name),
                advice='Give a video',
            )


def _run_video(args: Namespace) -> int:
    from cpose.annotation.video.preparing import write_boxes
    from cpose.annotation.video.video_editor import VideoEditor

    folder = _open_video(args)
    build_proposer = partial(_build_proposer, args) if args.checkpoint else None
    if args.box:
        contents = write_boxes(folder, args.box, build_proposer)
        count = sum(not isinstance(content, str) for content in contents.values())
        sys.stdout.write(f'{count} frames with annotations in {folder.root}\n')
        return 0
    editor = VideoEditor(folder, build_proposer)
    try:
        _serve(args, editor, editor.proposer, f'{len(folder.pictures)} frames in {folder.root}')
    finally:
        if editor.is_writing:
            sys.stderr.write('cpose annotate: writing frames …\n')
        editor.settle()
    return 0


def _open_video(args: Namespace) -> 'VideoFolder':
    from cpose.annotation.video.frames import REPORT
    from cpose.annotation.video.preparing import VideoSettings, prepare_video
    from cpose.annotation.video.video_folder import VideoFolder, is_video_folder
    from cpose.files.outputs import note_input

    if is_video_folder(args.folder):
        return VideoFolder(args.folder)
    note_input(args.folder)
    camera = args.camera_file or camera_numbers(args.camera)
    settings = VideoSettings(
        build_board(args), camera, args.every, args.reconstruction, args.object_moves
    )
    folder = prepare_video(args.folder, args.out, settings, _track)
    left_out = folder.count_left_out()
    if left_out:
        sys.stderr.write(
            f'cpose annotate: {left_out} frames are left out, see {folder.root / REPORT}\n'
        )
    return folder


def _track(images: 'Iterable[SourceImage]', what: str, total: int) -> 'Iterable[SourceImage]':
    from rich.console import Console
    from rich.progress import track

    return track(images, what, total=total, console=Console(stderr=True))


def _serve(
    args: Namespace, editor: 'PictureEditor', proposer: 'Proposer | None', what: str
) -> None:
    from cpose.annotation.server.app import AnnotationApp
    from cpose.annotation.server.serving import serve

    app = AnnotationApp(editor, tuple(args.categories), proposer, args.read_only).build()

    def tell(address: str) -> None:
        sys.stdout.write(f'{what}: {address}\nCtrl-C ends.\n')
        sys.stdout.flush()

    with suppress(KeyboardInterrupt):
        serve(app, args.host, args.port, tell, opens_browser=not args.no_browser)


def _build_proposer(args: Namespace, editor: 'PictureEditor') -> Any:
    from cpose.annotation.server.proposals import ModelProposals
    from cpose.apis.builder import choose_device, resolve_config
    from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer

    device = choose_device(args.device) if args.device else None
    trust = {'load_tensors_only': True} if args.tensors_only else {}
    config = resolve_config(args.config, args.checkpoint, False, args.tensors_only, trust)
    inferencer = CenterPoseInferencer(config, args.checkpoint, device)
    return ModelProposals(inferencer, editor, args.score_thr)
