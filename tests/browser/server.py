"""JupyterLab as a process that ends when whoever started it is gone: what `LabServer` starts.

Standard input is a pipe that the starting process holds open. It closes with that process however
that ends, even by SIGKILL, and then this one ends itself: as SIGTERM would, kernels included.
"""

import os
import signal
import sys
import threading
import time

SECONDS_TO_END = 20


def end_with_the_starter() -> None:
    """Wait until the pipe closes, then end this process and what it started."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_starter, daemon=True).start()
    from jupyterlab.labapp import main

    sys.exit(main())
