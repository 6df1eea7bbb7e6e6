"""How BERT is trained: some tokens are hidden, and a model guesses them. Taught in L2."""

from course_utils.masked_lm.masking import Masked, blocks, hide
from course_utils.masked_lm.model import MaskedLM, guesses
from course_utils.masked_lm.storage import MaskedLMError, about, load, save, shipped

__all__ = [
    "Masked",
    "MaskedLM",
    "MaskedLMError",
    "about",
    "blocks",
    "guesses",
    "hide",
    "load",
    "save",
    "shipped",
]
