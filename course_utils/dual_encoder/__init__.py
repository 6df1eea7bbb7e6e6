"""Two encoders, one for questions and one for answers, and how they are trained. Taught in L4."""

from course_utils.dual_encoder.heads import (
    Heads,
    TextEncoder,
    embed_answers,
    embed_questions,
)
from course_utils.dual_encoder.loss import (
    chance_level,
    contrastive_loss,
    loss_gradient,
)
from course_utils.dual_encoder.storage import HeadsError, about, load, save, shipped
from course_utils.dual_encoder.training import (
    Settings,
    batch_loss,
    batches,
    score_matrix,
    steps,
    train,
)

__all__ = [
    "Heads",
    "HeadsError",
    "Settings",
    "TextEncoder",
    "about",
    "batch_loss",
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
    "train",
]
