"""A question and a text read together: how well do they fit? Taught in L2, used in L3 and L5."""

from course_utils.cross_encoder.groups import (
    Group,
    documentation_groups,
    fact_groups,
    mined,
    mixture,
    sentence_choices,
    squad_groups,
)
from course_utils.cross_encoder.loss import chance_level, listwise_loss
from course_utils.cross_encoder.model import CrossEncoder
from course_utils.cross_encoder.scoring import Reading, read, rerank, score
from course_utils.cross_encoder.storage import CrossEncoderError, about, load, save, shipped
from course_utils.cross_encoder.training import Run, Settings, batch_loss, steps

__all__ = [
    "CrossEncoder",
    "CrossEncoderError",
    "Group",
    "Reading",
    "Run",
    "Settings",
    "about",
    "batch_loss",
    "chance_level",
    "documentation_groups",
    "fact_groups",
    "listwise_loss",
    "load",
    "mined",
    "mixture",
    "read",
    "rerank",
    "save",
    "score",
    "sentence_choices",
    "shipped",
    "squad_groups",
    "steps",
]
