"""Weights as ``.safetensors``, with the config and the names of the categories in the metadata.

The metadata of the format is text by key. Entries of ``meta`` are under ``cpose.<entry>``, as in
exported models: JSON, also the config, which is JSON already.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError
from cpose.files.encrypted_file import is_encrypted, read_model_bytes
from cpose.registry import CHECKPOINT_FORMATS

KEY_PREFIX = 'cpose.'
PLAIN_ENTRIES = {'config_json': 'config'}
"""Entries of ``meta`` that are JSON text themselves, and what they are called in the file."""
LENGTH_BYTES = 8
METADATA = '__metadata__'
COPY_AGAIN = 'Copy or download it again'


@CHECKPOINT_FORMATS.register_module()
class SafetensorsFormat:
    """Tensors behind a header of JSON; nothing in such a file can be code."""

    suffixes: tuple[str, ...] = ('.safetensors',)

    def read(self, file: Path) -> dict[str, Any]:
        """See `cpose.checkpoints.base.CheckpointFormat`.

        A file of others, without entries of ours in its metadata, is a bare dict of tensors.
        """
        try:
            weights, metadata = _read_encrypted(file) if is_encrypted(file) else _read_plain(file)
        except (SafetensorError, ValueError, OSError) as error:
            raise CheckpointError(
                f'cannot be read as safetensors: {error}', place=FilePlace(file), advice=COPY_AGAIN
            ) from error
        meta = _plain_meta(metadata, file)
        return {'state_dict': weights, 'meta': meta} if meta else dict(weights)

    def write(self, stream: BinaryIO, checkpoint: Mapping[str, Any]) -> None:
        """See `cpose.checkpoints.base.CheckpointFormat`; tensors may share memory."""
        others = sorted(checkpoint.keys() - {'state_dict', 'meta'})
        if others:
            raise CheckpointError(
                f'has {", ".join(others)}, and a .safetensors file holds weights only',
                argument='checkpoint',
                advice='Write a .pth file',
            )
        weights = {
            name: value.detach().cpu().contiguous().clone()
            for name, value in checkpoint['state_dict'].items()
        }
        texts = {
            KEY_PREFIX + PLAIN_ENTRIES.get(name, name): (
                value if name in PLAIN_ENTRIES else json.dumps(value)
            )
            for name, value in checkpoint['meta'].items()
        }
        stream.write(_sorted(safetensors.torch.save(weights, {'format': 'pt', **texts})))


def _read_plain(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and metadata; values are read from the disk when they are used."""
    with safetensors.safe_open(file, 'pt') as opened:
        metadata: dict[str, str] = opened.metadata() or {}
    return safetensors.torch.load_file(file), metadata


def _read_encrypted(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    content = read_model_bytes(file)
    weights = safetensors.torch.load(content)
    header, _ = _split(content)
    return weights, header.get(METADATA, {})


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a valid file, and the values behind it."""
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], 'little')
    header: dict[str, Any] = json.loads(content[LENGTH_BYTES:end])
    return header, content[end:]


def _sorted(content: bytes) -> bytes:
    """Return a file with its metadata in order: safetensors shuffles it at every writing."""
    header, values = _split(content)
    header[METADATA] = dict(sorted(header[METADATA].items()))
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % LENGTH_BYTES)
    return len(text).to_bytes(LENGTH_BYTES, 'little') + text + values


def _plain_meta(metadata: Mapping[str, str], file: Path) -> dict[str, Any]:
    """Return the entries of ours."""
    names = {short: name for name, short in PLAIN_ENTRIES.items()}
    meta: dict[str, Any] = {}
    for key, text in metadata.items():
        if not key.startswith(KEY_PREFIX):
            continue
        short = key.removeprefix(KEY_PREFIX)
        try:
            meta[names.get(short, short)] = text if short in names else json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CheckpointError(
                f'has metadata that is not JSON: {error}',
                place=FilePlace(file, key),
                advice=COPY_AGAIN,
            ) from error
    return meta
