"""How BERT is trained: some tokens are hidden, and a model guesses them. Taught in L2."""

from course_utils.masked_lm.baselines import Bigrams, Unigrams
from course_utils.masked_lm.frozen import frozen_states
from course_utils.masked_lm.masking import Masked, blocks, hide
from course_utils.masked_lm.model import MaskedLM, guesses
from course_utils.masked_lm.storage import MaskedLMError, about, load, save, shipped
from course_utils.masked_lm.training import (
    Run,
    Settings,
    figures,
    log_probabilities,
    masked_loss,
    steps,
)

__all__ = [
    "Bigrams",
    "Masked",
    "MaskedLM",
    "MaskedLMError",
    "Run",
    "Settings",
    "Unigrams",
    "about",
    "blocks",
    "figures",
    "frozen_states",
    "guesses",
    "hide",
    "load",
    "log_probabilities",
    "masked_loss",
    "save",
    "shipped",
    "steps",
]
