"""A folder of pictures: what each holds, and how a change reaches the disk.

The annotation of ``a.jpg`` is ``a.json`` in TAO's format. Boxes without a pose yet, and a camera
chosen before the first one, lie in ``.cpose_annotate/a.json``. Both are replaced atomically, in an
order in which a crash between them loses nothing.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from cpose.annotation.server.boxes import NOTE, Box
from cpose.annotation.server.cameras import PictureCamera
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.image_reading import Photo, read_image_file, read_photo
from cpose.error_places import FilePlace
from cpose.errors import DataError, UserError, unreadable, unwritable
from cpose.files.atomic import remove_unfinished, try_folder, write_text_atomic
from cpose.files.text_files import MOST_BYTES, read_json

HIDDEN = '.cpose_annotate'
WRITER = 'cpose annotate'
"""Root field ``annotated_with`` of files that this page began."""
REVISION_DIGITS = 16


@dataclass(frozen=True)
class Picture:
    """A picture of the folder.

    Attributes:
        id: Stands for it in addresses.
        path: Relative to the folder.
        root: The folder.
    """

    id: str
    path: str
    root: Path

    @property
    def image_path(self) -> Path:
        """The file of the picture."""
        return self.root / self.path

    def stamp(self) -> int:
        """Return what changes when another program writes the picture.

        Raises:
            DataError: If it is there no more.
        """
        try:
            return self.image_path.stat().st_mtime_ns
        except OSError as error:
            raise unreadable(
                self.path, error, advice='It was there when the page was opened'
            ) from error

    @property
    def json_path(self) -> Path:
        """The file of its annotation."""
        return self.image_path.with_suffix('.json')

    @property
    def draft_path(self) -> Path:
        """The file of what is not finished."""
        return (self.root / HIDDEN / self.path).with_suffix('.json')


@dataclass(frozen=True)
class Document:
    """What is known of a picture.

    Attributes:
        picture: Which one.
        image_wh: Width and height of the pixels that training sees.
        camera: Its camera.
        boxes: In the order of the file, unfinished ones last.
        is_annotated: Whether there is an annotation file.
        revision: Changes with the files on the disk.
        content: The annotation file as parsed, None without one.
    """

    picture: Picture
    image_wh: tuple[int, int]
    camera: PictureCamera
    boxes: tuple[Box, ...]
    is_annotated: bool
    revision: str
    content: dict[str, Any] | None = None


def picture_id(path: str) -> str:
    """Return what stands for a picture in addresses."""
    return hashlib.sha256(path.encode('utf-8', 'surrogateescape')).hexdigest()[:12]


class ConflictError(Exception):
    """The files have changed since the page read them."""


class PictureFolder:
    """The pictures of a folder and its sub-folders; links that lead out of it are left out.

    Args:
        folder: The folder.
        is_read_only: Whether nothing is to be written there, so that nothing need be.

    Attributes:
        pictures: By id, in the order of their paths.
        left_out: Paths of pictures that lie elsewhere, or share an annotation file with another.

    Raises:
        DataError: If the folder does not exist or holds no picture.
        OutputError: If nothing can be written there.
    """

    def __init__(self, folder: str | Path, is_read_only: bool = False) -> None:
        found = scan_folder(str(folder)).images
        self.root = Path(os.path.realpath(folder))
        self.pictures: dict[str, Picture] = {}
        self.left_out: list[str] = []
        stems: set[Path] = set()
        for image in found:
            picture = Picture(picture_id(image.path), image.path, self.root)
            if picture.json_path in stems or not self._is_inside(picture):
                self.left_out.append(image.path)
                continue
            stems.add(picture.json_path)
            self.pictures[picture.id] = picture
        self._lock = Lock()
        if is_read_only:
            return
        try:
            try_folder(self.root, HIDDEN)
        except OSError as error:
            advice = 'Check that it is yours, or look at it only with {read_only}'
            raise unwritable(folder, error, advice, argument='folder') from error
        remove_unfinished(self.root)

    def read_picture(self, picture: Picture) -> Photo:
        """Read the pixels that training sees.

        Raises:
            DataError: If it cannot be read.
        """
        self.check_inside(picture)
        content = self.read_content(picture)
        return read_photo(str(picture.image_path), annotated_size(content))

    def read_file(self, picture: Picture) -> bytes:
        """Return the file of a picture.

        Raises:
            DataError: If it cannot be read.
        """
        self.check_inside(picture)
        return read_image_file(str(picture.image_path))

    def read_content(self, picture: Picture) -> dict[str, Any] | None:
        """Return the annotation file as parsed, None without one.

        Raises:
            DataError: If it cannot be read or is no JSON object.
        """
        self.check_inside(picture)
        return _read_object(picture.json_path)

    def read_drafts(self, picture: Picture) -> dict[str, Any]:
        """Return what is not finished: ``objects``, and ``camera`` if it was chosen.

        Raises:
            DataError: If the file cannot be read or holds no boxes with ids.
        """
        self.check_inside(picture)
        return _read_drafts(picture.draft_path)

    def revision(self, picture: Picture) -> str:
        """Return what changes with the files of a picture."""
        digest = hashlib.sha256()
        for path in (picture.json_path, picture.draft_path):
            content = path.read_bytes() if path.is_file() else b'-'
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()[:REVISION_DIGITS]

    @contextmanager
    def changing(self, picture: Picture, revision: str) -> Iterator[None]:
        """Keep other tabs and servers out while the files of a picture are replaced.

        Raises:
            ConflictError: If the files are not those of the revision.
            OutputError: If nothing can be written.
        """
        with self._lock, locked(self.root):
            if revision != self.revision(picture):
                raise ConflictError
            yield

    def write(
        self, picture: Picture, content: dict[str, Any] | None, drafts: dict[str, Any] | None
    ) -> None:
        """Replace the files of a picture; to be called within `changing`.

        Unfinished boxes are written before the annotation file loses them, and removed after it
        has them, so that a box is in one of both at any moment.

        Args:
            picture: Which one.
            content: Of the annotation file; None removes it if this page began it.
            drafts: What is not finished, None if nothing is.

        Raises:
            OutputError: If a file cannot be written.
        """
        self.check_inside(picture)
        before = self.read_drafts(picture)
        new = (drafts or {}).get('objects', [])
        kept = [item for item in before.get('objects', []) if item['id'] not in _ids(new)]
        meanwhile = {**before, **(drafts or {}), 'objects': [*new, *kept]}
        if new and meanwhile != before:
            _write(picture.draft_path, meanwhile)
        if content is not None:
            _write(picture.json_path, content)
        elif picture.json_path.is_file():
            picture.json_path.unlink()
        if drafts is not None:
            if drafts != meanwhile or not new:
                _write(picture.draft_path, drafts)
        elif picture.draft_path.is_file():
            picture.draft_path.unlink()

    def state(self, picture: Picture) -> dict[str, Any]:
        """Return what the list of pictures tells: number of boxes and what is not finished."""
        try:
            self.check_inside(picture)
            content, drafts = _read_object(picture.json_path), _read_drafts(picture.draft_path)
        except UserError as error:
            return {'objects': 0, 'drafts': 0, 'is_annotated': False, 'error': str(error)}
        objects = (content or {}).get('objects')
        return {
            'objects': len(objects) if isinstance(objects, list) else 0,
            'drafts': len(drafts.get('objects', [])),
            'is_annotated': content is not None,
            'error': None,
        }

    def check_inside(self, picture: Picture) -> None:
        """Refuse a picture of which a file lies outside of the folder by now.

        Raises:
            DataError: If one does.
        """
        if not self._is_inside(picture):
            raise DataError(
                'lies outside of the folder, by a symbolic link',
                place=FilePlace(picture.path),
                advice='Copy it into the folder',
            )

    def _is_inside(self, picture: Picture) -> bool:
        paths = (picture.image_path, picture.json_path, picture.draft_path)
        return all(Path(os.path.realpath(path)).is_relative_to(self.root) for path in paths)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other processes out while files of a folder are replaced.

    Raises:
        OutputError: If nothing can be written there.
    """
    lock_path = root / HIDDEN / 'lock'
    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise unwritable(lock_path, error, 'Check that the folder is yours') from error
    with os.fdopen(handle) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def annotated_size(content: dict[str, Any] | None) -> tuple[int, int] | None:
    """Return the size of the picture by its annotation, None where it does not say."""
    camera = (content or {}).get('camera_data')
    if not isinstance(camera, dict):
        return None
    width, height = camera.get('width'), camera.get('height')
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _has_id(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get('id'), str)


def _ids(objects: list[dict[str, Any]]) -> set[str]:
    return {item['id'] for item in objects}


def written_ids(content: dict[str, Any] | None) -> set[str]:
    """Return the ids of the boxes that an annotation file holds."""
    notes = [item.get(NOTE) for item in (content or {}).get('objects', [])]
    return {note['id'] for note in notes if isinstance(note, dict) and 'id' in note}


def _read_object(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    content = read_json(path, MOST_BYTES)
    if not isinstance(content, dict):
        raise DataError(
            'is no JSON object', place=FilePlace(path), advice='Move it to another folder'
        )
    return content


def _read_drafts(path: Path) -> dict[str, Any]:
    drafts = _read_object(path) or {}
    items = drafts.get('objects', [])
    if not isinstance(items, list) or not all(map(_has_id, items)):
        raise DataError('holds no unfinished boxes', place=FilePlace(path), advice='Remove it')
    return drafts


def _write(path: Path, content: dict[str, Any]) -> None:
    write_text_atomic(path, [json.dumps(content, indent=1), '\n'], 'Make room, or check its rights')
