"""Low-rank adapters on a copy of the encoder: thin matrices that are trained, beside fixed ones.

Used by the dual encoder (L4), the cross-encoder and the masked language model (L2). Source: Hu et
al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
"""

import copy
import warnings
from collections.abc import Sequence

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from course_utils import models
from course_utils.errors import BadInput

STRENGTH = 2  # what B A gives is multiplied by this (alpha / rank)
ATTENTION = ("query", "value")  # matrices of each layer, as in the paper
# The pooler, which is no part of a layer and not used here, has a `dense` of its own.
ALL_OF_A_LAYER = r".*\.layer\.\d+\..*\.(query|key|value|dense)"


def adapted(rank: int, seed: int = 0, matrices: str | Sequence[str] = ATTENTION) -> PeftModel:
    """A copy of the encoder with adapters, in evaluation mode; the original stays as it is.

    `matrices` are the last parts of names, or a pattern that full names match. The same `seed`
    gives the same A; B is zero. Raises BadInput for a rank below 1.
    """
    if not isinstance(rank, int) or rank < 1:
        raise BadInput(f"rank={rank!r} must be a whole number from 1 up.")
    # A copy with parameters of its own, but not a second time the same 90 MB: nothing trains them.
    original = models.load()[1]
    shared = {id(one): nn.Parameter(one.data, requires_grad=False) for one in original.parameters()}
    encoder = copy.deepcopy(original, memo=shared)
    # Saved with the adapters; transformers puts the path of the weights here.
    encoder.name_or_path = encoder.config.name_or_path = models.identity()
    target = matrices if isinstance(matrices, str) else list(matrices)
    config = LoraConfig(r=rank, lora_alpha=STRENGTH * rank, target_modules=target)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft 0.21 asks for a property that transformers 5.23 is about to rename.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        torch.manual_seed(seed)
        return get_peft_model(encoder, config).eval()
