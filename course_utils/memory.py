"""Memory that was freed, given back to the system."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Have the C library return what it keeps of freed memory; does nothing where it cannot.

    glibc keeps blocks of up to 32 MB for later: after training, some hundred MB that nobody uses,
    and that count where memory is limited, as on Binder.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
