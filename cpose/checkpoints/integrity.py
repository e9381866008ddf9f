"""Whether a checkpoint is what was written: no code in it, checksums, finite weights."""

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import torch
from torch import Tensor

from cpose.error_places import FilePlace, listed
from cpose.errors import DAMAGED_FILE_ERRORS, CheckpointError

CHECKSUM_KEY = 'state_dict_sha256'
"""Key in ``meta``."""
SHOWN = 4
MOST_REPEATED = 64 << 20
"""Bytes of a tensor whose values take less room in its file."""
ARCHIVE = b'PK\x03\x04'
CODE_RECORD = 'constants.pkl'
"""Record by which `torch.load` tells an archive whose code it runs."""
DAMAGE = 'It is damaged: copy or download it again.'
TAKE_OLDER = 'The file is damaged, or its training diverged: take an older one'


def check_archive(stream: IO[bytes], name: str) -> None:
    """Check the file before anything of it is loaded; it is read from its start, and left there.

    Args:
        stream: The file.
        name: What it is called, for messages.

    Raises:
        CheckpointError: If it holds code, or a checksum of the archive is wrong.
    """
    is_archive = stream.read(len(ARCHIVE)) == ARCHIVE
    stream.seek(0)
    if is_archive:
        _refuse_code(stream, name)
        damaged = _damaged_entry(stream)
        if damaged:
            raise CheckpointError(
                f'has a wrong checksum ({damaged})', place=FilePlace(name), advice=DAMAGE
            )
    elif tarfile.is_tarfile(stream):
        raise CheckpointError(
            'is a tar archive, as PyTorch wrote them before 0.2',
            place=FilePlace(name),
            advice='Load it with that version and save its state_dict',
        )
    stream.seek(0)


def _refuse_code(stream: IO[bytes], name: str) -> None:
    """Raise if `torch.load` would hand the file to `torch.jit.load`; asks the same reader."""
    try:
        records = torch._C.PyTorchFileReader(stream).get_all_records()
    except DAMAGED_FILE_ERRORS as error:
        raise CheckpointError(
            'cannot be opened as an archive', place=FilePlace(name), advice=DAMAGE
        ) from error
    finally:
        stream.seek(0)
    if CODE_RECORD in records:
        raise CheckpointError(
            'is a TorchScript archive: it holds code, which would run, so nothing was loaded',
            place=FilePlace(name),
            advice='Save the state_dict of the model instead',
        )


def _damaged_entry(stream: IO[bytes]) -> str:
    """Return the first entry whose checksum is wrong, or what else is; empty for none."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return archive.testzip() or ''
    except (zipfile.BadZipFile, zlib.error, OSError, *DAMAGED_FILE_ERRORS) as error:
        return str(error) or type(error).__name__


def with_checksum(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint whose ``meta`` has the checksum of its weights."""
    weights, meta = checkpoint.get('state_dict'), checkpoint.get('meta', {})
    if not isinstance(weights, Mapping) or not isinstance(meta, Mapping):
        return dict(checkpoint)
    return {**checkpoint, 'meta': {**meta, CHECKSUM_KEY: weights_checksum(weights)}}


def check_tensors(stored: Any, name: str) -> None:
    """Raise if a tensor at any depth is not stored value by value.

    Sparse, quantised and nested ones, those without data and those that repeat few values to fill
    much memory are neither weights nor states of a training.

    Raises:
        CheckpointError: Naming the tensor.
    """
    waiting, seen = [('', stored)], set()
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, Tensor):
            problem = _oddity(value)
            if problem:
                raise CheckpointError(
                    f'has a tensor {problem}: {place}',
                    place=FilePlace(name),
                    advice='Write it with plain tensors, such as torch.float32',
                )
        elif isinstance(value, Mapping | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            waiting += [(f'{place}.{key}'.lstrip('.'), item) for key, item in items]


def _oddity(value: Tensor) -> str:
    if value.is_nested or value.layout != torch.strided:
        return 'that is sparse or nested'
    if value.is_quantized:
        return 'that is quantised'
    if value.is_meta:
        return 'without data'
    size = value.numel() * value.element_size()
    is_repeated = size > MOST_REPEATED and size > value.untyped_storage().nbytes()
    return 'that repeats its values' if is_repeated else ''


def check_checksum(stored: Mapping[str, Any], name: str) -> None:
    """Compare weights with the checksum that was written with them, if there is one.

    Raises:
        CheckpointError: If they differ.
    """
    weights, meta = stored.get('state_dict'), stored.get('meta')
    expected = meta.get(CHECKSUM_KEY) if isinstance(meta, Mapping) else None
    if expected is None or not isinstance(weights, Mapping):
        return
    if weights_checksum(weights) != expected:
        raise CheckpointError(
            f'has other weights than those that were written (checksum in meta.{CHECKSUM_KEY})',
            place=FilePlace(name),
            advice=(DAMAGE[:-1], 'Remove that key if you changed them'),
        )


def weights_checksum(weights: Mapping[str, Any]) -> str:
    """Return the SHA-256 of names, types, shapes and values of tensors, in any order."""
    total = hashlib.sha256()
    for key in sorted(str(key) for key in weights):
        value = weights.get(key)
        if isinstance(value, Tensor):
            total.update(f'{key} {value.dtype} {tuple(value.shape)}\n'.encode())
            values = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            total.update(values.numpy().data)
    return total.hexdigest()


def check_finite(weights: Mapping[str, Tensor], name: str, advice: str = TAKE_OLDER) -> None:
    """Raise if a weight is infinite or not a number.

    Args:
        weights: Tensors by name.
        name: What they are called, for the message.
        advice: What to do, see `UserError`.

    Raises:
        CheckpointError: Naming the tensors.
    """
    bad = [key for key, value in weights.items() if not _is_finite(value)]
    if bad:
        raise CheckpointError(
            f'has {len(bad)} tensors with infinite values or NaN ({listed(bad, SHOWN)})',
            place=FilePlace(name),
            advice=advice,
        )


def _is_finite(values: Tensor) -> bool:
    if not values.is_floating_point() or not values.numel():
        return True
    values = values.float() if values.element_size() == 1 else values
    # Extremes take NaN over and, unlike `torch.isfinite` of all values, no memory.
    return bool(torch.stack(torch.aminmax(values)).isfinite().all())
