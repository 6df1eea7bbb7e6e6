"""Finding and starting Chromium."""

import os
import shutil

USUAL = "/usr/bin/chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    # WebGL without a graphics card: maps to touch are drawn with it.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Whatever is not for loopback goes to a proxy that does not exist: no name is looked up and no
    # byte leaves this machine, and the page still reports what it tried.
    "--proxy-server=http://127.0.0.1:9",
]


def find() -> str:
    """The browser's program: `$CHROME`, else /usr/bin/chromium, else one on PATH.

    Raises FileNotFoundError, which says what was looked for.
    """
    if chosen := os.environ.get("CHROME"):
        if program := shutil.which(chosen):
            return program
        raise FileNotFoundError(f"CHROME is set to {chosen!r}, which is no program")
    for name in (USUAL, *NAMES):
        if program := shutil.which(name):
            return program
    raise FileNotFoundError(f"no Chromium: {USUAL} is not there, and PATH has no {NAMES}")


def launch(playwright, program: str):
    """A headless browser. Its sandbox stays on but for root, for whom it does not work."""
    return playwright.chromium.launch(
        executable_path=program, chromium_sandbox=os.geteuid() != 0, args=FLAGS
    )
