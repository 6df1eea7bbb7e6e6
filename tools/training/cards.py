"""Pieces of the model cards that the training scripts write: figures, settings, versions."""

from collections.abc import Mapping, Sequence


def interval(values: Sequence[float], form: str = ".3f") -> str:
    """`[mean, low, high]` as text."""
    mean, low, high = values
    return f"{mean:{form}} ({low:{form}} to {high:{form}})"


def spread(means: Sequence[float]) -> str:
    """The lowest and the highest mean of several runs, to stand behind another figure."""
    return f"; {min(means):.3f} to {max(means):.3f}" if len(means) > 1 else ""


def settings(values: Mapping[str, object]) -> str:
    """Settings one below the other, as a block of code in Markdown."""
    return "\n".join(f"    {name} = {value}" for name, value in values.items())


def versions(values: Mapping[str, str]) -> str:
    """Packages with their versions, in one line."""
    return ", ".join(f"{name} {version}" for name, version in values.items())
