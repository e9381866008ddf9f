"""Checkpoint files: written atomically, read without running what they hold.

A file is an archive of PyTorch, or of the registered format whose ending it has. A checkpoint is a
dict of tensors and Python primitives. Keys: ``state_dict``, ``meta`` (with the
config as JSON), and for resuming ``optimizer``, ``param_schedulers``, ``message_hub``,
``train_loop``.
"""

import re
import shutil
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import torch

from cpose.checkpoints.base import CheckpointFormat
from cpose.checkpoints.integrity import (
    check_archive,
    check_checksum,
    check_tensors,
    with_checksum,
)
from cpose.checkpoints.tensor_unpickler import tensor_pickle_module
from cpose.error_places import FilePlace
from cpose.errors import DAMAGED_FILE_ERRORS, CheckpointError, OutputError, UserError, unreadable
from cpose.files.atomic import atomic_file
from cpose.files.encrypted_file import is_complete, is_encrypted, protected, read_model_bytes
from cpose.files.weight_files import find_weights
from cpose.registry import CHECKPOINT_FORMATS

HEAD = 512
TEXT = re.compile(rb'[\t\n\r\x20-\x7e\x80-\xff]+')
KINDS = (
    (
        re.compile(rb'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19'),
        'one that is cut off or damaged (copy or download it again)',
    ),
    (
        re.compile(rb'\x08[\x01-\x20][\x12\x1a\x22\x2a\x32\x3a\x42]'),
        'an ONNX file (it holds a network to run; weights come from the .pth it was exported from)',
    ),
    (re.compile(rb'version https://git-lfs'), 'a pointer of Git LFS (fetch it: git lfs pull)'),
    (re.compile(rb'\s*<(!doctype|html|\?xml)', re.IGNORECASE), 'a web page (download it again)'),
    (re.compile(rb'\x89PNG|\xff\xd8\xff|BM'), 'an image'),
    (re.compile(rb'ptrt|ftrt'), 'a TensorRT engine'),
)
"""First bytes of a file to what it is; the first is how torch.save begins without an archive."""


def describe_kind(path: Path) -> str:
    """Say what a file is instead of a checkpoint; an empty string if that is not known."""
    with path.open('rb') as file:
        head = file.read(HEAD)
    kind = next((name for pattern, name in KINDS if pattern.match(head)), '')
    return kind or ('a text file' if TEXT.fullmatch(head) else '')


LAST_CHECKPOINT = 'last_checkpoint'
CONTINUE = (
    'Older checkpoints are intact. '
    'Make room or choose another {work_dir}, then continue with {resume}'
)


def save_checkpoint_atomic(
    path: str | Path, checkpoint: Mapping[str, Any], advice: str | tuple[str, ...] = CONTINUE
) -> None:
    """Write a checkpoint so that ``path`` is at any moment the old or the new file, complete.

    With an encryption key, see `cpose.files.encryption_key`, it is encrypted while it is written.

    Args:
        path: File, whose ending decides the format.
        checkpoint: Tensors and primitives.
        advice: What to do if it cannot be written, see `UserError`.

    Raises:
        OutputError: If it cannot be written; an older file of that name is untouched.
    """
    target = Path(path)
    try:
        with atomic_file(target) as file, protected(file) as sealed:
            content, other = with_checksum(checkpoint), find_format(target)
            torch.save(content, sealed) if other is None else other.write(sealed, content)
    except (OSError, RuntimeError) as error:
        reason = _os_error(error)
        if reason is None or isinstance(reason, OutputError):
            raise
        raise OutputError(
            f'cannot be written: {reason.strerror}. {_free_space(target.parent)}',
            place=FilePlace(target),
            advice=advice,
        ) from error


def load_checkpoint_file(path: str | Path, tensors_only: bool = False) -> dict[str, Any]:
    """Read a checkpoint with ``weights_only=True``, encrypted or not; its tensors are on the CPU.

    Args:
        path: File, or where one is: ``https://…``, ``hf:OWNER/NAME``, ``package://NAME``, see
            `cpose.files.weight_files`.
        tensors_only: Accept files with other pickled objects too; those become placeholders, and
            still nothing of the file is executed.

    Raises:
        CheckpointError: If there is no such file, it is empty, cut off, damaged, not a checkpoint,
            or holds code or pickled objects besides tensors; or if it cannot be downloaded.
        MissingDependencyError: If the package is not installed.
    """
    file = find_weights(path)
    with _errors_of_reading(file):
        _check_file(file)
        other = find_format(file)
        if other is not None:
            stored: Any = other.read(file)
        else:
            with _opened(file) as stream:
                stored = _load(file, stream, tensors_only)
    if not isinstance(stored, Mapping):
        raise CheckpointError(
            f'holds a {type(stored).__name__}, not a dict of weights',
            place=FilePlace(file),
            advice='Save the state_dict of the model instead',
        )
    check_tensors(stored, str(file))
    check_checksum(stored, str(file))
    return dict(stored)


