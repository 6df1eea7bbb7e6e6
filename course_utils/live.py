"""A loss curve that grows while a model trains, and a still picture of it when it has."""

import time
from collections.abc import Mapping

import ipywidgets
from matplotlib.figure import Figure

from course_utils import memory, plots

SECONDS_BETWEEN_PICTURES = 1.0
MARKED_POINTS = 12  # of each of several series: colour alone does not tell them apart
DASHES = ("--", ":", "-.", (0, (7, 2, 1, 2, 1, 2)))


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
        memory.give_back()  # training needs room
        self._picture = ipywidgets.Image(value=plots.png(self.figure()), format="png")
        self._drawn = time.monotonic()
        plots.show_widget(
            self._picture, "[a live curve while this cell runs; the finished one follows]"
        )

    def add(self, step: float, **values: float) -> None:
        """One point a series, such as `add(step, loss=2.1)`; every call names the same series."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(float(value))
        self.steps.append(step)
        if time.monotonic() - self._drawn > SECONDS_BETWEEN_PICTURES:
            self._picture.value = plots.png(self.figure())
            self._drawn = time.monotonic()

    def figure(self) -> Figure:
        """The curve so far, as a figure."""
        fig = plots.figure(8.0, 3.6)
        ax = plots.axes(fig)
        every = max(1, len(self.steps) // MARKED_POINTS)
        for index, (name, values) in enumerate(self.values.items()):
            marker = plots.MARKERS[index % len(plots.MARKERS)] if len(self.values) > 1 else None
            look = {"color": plots.colour(index), "marker": marker, "markevery": every}
            ax.plot(self.steps, values, label=name, **look)
        for index, (name, height) in enumerate(self.reference.items()):
            dashes = DASHES[index % len(DASHES)]
            ax.axhline(height, color=plots.PALETTE["grey"], linestyle=dashes, label=name)
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)
        ax.set_title(self.title)
        if self.values or self.reference:
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return fig

    def finish(self, alt: str) -> None:
        """Show the finished curve with its description, and take the live picture away.

        What the training has freed goes back to the system: the lesson goes on in little memory.
        """
        plots.show(self.figure(), alt)
        self._picture.close()
        memory.give_back()
