"""A question and a text read together: how well do they fit? Taught in L3, used in L5."""

from course_utils.cross_encoder.model import CrossEncoder
from course_utils.cross_encoder.scoring import Reading, read, rerank, score
from course_utils.cross_encoder.storage import CrossEncoderError, about, load, save, shipped

__all__ = [
    "CrossEncoder",
    "CrossEncoderError",
    "Reading",
    "about",
    "load",
    "read",
    "rerank",
    "save",
    "score",
    "shipped",
]