def find_format(file: Path) -> CheckpointFormat | None:
    """Return the registered format of a file by its ending, None for an archive of PyTorch."""
    CHECKPOINT_FORMATS.import_from_location()
    known: Any = CHECKPOINT_FORMATS.module_dict.values()
    return next((kind() for kind in known if file.suffix.lower() in kind.suffixes), None)


def find_resume_checkpoint(work_dir: str | Path) -> Path | None:
    """Return the newest complete checkpoint of a run, or ``None`` if there is none.

    What is newer and not complete is warned of.
    """
    folder = Path(work_dir)
    pointer = folder / LAST_CHECKPOINT
    candidates = sorted(
        (file for file in folder.glob('*.pth') if re.fullmatch(r'(epoch|iter)_\d+', file.stem)),
        key=lambda file: file.stat().st_mtime_ns,
        reverse=True,
    )
    if pointer.is_file():
        named = pointer.read_text(encoding='utf-8', errors='replace').replace('\0', '').strip()
        candidates.insert(0, folder / Path(named).name)
    for file in dict.fromkeys(candidates):
        if _is_complete(file):
            return file
        if file.is_file():
            warnings.warn(f'{file} is not complete, training cannot go on from it.', stacklevel=2)
    return None


def _is_complete(file: Path) -> bool:
    """Whether the end of the file, which is written last, is there."""
    try:
        return zipfile.is_zipfile(file) or (file.is_file() and is_complete(file))
    except zipfile.BadZipFile:
        return False


def _check_file(file: Path) -> None:
    if not file.is_file():
        what = 'is a folder' if file.is_dir() else 'does not exist'
        raise CheckpointError(what, place=FilePlace(file), advice='Give a .pth file')
    if file.stat().st_size == 0:
        raise CheckpointError(
            'is empty (0 bytes)', place=FilePlace(file), advice='Copy or download it again'
        )
    with file.open('rb') as stream:
        is_zip = stream.read(4) == b'PK\x03\x04'
    if is_zip and not _is_complete(file):
        raise CheckpointError(
            f'is cut off after {file.stat().st_size} bytes',
            place=FilePlace(file),
            advice='Copy or download it again',
        )


def _opened(file: Path) -> IO[bytes]:
    """Open a checkpoint, decrypted if it is encrypted."""
    return BytesIO(read_model_bytes(file)) if is_encrypted(file) else file.open('rb')


@contextmanager
def _errors_of_reading(file: Path) -> Iterator[None]:
    """Make errors of the system those of the user."""
    try:
        yield
    except OSError as error:
        if isinstance(error, UserError):
            raise
        raise unreadable(file, error, CheckpointError) from error


def _load(file: Path, stream: IO[bytes], tensors_only: bool) -> Any:
    """Return the content of an opened checkpoint."""
    check_archive(stream, str(file))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', message='Detected pickle protocol')
            return torch.load(stream, map_location='cpu', weights_only=True)
    except OSError:
        raise
    except DAMAGED_FILE_ERRORS as error:
        stored, others = _load_tensors(file, stream, error)
        if others and not tensors_only:
            raise CheckpointError(
                f'holds pickled objects besides tensors: {", ".join(others)}. Loading them could '
                'run any code, so nothing was loaded',
                place=FilePlace(file),
                advice=(
                    'Read only its tensors by {tensors_only}',
                    'Write only its tensors to another file by `cpose convert`',
                ),
            ) from error
        return stored


def _load_tensors(file: Path, stream: IO[bytes], cause: Exception) -> tuple[Any, list[str]]:
    """Return the content with placeholders, and the names of what they stand for.

    ``weights_only=False`` is what lets torch take our unpickler; `check_archive` has refused the
    two kinds of files, TorchScript and tar, that torch would not read by it alone.
    """
    found: set[str] = set()
    stream.seek(0)
    try:
        stored = torch.load(
            stream,
            map_location='cpu',
            pickle_module=tensor_pickle_module(found),
            weights_only=False,
        )
    except DAMAGED_FILE_ERRORS as error:
        if found:
            return {}, sorted(found)
        raise CheckpointError(
            f'is not a PyTorch checkpoint{_instead(file, cause)}',
            place=FilePlace(file),
            advice='Give a file that torch.save wrote',
        ) from error
    return stored, sorted(found)


def _instead(file: Path, cause: Exception) -> str:
    kind = describe_kind(file)
    return f' but {kind}' if kind else f' ({type(cause).__name__})'


def _os_error(error: BaseException | None) -> OSError | None:
    """Return the error of the operating system behind an error; torch may hide it."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def _free_space(folder: Path) -> str:
    try:
        return f'{shutil.disk_usage(folder).free / 1e6:.0f} MB are free there.'
    except OSError:
        return 'The folder is not reachable.'
