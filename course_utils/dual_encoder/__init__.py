"""Two encoders, one for questions and one for answers, and how they are trained. Taught in L4."""

from course_utils.dual_encoder.heads import Heads, embed_answers, embed_questions
from course_utils.dual_encoder.loss import (
    chance_level,
    contrastive_loss,
    duplicates,
    loss_gradient,
)
from course_utils.dual_encoder.storage import HeadsError, about, load, save
from course_utils.dual_encoder.towers import Tower, Towers, tokenize
from course_utils.dual_encoder.training import (
    Settings,
    Step,
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
    "Step",
    "Tower",
    "Towers",
    "about",
    "batch_loss",
    "batches",
    "chance_level",
    "contrastive_loss",
    "duplicates",
    "embed_answers",
    "embed_questions",
    "load",
    "loss_gradient",
    "save",
    "score_matrix",
    "steps",
    "tokenize",
    "train",
]
