"""Low-rank adapters inside the encoder: the third way to make two encoders out of one.

Taught in L4. Every weight of the encoder stays as it is. Beside some of its matrices stands a
product of two thin ones, B A, whose result is added to theirs; only A and B are trained. B begins
as zero: before the first step the dual encoder is the pretrained encoder. Unlike heads, adapters
change what the layers compute, so that the encoder has to run in every step.

Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from peft import (
    LoraConfig,
    PeftConfig,
    PeftModel,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import normalize

from course_utils import embed, low_rank
from course_utils.data.retrieval_pairs import QaPair
from course_utils.dual_encoder.heads import ANSWER_TOKENS, QUESTION_TOKENS
from course_utils.dual_encoder.towers import tokenize
from course_utils.dual_encoder.training import Settings
from course_utils.errors import CourseError

RANK = 16
STRENGTH = low_rank.STRENGTH  # what B A gives is multiplied by this
SIDES = ("question", "answer")
TRAINING_TOKENS = 64  # of an answer, in training alone: steps take less time and memory
SETTINGS = Settings(steps=150, batch=64, learning_rate=1e-3)


class AdaptersError(CourseError):
    """Stored adapters are missing, damaged, or made for another encoder."""


class Adapters(nn.Module):
    """Two copies of the pretrained encoder, each with adapters of its own.

    `rank` is how many rows A has, and columns B. The same `seed` gives the same A; the two sides
    begin alike. `precision` is that of the encoder's layers, as in `embed.encode`; the adapters'
    weights are float32 whatever it says.
    """

    def __init__(self, rank: int = RANK, seed: int = 0, precision: str = "auto"):
        super().__init__()
        self.bfloat16 = embed.wants_bfloat16(precision)
        self.question, self.answer = (low_rank.adapted(rank, seed) for _ in SIDES)

    def train(self, mode: bool = True) -> "Adapters":
        """As in any module, but that the encoder's dropout stays off: steps need less memory."""
        super().train(mode)
        for side in SIDES:
            getattr(self, side).eval()
        return self

    def questions(self, ids: torch.Tensor) -> torch.Tensor:
        """Token numbers `[n, T]` of questions to unit vectors `[n, d]`."""
        return self._vectors(self.question, ids)

    def answers(self, ids: torch.Tensor) -> torch.Tensor:
        """Token numbers `[n, T]` of answers to unit vectors `[n, d]`."""
        return self._vectors(self.answer, ids)

    def _vectors(self, encoder: PeftModel, ids: torch.Tensor) -> torch.Tensor:
        """Masked mean pooling over the last layer's states; padding stands at the end of a row."""
        mask = ids != encoder.config.pad_token_id  # [n, T]
        longest = int(mask.sum(1).max())
        ids, mask = ids[:, :longest], mask[:, :longest]
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self.bfloat16):
            states = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return normalize(embed.pool(states.float(), mask), dim=-1)


def rows(
    pairs: Sequence[QaPair], answer_tokens: int = ANSWER_TOKENS
) -> tuple[torch.Tensor, torch.Tensor]:
    """Questions and answers as `training.steps` and `score_matrix` ask for them: int64 `[n, T]`."""
    return (
        tokenize([pair.question for pair in pairs], QUESTION_TOKENS),
        tokenize([pair.answer for pair in pairs], answer_tokens),
    )


def save(model: Adapters, folder: str | Path) -> Path:
    """Write each side's adapters to a folder of its own, in peft's format; returns `folder`.

    In it are `adapter_model.safetensors`, and `adapter_config.json`, which says what the weights
    belong to. Raises AdaptersError where they cannot be written.
    """
    folder = Path(folder)
    try:
        for side in SIDES:
            # Left to itself, peft asks the hub whether the embedding table was changed.
            getattr(model, side).save_pretrained(folder / side, save_embedding_layers=False)
    except (OSError, SafetensorError) as error:
        raise AdaptersError(
            f"The adapters cannot be written to {folder} ({error}). Choose another folder."
        ) from error
    return folder


def load(folder: str | Path, precision: str = "auto") -> Adapters:
    """The adapters of a folder on the pretrained encoder, in evaluation mode.

    Raises AdaptersError where a file is missing or damaged, or made for another encoder.
    """
    folder = Path(folder)
    model = Adapters(_stored_config(folder / SIDES[0]).r, precision=precision)
    for side in SIDES:
        encoder, path = getattr(model, side), folder / side
        stored, made = _stored_config(path), encoder.peft_config["default"]
        for key in ("base_model_name_or_path", "r", "lora_alpha", "target_modules"):
            found, here = getattr(stored, key), getattr(made, key)
            if found != here:
                raise AdaptersError(
                    f"The adapters in {path} have {key} = {found!r}; here it is {here!r}. Train "
                    "adapters here and save them."
                )
        tensors = _stored_weights(path)
        shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
        state = get_peft_model_state_dict(encoder, save_embedding_layers=False)
        if shapes != {name: list(tensor.shape) for name, tensor in state.items()}:
            raise AdaptersError(f"The weights in {path} are not those of all layers. {_AGAIN}")
        set_peft_model_state_dict(encoder, tensors)
    return model.eval()


_AGAIN = "Train the adapters again and save them."


def _stored_config(folder: Path) -> LoraConfig:
    try:
        # Asked for a folder that is not there, peft would look for it on the hub.
        (folder / CONFIG_NAME).stat()
        config = PeftConfig.from_pretrained(folder)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AdaptersError(f"{folder / CONFIG_NAME} cannot be read ({error}). {_AGAIN}") from error
    if not isinstance(config, LoraConfig):
        raise AdaptersError(f"{folder / CONFIG_NAME} describes no low-rank adapters. {_AGAIN}")
    return config


def _stored_weights(folder: Path) -> dict[str, torch.Tensor]:
    path = folder / SAFETENSORS_WEIGHTS_NAME
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise AdaptersError(f"{path} cannot be read ({error}). {_AGAIN}") from error
