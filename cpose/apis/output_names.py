"""Names of output files: no two inputs ever share one."""


class OutputNames:
    """Hand out names; a name that is taken is changed, also where only its case differs."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(self, name: str, extension: str = '') -> str:
        """Return ``name`` or, if that is taken, ``name_png``, ``name_2``, ``name_3``, ...

        Args:
            name: Wished name, with ``/`` between folders.
            extension: Ending of the input, which tells two inputs of one name apart.
        """
        candidate, number = name, 1
        if extension and candidate.casefold() in self._taken:
            candidate = f'{name}_{extension[1:].lower()}'
        while candidate.casefold() in self._taken:
            number += 1
            candidate = f'{name}_{number}'
        self._taken.add(candidate.casefold())
        return candidate
