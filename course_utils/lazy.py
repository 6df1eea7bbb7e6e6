"""Names of a package that are loaded when somebody asks for one of them, and not before."""

import importlib
from collections.abc import Callable, Mapping, Sequence


def exports(
    package: str, places: Mapping[str, Sequence[str]]
) -> tuple[list[str], Callable[[str], object]]:
    """`__all__` and `__getattr__` of a package whose names live in its modules (PEP 562).

    `places` maps a module of the package to the names that it gives. No module may be called like a
    name: importing it would put it in the name's place.
    """
    module_of = {name: module for module, names in places.items() for name in names}

    def get(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)

    return sorted(module_of), get
