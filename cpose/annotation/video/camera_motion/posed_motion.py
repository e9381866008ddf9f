"""The motion of a camera by a reconstruction: which frame has which pose."""

import warnings
from collections.abc import Iterable, Mapping

from cpose.annotation.video.camera_motion.posed_images import PosedImage, Reconstruction
from cpose.annotation.video.frames import FrameNote, note_sharpness, number_of, sharpest
from cpose.annotation.video.motion import RECONSTRUCTION, Frame, Motion, gaze
from cpose.apis.inference.image_sources import SourceImage
from cpose.error_places import FilePlace
from cpose.errors import DataError

WITHOUT_POSE = 'not in the reconstruction'


def find_motion(
    images: Iterable[SourceImage],
    poses: Mapping[int, PosedImage],
    names: Mapping[int, str],
    found: Reconstruction,
    every: int = 1,
) -> tuple[Motion, list[FrameNote]]:
    """Give the frames of a video, or pictures of a folder, the poses of a reconstruction.

    Args:
        images: All frames.
        poses: Images of the reconstruction by number of the frame.
        names: Of the files of each frame, by its number.
        found: The reconstruction.
        every: Of each so many frames with a pose the sharpest is taken.

    Returns:
        The motion, and a note on each frame that was looked at or has no pose.

    Raises:
        DataError: If the frames differ in size, or a camera is of others.
    """
    lonely: list[FrameNote] = []
    sizes: dict[int, tuple[int, int]] = {}

    def posed() -> Iterable[SourceImage]:
        for image in images:
            if number_of(image) in poses:
                sizes[number_of(image)] = image.image_wh
                yield image
            else:
                lonely.append(FrameNote(number_of(image), WITHOUT_POSE))

    notes = note_sharpness((number_of(image), value) for image, value in sharpest(posed(), every))
    used = [note.number for note in notes if not note.reason]
    image_wh = sizes[used[0]]
    frames = []
    for number in used:
        if sizes[number] != image_wh:
            new, old = (f'{width}×{height}' for width, height in (sizes[number], image_wh))
            raise DataError(
                f'has {new} pixels, and {names[used[0]]} has {old}',
                argument='folder',
                place=FilePlace(names[number]),
                advice='Give pictures of one size',
            )
        pose = poses[number]
        camera = pose.camera.for_image(image_wh)
        frames.append(
            Frame(names[number], number, camera.intrinsics, camera.distortion, pose.cv_from_world)
        )
    if lonely:
        warnings.warn(
            f'{len(lonely)} of {len(lonely) + len(poses)} frames have no pose in {found.origin}, '
            'and are left out.',
            stacklevel=3,
        )
    return Motion(
        kind=RECONSTRUCTION,
        image_wh=image_wh,
        frames=tuple(frames),
        is_metric=found.is_metric,
        intrinsics_source='reconstruction',
        expected=gaze(frames),
    ), [*notes, *lonely]
