"""Helpers for the course on text embedding models.

Each module is one concept; `import course_utils` alone is instant and loads neither torch nor
numba.
"""

from course_utils import models

__version__ = "0.1.0"


def _text_encoder(side: str):
    from course_utils import dual_encoder

    return dual_encoder.text_encoder(side)


def _cross_encoder():
    from course_utils import cross_encoder

    return cross_encoder.shipped()


def _masked_lm():
    from course_utils import masked_lm

    return masked_lm.shipped()


models.TRAINED.update(
    {
        "question encoder": lambda: _text_encoder("question"),
        "answer encoder": lambda: _text_encoder("answer"),
        "cross-encoder": _cross_encoder,
        "masked language model": _masked_lm,
    }
)
