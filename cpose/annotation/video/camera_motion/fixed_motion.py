"""Frames of a camera that stands still while the object moves."""

import warnings
from collections.abc import Iterable

from cpose.annotation.video.frames import FrameNote, frame_name, note_sharpness, number_of, sharpest
from cpose.annotation.video.motion import FIXED, Frame, Motion
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.camera_io import GuessWarning
from cpose.apis.inference.image_sources import SourceImage
from cpose.structures.camera import guess_intrinsics


def find_motion(
    images: Iterable[SourceImage], camera: Camera | None, source: str, every: int = 1
) -> tuple[Motion, list[FrameNote]]:
    """Choose the frames of a video in which an object moves.

    Args:
        images: All frames.
        camera: Of the video; None assumes a phone.
        source: The video, for messages.
        every: Of each so many frames the sharpest is taken.

    Returns:
        The frames, and a note on each that was looked at.

    Raises:
        DataError: If the camera is one of other pictures.
    """
    sizes = []

    def measured() -> Iterable[tuple[int, float]]:
        for image, sharpness in sharpest(images, every):
            sizes.append(image.image_wh)
            yield number_of(image), sharpness

    notes = note_sharpness(measured())
    image_wh = sizes[0]
    if camera is None:
        warnings.warn(
            GuessWarning(
                f'No camera is known for {source}: a typical phone is assumed (focal length 0.78 '
                'of the longer side), so proportions and distances are rough',
                advice='Give fx, fy, cx and cy in pixels as {camera}',
            ),
            stacklevel=3,
        )
    known = Camera(guess_intrinsics(image_wh)) if camera is None else camera.for_image(image_wh)
    frames = tuple(
        Frame(frame_name(note.number), note.number, known.intrinsics, known.distortion)
        for note in notes
        if not note.reason
    )
    return Motion(
        kind=FIXED,
        image_wh=image_wh,
        frames=frames,
        is_metric=False,
        intrinsics_source='guessed' if camera is None else 'file',
    ), notes
