"""Which cells of a notebook have to run for some of them to run."""

import ast
from collections.abc import Collection, Sequence

from tests.notebooks.hygiene import parsed


def needed(cells: Sequence, wanted: Collection[str]) -> list[str]:
    """The ids of the wanted code cells and of those that make the names they use, in their order.

    A cell counts as the maker of a name where it assigns, imports or defines it; what changes an
    object in place does not.
    """
    names: set[str] = set()
    found = []
    for cell in reversed([cell for cell in cells if cell.cell_type == "code"]):
        made, used = _names(parsed(cell))
        if cell.id in wanted or made & names:
            names = (names - made) | used
            found.append(cell.id)
    return found[::-1]


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that a cell makes, and those that it uses."""
    made, used = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (made if isinstance(node.ctx, ast.Store) else used).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return made, used
