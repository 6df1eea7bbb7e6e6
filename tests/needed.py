"""Which cells of a notebook have to run for some of them to run."""

import symtable
from collections.abc import Collection, Sequence

from IPython.core.inputtransformer2 import TransformerManager


def python(cell) -> str:
    """The source of a code cell, its magics turned into Python."""
    return TransformerManager().transform_cell(cell.source)


def needed(cells: Sequence, wanted: Collection[str]) -> list[str]:
    """The ids of the wanted code cells and of those that make the names they use, in their order.

    A cell counts as the maker of a name where it assigns, imports or defines it; what changes an
    object in place does not.
    """
    names: set[str] = set()
    found = []
    for cell in reversed([cell for cell in cells if cell.cell_type == "code"]):
        made, used = _names(symtable.symtable(python(cell), cell.id, "exec"))
        if cell.id in wanted or made & names:
            names = (names | used) - made  # what cells further up call so is another thing
            found.append(cell.id)
    return found[::-1]


def _names(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """The global names that a piece of code makes, and those that it asks for."""
    symbols = table.get_symbols()
    made = {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}
    used = {each.get_name() for each in symbols if each.is_referenced()}
    for child in table.get_children():
        used |= _used_in(child)
    return made, used


def _used_in(table: symtable.SymbolTable) -> set[str]:
    """The global names that a function or class asks for."""
    used = {each.get_name() for each in table.get_symbols() if each.is_global()}
    return used.union(*map(_used_in, table.get_children()))
