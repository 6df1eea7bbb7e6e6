"""Two encoders, one for questions and one for answers, and how they are trained. Taught in L4."""

from course_utils.dual_encoder.heads import (
    FOLDERS,
    Heads,
    HeadsError,
    TextEncoder,
    about,
    embed_answers,
    embed_questions,
    load,
    save,
    score_matrix,
    shipped,
    text_encoder,
)
from course_utils.dual_encoder.loss import chance_level, contrastive_loss, loss_gradient
from course_utils.dual_encoder.training import Settings, batches, steps, train

__all__ = [
    "FOLDERS",
    "Heads",
    "HeadsError",
    "Settings",
    "TextEncoder",
    "about",
    "batches",
    "chance_level",
    "contrastive_loss",
    "embed_answers",
    "embed_questions",
    "load",
    "loss_gradient",
    "save",
    "score_matrix",
    "shipped",
    "steps",
    "text_encoder",
    "train",
]
