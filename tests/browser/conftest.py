"""The browser of the browser tests, or the reason why there is none."""

import os
from pathlib import Path

import pytest

from tests.browser import chromium


@pytest.fixture(scope="module")  # no longer: while Playwright is up, asyncio.run cannot be called
def browser():
    """Chromium, driven by Playwright; skips where one of them is missing."""
    try:
        from playwright.sync_api import sync_playwright

        program = chromium.find()
    except (ImportError, FileNotFoundError) as missing:
        pytest.skip(f"no browser test: {missing}")
    with sync_playwright() as playwright:
        with chromium.launch(playwright, program) as started:
            yield started


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the lessons go: `$COURSE_SCREENSHOTS`, else screenshots/ beside this."""
    folder = Path(os.environ.get("COURSE_SCREENSHOTS") or Path(__file__).parent / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
