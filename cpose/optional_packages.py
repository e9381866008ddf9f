"""Packages that only some features need, and the extras of cpose that install them."""

import re
from importlib import import_module
from importlib.metadata import requires
from importlib.util import find_spec
from typing import Any

from cpose.errors import MissingDependencyError

EXTRA = re.compile(r'([\w-]+)[^;]*;.*extra == [\'"]([\w-]+)[\'"].*')
"""Package and extra in a requirement of the package's metadata."""

PYPI_NAMES = {
    'cv2': 'opencv-python',
    'google': 'protobuf',
    'mmcv': 'mmcv-lite',
    'PIL': 'pillow',
    'skimage': 'scikit-image',
    'sklearn': 'scikit-learn',
    'yaml': 'pyyaml',
}
"""What installs modules that are called otherwise; pip would find nothing, or another package."""


def import_extra(module: str, extra: str) -> Any:
    """Import a package that belongs to an optional feature.

    Args:
        module: Name to import, for example ``onnx``.
        extra: Extra of cpose that installs it, for example ``deploy``.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition('.')[0]
        if (error.name or '').partition('.')[0] != package:
            raise
        raise MissingDependencyError(
            f'The package {PYPI_NAMES.get(package, package)} is not installed',
            advice=f"Install it with: pip install 'cpose[{extra}]'",
        ) from error


def missing_package(error: BaseException) -> MissingDependencyError | None:
    """Return the error of the user for a package that is not installed.

    Args:
        error: Of the import, or what another library made of it.

    Returns:
        None if something else is behind it, such as a module of an installed package.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ModuleNotFoundError):
        cause = cause.__cause__ or cause.__context__
    package = (getattr(cause, 'name', None) or '').partition('.')[0]
    if not package or package == 'cpose' or find_spec(package) is not None:
        return None
    package = PYPI_NAMES.get(package, package)
    extra = _extra_of(package)
    command = f"'cpose[{extra}]'" if extra else package
    return MissingDependencyError(
        f'The package {package} is not installed', advice=f'Install it with: pip install {command}'
    )


def _extra_of(package: str) -> str:
    """Return the extra of cpose that installs a package, empty if none does."""
    for requirement in requires('cpose') or ():
        found = EXTRA.fullmatch(requirement)
        if found and found[1].lower().replace('-', '_') == package.lower().replace('-', '_'):
            return found[2]
    return ''
