"""Claims that the lessons make, each bound to a number that was just computed.

`claim` prints one line, ✔ or ✘. The notebook tests compare that line with the stored one, so a
claim that stops holding fails them.
"""

import numpy as np

from course_utils.errors import BadInput

KEPT, BROKEN, OPEN = "✔", "✘", "○"

_LEDGER: dict[str, bool] = {}  # statement → whether it held when its cell last ran


def claim(statement: str, holds: bool, detail: str = "") -> None:
    """Print whether a statement holds, with the figures behind it, and remember it for `tally`.

    `holds` must be a plain truth value: an array would have to be reduced first, and None means
    that somebody forgot to compute it; both raise BadInput.
    """
    if not isinstance(holds, (bool, np.bool_)):
        raise BadInput(
            f"claim({statement!r}, ...) needs True or False, not {type(holds).__name__}. "
            "Reduce an array with .all() or .any(), and compute before you claim."
        )
    _LEDGER[statement] = bool(holds)
    print(f"{KEPT if holds else BROKEN} {statement}" + (f"  ({detail})" if detail else ""))


def tally() -> None:
    """Print how many of the claims of this notebook hold, and name those that do not."""
    broken = [statement for statement, holds in _LEDGER.items() if not holds]
    total = len(_LEDGER)
    if broken:
        print(f"{BROKEN} {len(broken)} of the {total} claims above do not hold:")
        print("\n".join(f"  {BROKEN} {statement}" for statement in broken))
    else:
        print(f"{KEPT} All {total} claims above hold.")
