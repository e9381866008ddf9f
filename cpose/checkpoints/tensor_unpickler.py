"""Read the tensors of a pickle and nothing else: no code that the file names is run."""

import pickle
from typing import IO, Any

SAFE_GLOBALS = frozenset(
    {
        ('collections', 'OrderedDict'),
        ('torch', 'Size'),
        ('torch', 'device'),
        ('torch._tensor', '_rebuild_from_type_v2'),
        ('torch._utils', '_rebuild_parameter'),
        ('torch._utils', '_rebuild_tensor'),
        ('torch._utils', '_rebuild_tensor_v2'),
        ('torch.storage', 'TypedStorage'),
        ('torch.storage', 'UntypedStorage'),
    }
)
STORAGES = ('Float', 'Double', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool')
SAFE_GLOBALS |= {('torch', f'{name}Storage') for name in STORAGES}


class Placeholder:
    """Stands for an object of the file; takes whatever the pickle does to it and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        """Ignore the state."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Ignore an entry."""

    def append(self, item: Any) -> None:
        """Ignore an item."""

    def extend(self, items: Any) -> None:
        """Ignore items."""


class TensorUnpickler(pickle.Unpickler):
    """Unpickler in which every global that is not part of a tensor is a `Placeholder`."""

    found: set[str]

    def find_class(self, module: str, name: str) -> Any:
        """Return the class of a tensor part, or the placeholder."""
        if (module, name) in SAFE_GLOBALS:
            return super().find_class(module, name)
        self.found.add(f'{module}.{name}')
        return Placeholder


def tensor_pickle_module(found: set[str]) -> Any:
    """Return what `torch.load` takes as ``pickle_module``.

    Args:
        found: Filled with the dotted names of the globals that were replaced.
    """

    class Unpickler(TensorUnpickler):
        pass

    Unpickler.found = found

    class PickleModule:
        """The two names that `torch.load` uses."""

        @staticmethod
        def load(file: IO[bytes], **options: Any) -> Any:
            """Load one pickle."""
            return Unpickler(file, **options).load()

    PickleModule.Unpickler = Unpickler  # type: ignore[attr-defined]
    PickleModule.__name__ = __name__
    return PickleModule
