"""When to say "I do not find that": a support below the threshold. Taught in L5.

A search always finds something; whether it answers is another question. The support is the cosine
of the question and the first entry, which the search has computed anyway. The threshold was chosen
on the tune split of the question set, which holds questions that the documentation cannot answer,
and measured once on the test split: see `tools/abstention.py`. The answerers and the command `ask`
use this one rule, so that they never contradict each other. The trade between precision and
coverage is that of Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks"
(there risk and coverage).
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils import data
from course_utils.errors import BadInput
from course_utils.evaluate import wilson_interval

RUN = "abstention"  # the stored run that holds the rule
SUPPORTS = ("single encoder", "dual encoder")  # that the search computes anyway
KEPT = 0.9  # of the right answers, on the tune split, that a threshold must not refuse


@dataclass(frozen=True)
class Rule:
    """Answer where the support, one of `SUPPORTS`, is at least the threshold."""

    support: str
    threshold: float


@dataclass(frozen=True)
class Curve:
    """What each threshold gives, from the one that answers everything: arrays of one length `[t]`.

    `coverage`: the share of all questions that are answered. `precision`: the share of those
    answered whose first entry is a right one, with its 95 % Wilson interval `low` to `high`.
    """

    threshold: np.ndarray
    coverage: np.ndarray
    precision: np.ndarray
    low: np.ndarray
    high: np.ndarray


@functools.cache
def rule() -> Rule:
    """The course's rule. Raises data.StoredRunError where its run is missing."""
    stored = data.stored_run(RUN)
    return Rule(stored["support"], stored["threshold"])


def support(results: Sequence, of: str | None = None) -> float:
    """How well the first of the `retrieval.Result`s is supported: a cosine, -1 to 1.

    `of` is one of `SUPPORTS`; without it, that of the course's rule. Raises BadInput where there is
    no result, or the system that found it did not use the encoders.
    """
    of = rule().support if of is None else of
    if of not in SUPPORTS:
        raise BadInput(f"There is no support {of!r}. There are: {', '.join(SUPPORTS)}.")
    if not results:
        raise BadInput("Nothing was found, so nothing can be supported.")
    if of not in results[0].parts:
        raise BadInput(
            f"The results do not say what the {of} thinks of them: search with another system, "
            "such as the pipeline."
        )
    return float(results[0].parts[of])


def enough(results: Sequence, by: Rule | None = None) -> bool:
    """Whether the results are worth an answer, by this rule or the course's."""
    by = by or rule()
    return support(results, by.support) >= by.threshold


def curve(supports, right) -> Curve:
    """Precision against coverage for each threshold that makes a difference.

    `supports` `[q]`, and `right` `[q]`: whether the first entry answers the question; False for all
    questions that cannot be answered. Raises BadInput where they do not fit, or hold NaN.
    """
    supports, right = _paired(supports, right)
    thresholds = np.unique(supports)
    answered = supports[None, :] >= thresholds[:, None]  # [t, q]
    total, hits = answered.sum(1), (answered & right).sum(1)
    limits = np.array([wilson_interval(*pair) for pair in zip(hits, total, strict=True)])
    return Curve(thresholds, total / len(right), hits / total, limits[:, 0], limits[:, 1])


def auc(supports, answerable) -> float:
    """How often a question that can be answered has more support than one that cannot: 0 to 1.

    Ties count half; 0.5 is chance. Source: Hanley and McNeil 1982, "The Meaning and Use of the Area
    under a Receiver Operating Characteristic (ROC) Curve". Raises BadInput where either is missing.
    """
    supports, answerable = _paired(supports, answerable)
    yes, no = supports[answerable], supports[~answerable]
    if not len(yes) or not len(no):
        raise BadInput("The area under the curve needs questions of both kinds.")
    return float(((yes[:, None] > no).mean() + (yes[:, None] >= no).mean()) / 2)


def chosen_threshold(supports, right, kept: float = KEPT) -> float:
    """The highest threshold that still answers `kept` of the questions with a right first entry.

    Raises BadInput where no first entry is right, or kept is outside 0 to 1.
    """
    supports, right = _paired(supports, right)
    if not right.any() or not 0 < kept <= 1:
        raise BadInput(f"A threshold needs right answers, and a share of them to keep: {kept!r}.")
    of_right = np.sort(supports[right])
    # Without the 1e-9, 0.9 of ten right answers would be a hair more than nine.
    return float(of_right[len(of_right) - int(np.ceil(kept * len(of_right) - 1e-9))])


def _paired(supports, flags) -> tuple[np.ndarray, np.ndarray]:
    supports, flags = np.asarray(supports, dtype=np.float64), np.asarray(flags, dtype=bool)
    if supports.ndim != 1 or not len(supports) or supports.shape != flags.shape:
        raise BadInput(
            f"A support and a flag a question are needed: not {supports.shape} and {flags.shape}."
        )
    if np.isnan(supports).any():
        raise BadInput("A support is NaN.")
    return supports, flags
