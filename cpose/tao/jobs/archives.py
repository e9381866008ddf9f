"""Data sets in ``.tar.gz`` archives, as TAO stores them."""

import bz2
import gzip
import hashlib
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from cpose.error_places import FilePlace
from cpose.errors import DataError, OutputError, unreadable

ENDINGS = ('.tar.gz', '.tgz', '.tar')
COMPRESSIONS: dict[bytes, Callable[[Path], Any]] = {
    b'\x1f\x8b': gzip.open,
    b'BZh': bz2.open,
    b'\xfd7zXZ': lzma.open,
}
MOST_GROWTH = 100
"""How many times larger than its archive a data set may be; pictures hardly shrink at all."""
ALWAYS_ALLOWED = 100 << 20
"""Bytes that any archive may grow to."""
LEAST_MEMBER = 4096
"""Bytes that a file counts at least: what it takes on a disk."""
MOST_READ = 16 << 20
"""Bytes that are read at once at most; headers are far shorter."""


def is_archive(place: str) -> bool:
    """Whether a data set is an archive, by its ending, and no folder."""
    return place.endswith(ENDINGS) and not Path(place).is_dir()


def data_folder(place: str, extract_to: Path) -> str:
    """Return the folder of a data set; an archive is extracted first, once.

    Args:
        place: Folder or archive.
        extract_to: Folder below which archives are extracted.

    Raises:
        DataError: If the archive cannot be read, or a member would leave the folder.
        OutputError: If nothing can be written there.
    """
    if not is_archive(place):
        return place
    archive = Path(place)
    target = extract_to / _folder_name(archive)
    if target.is_dir():
        return str(target)
    try:
        extract_to.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix='.unfinished_', dir=extract_to))
    except OSError as error:
        raise _no_place(archive, extract_to, error) from error
    try:
        _extract(archive, unfinished)
        _put_in_place(archive, unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return str(target)


def _put_in_place(archive: Path, unfinished: Path, target: Path) -> None:
    """Rename a folder, unless another process of the job was faster."""
    try:
        unfinished.replace(target)
    except OSError as error:
        if not target.is_dir():
            raise _no_place(archive, target.parent, error) from error


def _no_place(archive: Path, folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f'cannot be extracted to {folder}: {error.strerror}',
        place=FilePlace(archive),
        advice='Choose another results_dir',
    )


def _folder_name(archive: Path) -> str:
    """Return a name that changes with the archive."""
    try:
        status = archive.stat()
    except OSError as error:
        raise unreadable(archive, error) from error
    text = f'{archive.resolve()}:{status.st_size}:{status.st_mtime_ns}'
    return f'{archive.name.split(".")[0]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}'


def _extract(archive: Path, folder: Path) -> None:
    """Extract plain files and folders.

    Raises:
        DataError: If the archive is damaged, grows too much or has a member of another kind or
            place.
    """
    room = max(ALWAYS_ALLOWED, MOST_GROWTH * archive.stat().st_size)
    try:
        with _open(archive) as stream, _open_tar(_Measured(stream)) as content:
            for member in content:
                _check_member(archive, member)
                room -= max(member.size, LEAST_MEMBER)
                if room < 0:
                    raise _too_large(archive)
                _write_member(content, member, folder / member.name)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        reason = str(error).partition(':\n')[0]  # without a line for each compression
        raise DataError(
            f'cannot be extracted: {reason}',
            place=FilePlace(archive),
            advice=f'Copy or download it again, and check the free space of {folder.parent}',
        ) from error


def _open(archive: Path) -> Any:
    with archive.open('rb') as file:
        start = file.read(8)
    for mark, opener in COMPRESSIONS.items():
        if start.startswith(mark):
            return opener(archive)
    return archive.open('rb')


def _open_tar(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode='r:')


@dataclass(frozen=True)
class _Measured:
    """A stream that refuses to read much at once, as forged headers of a tar ask for."""

    stream: IO[bytes]

    def read(self, size: int) -> bytes:
        if size > MOST_READ:
            raise tarfile.ReadError(f'a header claims {size:,} bytes')
        return self.stream.read(size)

    def seek(self, position: int) -> int:
        return self.stream.seek(position)

    def tell(self) -> int:
        return self.stream.tell()


def _write_member(content: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    stream = content.extractfile(member)
    assert stream is not None
    with stream, target.open('wb') as file:
        shutil.copyfileobj(stream, file)


def _too_large(archive: Path) -> DataError:
    return DataError(
        f'grows to more than {MOST_GROWTH} times its size: a data set of pictures hardly shrinks',
        place=FilePlace(archive),
        advice='Extract it yourself if you trust it, and give the folder',
    )


def _check_member(archive: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or '..' in path.parts:
        raise DataError(
            f'holds {member.name!r}, which lies outside of where it is extracted to',
            place=FilePlace(archive),
            advice='Nothing of it is used; pack the folder again',
        )
    if not (member.isfile() or member.isdir()):
        raise DataError(
            f'holds {member.name!r}, which is a link or device',
            place=FilePlace(archive),
            advice='Nothing of it is used; pack plain files',
        )
