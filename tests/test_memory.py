"""Freed memory goes back to the system."""

import sys

import pytest

from course_utils import live, memory
from tests.helpers import run_python

FREED = """
import ctypes
from course_utils import memory

def resident() -> int:
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * 4096 // 2**20

blocks = [bytearray(100_000) for _ in range(2_000)]  # 200 MB, each below the size that is mapped
last = bytearray(100_000)  # above them: without help, nothing below it is returned
del blocks
before = resident()
memory.give_back()
print(before - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told to return memory")
def test_freed_memory_is_returned():
    run = run_python("-c", FREED)
    assert int(run.stdout) > 100, run.stderr


def test_a_system_without_glibc_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    memory.give_back()


def test_a_training_curve_gives_memory_back_before_and_after(monkeypatch):
    called = []
    monkeypatch.setattr(live.memory, "give_back", lambda: called.append(True))
    monkeypatch.setattr(live.plots, "show_widget", lambda *_: None)
    monkeypatch.setattr(live.plots, "show", lambda *_: None)
    curve = live.LiveCurve("The loss falls")
    assert len(called) == 1
    curve.add(1, loss=1.0)
    curve.finish("It falls.")
    assert len(called) == 2
