"""The folder of a video: its frames, what was clicked, and the pairs that training reads.

``DIR/.cpose_annotate`` holds the pictures of all frames that can be annotated, the cameras
(``video.json``) and what a person says (``boxes.json``). All else follows from these: one picture
and one annotation for each frame that shows the object, and a table of the frames that are left
out. A crash while these are written is mended when the folder is opened.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any

from cpose.annotation.server.pictures import (
    HIDDEN,
    REVISION_DIGITS,
    ConflictError,
    Picture,
    locked,
    picture_id,
)
from cpose.annotation.video.frames import REPORT, FrameNote, write_report
from cpose.annotation.video.motion import Motion, parse_motion
from cpose.annotation.video.video_boxes import VideoBox, parse_video_boxes
from cpose.datasets.image_reading import Photo, read_image_file, read_photo
from cpose.error_places import FilePlace
from cpose.errors import DataError, OutputError, unwritable
from cpose.files.atomic import remove_unfinished, write_atomic, write_text_atomic
from cpose.files.json_files import JsonFields, write_json
from cpose.files.text_files import read_json

MOST_BYTES = 256 << 20
VIDEO, BOXES, FRAMES = 'video.json', 'boxes.json', 'frames'
LEFT_OUT_BY_HAND = 'left out by hand'


def is_video_folder(folder: str | Path) -> bool:
    """Tell whether a folder was made from a video."""
    return Path(folder, HIDDEN, VIDEO).is_file()


@dataclass(frozen=True)
class Said:
    """What a person says of a video.

    Attributes:
        boxes: The objects, also those that were removed.
        left_out: Numbers of frames that are not wanted.
    """

    boxes: tuple[VideoBox, ...] = ()
    left_out: frozenset[int] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            'boxes': [box.to_json() for box in self.boxes],
            'left_out': sorted(self.left_out),
        }


@dataclass
class _Written:
    """What was written last, by number of the frame: annotations, or why there are none."""

    texts: dict[int, str] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)


class VideoFolder:
    """The frames of a video and their annotations.

    Attributes:
        root: The folder.
        motion: The cameras.
        pictures: By id, in the order of the video.
        left_out: Names of pictures that cannot be used; there are none.

    Raises:
        DataError: If the folder was not made from a video, or a file of it is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.root = Path(os.path.realpath(folder))
        self.store = self.root / HIDDEN
        if not Path(os.path.realpath(self.store)).is_relative_to(self.root):
            raise DataError(
                'lies outside of the folder, by a symbolic link',
                place=FilePlace(self.store),
                advice='Copy it into the folder',
            )
        fields = JsonFields(read_json(self.store / VIDEO, MOST_BYTES), str(self.store / VIDEO))
        self.motion = parse_motion(fields)
        self._notes = [_parse_note(item) for item in fields.list_of_fields('notes')]
        self.pictures: dict[str, Picture] = {}
        self._numbers: dict[str, int] = {}
        for frame in self.motion.frames:
            path = f'{frame.name}.jpg'
            picture = Picture(picture_id(path), path, self.store / FRAMES)
            self.pictures[picture.id] = picture
            self._numbers[picture.id] = frame.number
        self.left_out: list[str] = []
        self._lock = RLock()
        self._written = _Written()
        remove_unfinished(self.root)

    def count_left_out(self) -> int:
        """Return how many frames were left out when the folder was made."""
        return sum(bool(note.reason) for note in self._notes)

    def number_of(self, picture: Picture) -> int:
        """Return which frame a picture is."""
        return self._numbers[picture.id]

    def picture_of(self, number: int) -> Picture:
        """Return the picture of a frame."""
        return self.pictures[picture_id(f'{self.motion.by_number[number].name}.jpg')]

    def read_picture(self, picture: Picture) -> Photo:
        """Read a frame.

        Raises:
            DataError: If it cannot be read.
        """
        return read_photo(str(picture.image_path), self.motion.image_wh)

    def read_file(self, picture: Picture) -> bytes:
        """Return the file of a frame.

        Raises:
            DataError: If it cannot be read.
        """
        return read_image_file(str(picture.image_path))

    def read_frame(self, number: int) -> Photo:
        """Read the frame of a number."""
        path = self.store / FRAMES / f'{self.motion.by_number[number].name}.jpg'
        return read_photo(str(path), self.motion.image_wh)

    def read_said(self) -> Said:
        """Return what was said of the video so far.

        Raises:
            DataError: If the file is damaged.
        """
        path = self.store / BOXES
        if not path.is_file():
            return Said()
        root = JsonFields(read_json(path, MOST_BYTES), str(path))
        numbers = root.get('left_out')
        numbers = numbers if isinstance(numbers, list) else []
        return Said(
            tuple(parse_video_boxes(root, self.motion)),
            frozenset(number for number in numbers if number in self.motion.by_number),
        )

    def revision(self) -> str:
        """Return what changes with what was said."""
        path = self.store / BOXES
        content = path.read_bytes() if path.is_file() else b'-'
        return hashlib.sha256(content).hexdigest()[:REVISION_DIGITS]

    @contextmanager
    def changing(self, revision: str) -> Iterator[None]:
        """Keep other tabs and servers out while the folder is changed.

        Raises:
            ConflictError: If what was said is not that of the revision.
            OutputError: If nothing can be written.
        """
        with self._lock, locked(self.root):
            if revision != self.revision():
                raise ConflictError
            yield

    def write_said(self, said: Said) -> None:
        """Keep what was said; to be called within `changing`.

        Raises:
            OutputError: If it cannot be written.
        """
        write_text_atomic(self.store / BOXES, [json.dumps(said.to_json(), indent=1), '\n'])

    def write_pairs(self, contents: Mapping[int, dict[str, Any] | str]) -> None:
        """Write the annotations of all frames, remove those that are none, and the report.

        Args:
            contents: For each number of a frame its annotation, or why it has none, empty if
                nothing was placed yet.

        Raises:
            OutputError: If a file cannot be written.
        """
        with self._lock:
            for frame in self.motion.frames:
                self._write_pair(frame.number, contents[frame.number])
            reasons = {n: item for n, item in contents.items() if isinstance(item, str)}
            if reasons != self._written.reasons or not (self.root / REPORT).is_file():
                notes = [
                    replace(note, reason=note.reason or reasons.get(note.number, ''))
                    for note in self._notes
                ]
                write_report(self.root / REPORT, notes)
                self._written.reasons = reasons

    def _write_pair(self, number: int, content: dict[str, Any] | str) -> None:
        name = self.motion.by_number[number].name
        text = '' if isinstance(content, str) else json.dumps(content, indent=1) + '\n'
        if self._written.texts.get(number) == text:
            return
        image, annotation = self.root / f'{name}.jpg', self.root / f'{name}.json'
        if text:
            if not (annotation.is_file() and annotation.read_bytes() == text.encode()):
                write_atomic(annotation, text.encode(), is_durable=False)
            _link(self.store / FRAMES / f'{name}.jpg', image)
        else:
            for path in (annotation, image):
                with suppress(FileNotFoundError):
                    path.unlink()
        self._written.texts[number] = text
        self._written.counts[number] = 0 if isinstance(content, str) else len(content['objects'])

    def state(self, picture: Picture) -> dict[str, Any]:
        """Return what the list of pictures tells of a frame."""
        number = self.number_of(picture)
        count = self._written.counts.get(number, 0)
        reason = self._written.reasons.get(number, '')
        return {
            'objects': count,
            'drafts': 0,
            'is_annotated': bool(count or reason),
            'error': None,
            'note': f'left out: {reason}' if reason else '',
        }


