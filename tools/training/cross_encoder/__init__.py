"""How the cross-encoder of the course is trained and measured; nothing here is used in a lesson."""

from tools.training.cross_encoder.groups import (
    Group,
    documentation_groups,
    everyday_groups,
    fact_groups,
    mined,
    mixture,
    sentence_choices,
    squad_groups,
)
from tools.training.cross_encoder.loss import chance_level, listwise_loss
from tools.training.cross_encoder.training import Run, Settings, batch_loss, steps

__all__ = [
    "Group",
    "Run",
    "Settings",
    "batch_loss",
    "chance_level",
    "documentation_groups",
    "everyday_groups",
    "fact_groups",
    "listwise_loss",
    "mined",
    "mixture",
    "sentence_choices",
    "squad_groups",
    "steps",
]
