"""Networks and labels inside the npm package, read without writing anything to disk."""

import json
import re
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, unreadable

PACKAGE = '@mediapipe/objectron'
VERSION = '0.4.1675468480'
ADVICE = f'Get it with: npm pack {PACKAGE}@{VERSION}'

MANIFEST = 'package.json'
LOADER = 'objectron_solution_packed_assets_loader.js'
ASSETS = 'objectron_solution_packed_assets.data'
DETECTOR = 'object_detection_ssd_mobilenetv2_oidv4_fp16.tflite'
LABELS = 'object_detection_oidv4_labelmap.txt'

FOLDER_IN_ARCHIVE = 'package/'
LARGEST_FILE = 64 * 2**20
"""Bytes; a member of an archive that claims more is none of this package."""
METADATA = re.compile(r'loadPackage\((\{.*?\})\);', re.DOTALL)


def read_package(path: Path, networks: Iterable[str]) -> dict[str, bytes]:
    """Return networks of the package, the detector and its labels, by file name.

    Args:
        path: The ``.tgz`` that ``npm pack`` writes, or the ``.data`` file of an unpacked or
            installed package, beside which the other files lie.
        networks: Names of the networks wanted besides the detector.

    Raises:
        CheckpointError: If the package is missing, damaged, incomplete or of another version.
    """
    if not path.is_file():
        raise CheckpointError('is no file', place=FilePlace(path), advice=ADVICE)
    wanted = {MANIFEST, LOADER, ASSETS, *networks}
    is_archive = path.suffix.lower() == '.tgz'
    files = _read_archive(path, wanted) if is_archive else _read_folder(path.parent, wanted)
    missing = sorted(wanted - set(files))
    if MANIFEST in files:
        _check_version(files[MANIFEST], path)
    if missing:
        place = path if is_archive else path.parent
        raise CheckpointError(
            f'has no {missing[0]}: it is not {PACKAGE}', place=FilePlace(place), advice=ADVICE
        )
    try:
        return {**files, **unpack_assets(files[LOADER].decode(), files[ASSETS])}
    except ValueError as error:
        raise CheckpointError(
            f'is damaged: {error}', place=FilePlace(path), advice=ADVICE
        ) from error


def unpack_assets(loader: str, data: bytes) -> dict[str, bytes]:
    """Cut a ``.data`` file into its files.

    Args:
        loader: JavaScript of the loader, which names start and end of each file.
        data: Content of the ``.data`` file.

    Returns:
        Contents by file name, without folders.

    Raises:
        ValueError: If loader and data do not fit, or the detector or its labels are missing.
    """
    match = METADATA.search(loader)
    if match is None:
        raise ValueError(f'{LOADER} holds no list of files.')
    try:
        metadata: Any = json.loads(match[1])
        places = {
            str(file['filename']).rpartition('/')[2]: (int(file['start']), int(file['end']))
            for file in metadata['files']
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'The list of files in {LOADER} cannot be read ({error}).') from error
    for name, (start, end) in places.items():
        if not 0 <= start <= end <= len(data):
            raise ValueError(
                f'{name} is said to be bytes {start} to {end} of {ASSETS}, which has {len(data)}.'
            )
    for name in (DETECTOR, LABELS):
        if name not in places:
            raise ValueError(f'{LOADER} names no {name}.')
    return {name: data[start:end] for name, (start, end) in places.items()}


def _read_archive(path: Path, wanted: set[str]) -> dict[str, bytes]:
    files = {}
    try:
        with tarfile.open(path, 'r:gz') as archive:
            for member in archive:
                name = member.name.removeprefix(FOLDER_IN_ARCHIVE)
                if name in wanted and member.isfile() and member.size <= LARGEST_FILE:
                    content = archive.extractfile(member)
                    assert content is not None
                    files[name] = content.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise CheckpointError(
            f'is damaged or no archive of npm: {error}', place=FilePlace(path), advice=ADVICE
        ) from error
    return files


def _read_folder(folder: Path, wanted: set[str]) -> dict[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in wanted if (folder / name).is_file()}
    except OSError as error:
        raise unreadable(error.filename, error, CheckpointError) from error


def _check_version(manifest: bytes, path: Path) -> None:
    try:
        content = json.loads(manifest)
        found = f'{content["name"]} {content["version"]}'
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f'has a {MANIFEST} that cannot be read ({error})', place=FilePlace(path), advice=ADVICE
        ) from error
    if found != f'{PACKAGE} {VERSION}':
        raise CheckpointError(
            f'is {found}, but {PACKAGE} {VERSION} is needed', place=FilePlace(path), advice=ADVICE
        )