def create_folder(root: Path, motion: Motion, notes: Sequence[FrameNote]) -> None:
    """Write what makes a folder one of a video; its pictures are there by now.

    Raises:
        OutputError: If it cannot be written.
    """
    content = {**motion.to_json(), 'notes': [asdict(note) for note in notes]}
    write_report(root / REPORT, notes)
    write_json(root / HIDDEN / VIDEO, content)


def check_new(root: Path, made_of: dict[str, Any]) -> bool:
    """Tell whether a folder is still to be made; False if it is there, of the same video.

    Raises:
        OutputError: If other files are there, or frames of another video or other settings.
    """
    if is_video_folder(root):
        path = root / HIDDEN / VIDEO
        before = parse_motion(JsonFields(read_json(path, MOST_BYTES), str(path))).made_of
        differing = [name for name in made_of if before.get(name) != made_of[name]]
        if not differing:
            return False
        raise OutputError(
            f'holds frames of another video or other settings: {", ".join(differing)} differ',
            argument='out',
            place=FilePlace(root),
            advice='Give another {out}, or remove the folder',
        )
    if root.is_dir() and any(path.name != HIDDEN for path in root.iterdir()):
        raise OutputError(
            'is not empty', argument='out', place=FilePlace(root), advice='Give another {out}'
        )
    if root.exists() and not root.is_dir():
        raise DataError('is no folder', argument='out', place=FilePlace(root))
    return True


def _parse_note(item: JsonFields) -> FrameNote:
    numbers = {
        name: float(item.array(name, ())) for name in ('sharpness', 'residual_px') if item.has(name)
    }
    return FrameNote(int(float(item.array('number', ()))), str(item.value('reason')), **numbers)


def _link(source: Path, target: Path) -> None:
    """Let a picture appear under another name, without a copy where the disk allows it."""
    if target.is_file():
        return
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise unwritable(target, error, 'Make room') from error
