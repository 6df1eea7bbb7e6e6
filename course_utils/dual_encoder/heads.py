"""Two heads on one frozen encoder: a linear map for questions and another for answers.

Taught in L4. The encoder's vectors are computed once and cached; what is trained are two matrices,
so that a training run takes seconds. Both begin as the identity: before the first step the dual
encoder is the pretrained encoder.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from course_utils import embed, models, trained_parts
from course_utils.errors import CourseError

DIMENSION = 384
QUESTION_TOKENS = 64
ANSWER_TOKENS = 128  # measured on validation pairs: 96 lose some rank, 192 take longer and win none
# What comes with the course. "facts" are those of L4, and of the roles.
FOLDERS = {
    "facts": trained_parts.SHIPPED / "heads",
    "documentation": trained_parts.SHIPPED / "documentation_heads",
}


class HeadsError(CourseError):
    """Stored heads are missing, damaged, or made for something else."""


class Heads(nn.Module):
    """The question head and the answer head, each a square matrix without a bias.

    `shared` makes one head of both: what it reads as a question and as an answer is the same.
    """

    def __init__(self, dimension: int = DIMENSION, shared: bool = False):
        super().__init__()
        self.question = nn.Linear(dimension, dimension, bias=False)
        self.answer = self.question if shared else nn.Linear(dimension, dimension, bias=False)
        nn.init.eye_(self.question.weight)
        nn.init.eye_(self.answer.weight)

    def questions(self, vectors: torch.Tensor) -> torch.Tensor:
        """Encoder vectors of texts, read as questions: `[n, d]` to unit vectors `[n, d]`."""
        return normalize(self.question(vectors), dim=-1)

    def answers(self, vectors: torch.Tensor) -> torch.Tensor:
        """Encoder vectors of texts, read as answers: `[n, d]` to unit vectors `[n, d]`."""
        return normalize(self.answer(vectors), dim=-1)

    @torch.inference_mode()
    def encode_questions(self, texts: str | Sequence[str], **options) -> np.ndarray:
        """Texts as unit vectors in the space of questions: float32 `[n, d]`, `[d]` for a string."""
        return self.questions(torch.from_numpy(embed_questions(texts, **options))).numpy()

    @torch.inference_mode()
    def encode_answers(self, texts: str | Sequence[str], **options) -> np.ndarray:
        """Texts as unit vectors in the space of answers: float32 `[n, d]`, `[d]` for a string."""
        return self.answers(torch.from_numpy(embed_answers(texts, **options))).numpy()

    def trained_weights(self) -> dict[str, torch.Tensor]:
        """Both matrices; copies, since a shared head is one tensor under two names."""
        return {name: value.clone() for name, value in self.state_dict().items()}

    def set_trained_weights(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self.load_state_dict(tensors)


class TextEncoder(nn.Module):
    """One side of a dual encoder as a single model: the encoder, its head, mean pooling.

    Called like a model of transformers. `pooler_output` `[n, d]` are the unit vectors, as DPR's
    encoders have them. A linear head may stand before the mean as well as after it: it is applied
    to each token, so that `embed.encode` gets the vectors of this side from this model, too.
    """

    def __init__(self, encoder: nn.Module, head: nn.Linear):
        super().__init__()
        self.encoder, self.head = encoder, head

    @property
    def config(self):
        return self.encoder.config

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **options):
        """Token numbers and their mask `[n, T]` to the encoder's output, seen through the head."""
        out = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **options)
        out.last_hidden_state = self.head(out.last_hidden_state)  # [n, T, d]
        out.pooler_output = normalize(embed.pool(out.last_hidden_state, attention_mask), dim=-1)
        return out


def embed_questions(texts: str | Sequence[str], **options) -> np.ndarray:
    """What the question head reads: the frozen encoder's unit vectors, float32 `[n, d]`.

    `options` go to `embed.encode`.
    """
    return embed.encode(texts, **{"max_tokens": QUESTION_TOKENS, **options})


def embed_answers(texts: str | Sequence[str], **options) -> np.ndarray:
    """What the answer head reads: as `embed_questions`, of longer texts."""
    return embed.encode(texts, **{"max_tokens": ANSWER_TOKENS, **options})


@torch.inference_mode()
def score_matrix(heads: Heads, questions: torch.Tensor, answers: torch.Tensor) -> np.ndarray:
    """The cosine of every question with every answer, of encoder vectors: float32 `[q, a]`."""
    return (heads.questions(questions) @ heads.answers(answers).T).numpy()


def made_for() -> dict[str, object]:
    """What heads belong to: the frozen encoder, and how much of a text it reads."""
    return {
        "dimension": DIMENSION,
        "encoder": models.identity(),
        "question_tokens": QUESTION_TOKENS,
        "answer_tokens": ANSWER_TOKENS,
    }


PART = trained_parts.TrainedPart("heads", Heads, made_for, torch.float32, HeadsError)
save, load, about = PART.save, PART.load, PART.about


def shipped(kind: str = "facts") -> Heads:
    """The heads that come with the course (`make heads`); the card beside each pair tells more.

    "facts" are those of L4, trained with the echo term: a question does not find itself.
    "documentation" match summary lines with docstrings, without it.
    """
    return load(FOLDERS[kind])


def text_encoder(side: str) -> TextEncoder:
    """The encoder with the shipped head for facts of one side, "question" or "answer"."""
    return TextEncoder(models.load()[1], getattr(shipped(), side)).eval()
