"""A loss curve that grows while a model trains, and a still picture of it when it has."""

import time
from collections.abc import Mapping

import ipywidgets
from IPython.display import display

from course_utils import plots

SECONDS_BETWEEN_PICTURES = 1.0


class LiveCurve:
    """Collect values step by step; redraw about once a second; end with an ordinary figure.

    `reference` maps the name of a horizontal line (a chance line, a baseline) to its height.
    """

    def __init__(
        self,
        title: str,
        xlabel: str = "step",
        ylabel: str = "loss (nats)",
        reference: Mapping[str, float] | None = None,
    ):
        self.title, self.xlabel, self.ylabel = title, xlabel, ylabel
        self.reference = dict(reference or {})
        self.steps: list[float] = []
        self.values: dict[str, list[float]] = {}
        self._picture = ipywidgets.Image(value=plots.png(self.figure()), format="png")
        self._drawn = time.monotonic()
        view = {"version_major": 2, "version_minor": 0, "model_id": self._picture.model_id}
        plain = "[a live curve while this cell runs; the finished one follows]"
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": plain}, raw=True)

    def add(self, step: float, **values: float) -> None:
        """One point a series, such as `add(step, loss=2.1)`; every call names the same series."""
        self.steps.append(step)
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)
        if time.monotonic() - self._drawn > SECONDS_BETWEEN_PICTURES:
            self._picture.value = plots.png(self.figure())
            self._drawn = time.monotonic()

    def figure(self):
        """The curve so far, as a figure."""
        fig = plots.figure(8.0, 3.6)
        ax = plots.axes(fig)
        for index, (name, values) in enumerate(self.values.items()):
            ax.plot(self.steps, values, color=plots.colour(index), label=name)
        for index, (name, height) in enumerate(self.reference.items()):
            style = ("--", ":", "-.")[index % 3]
            ax.axhline(height, color=plots.PALETTE["grey"], linestyle=style, label=name)
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)
        ax.set_title(self.title)
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return fig

    def finish(self, alt: str) -> None:
        """Take the live picture away and show the finished curve with its description."""
        self._picture.close()
        plots.show(self.figure(), alt)
