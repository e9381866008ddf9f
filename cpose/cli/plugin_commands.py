"""Commands of other packages: entry points of the group ``cpose.commands``.

Each names a module or object with ``add_parser(subparsers)``, as the modules in
`cpose.cli.commands` have it. Packages are looked for only if a word is none of this project's
commands or help is wanted, and imported only if their command runs.
"""

from argparse import _SubParsersAction
from importlib.metadata import EntryPoint, entry_points

from cpose.errors import ConfigError

GROUP = 'cpose.commands'


def add_plugin(subparsers: _SubParsersAction, name: str) -> None:
    """Import the package of a command and let it add its parser.

    Args:
        subparsers: Of all commands.
        name: The word on the command line; nothing is added if no package has it.

    Raises:
        ConfigError: If the package cannot be imported, or has no ``add_parser``.
    """
    for entry in _entries():
        if entry.name != name:
            continue
        try:
            add_parser = entry.load().add_parser
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f'cannot be loaded from {entry.value}: {error}',
                argument='command',
                value=name,
                advice=f'Repair or uninstall the package{_package(entry)}',
            ) from error
        add_parser(subparsers)
        return


def list_plugins(subparsers: _SubParsersAction, own: set[str]) -> None:
    """Add names for the help, without importing anything.

    Args:
        subparsers: Of all commands.
        own: Names that are taken.
    """
    names = {entry.name: entry for entry in _entries() if entry.name not in own}
    for name, entry in sorted(names.items()):
        subparsers.add_parser(name, add_help=False, help=f'command of{_package(entry)}')


def _entries() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _package(entry: EntryPoint) -> str:
    return f' {entry.dist.name}' if entry.dist else f' {entry.module}'
