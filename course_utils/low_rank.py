"""Low-rank adapters on a copy of the encoder: thin matrices that are trained, beside fixed ones.

Used by the cross-encoder and the masked language model. Source: Hu et al. 2021, "LoRA: Low-Rank
Adaptation of Large Language Models", section 4.1.
"""

import copy
import warnings
from collections.abc import Mapping, Sequence

import peft
import torch
from torch import nn

from course_utils import models

STRENGTH = 2  # what B A gives is multiplied by this (alpha / rank)
ATTENTION = ("query", "value")  # matrices of each layer, as in the paper
# The pooler, which is no part of a layer and not used here, has a `dense` of its own.
ALL_OF_A_LAYER = r".*\.layer\.\d+\..*\.(query|key|value|dense)"


def adapted(rank: int, seed: int = 0, matrices: str | Sequence[str] = ATTENTION) -> peft.PeftModel:
    """A copy of the encoder with adapters, in evaluation mode; the original stays as it is.

    `matrices` are the last parts of names, or a pattern that full names match. The same `seed`
    gives the same A; B is zero.
    """
    # A copy with parameters of its own, but not a second time the same 90 MB: nothing trains them.
    original = models.load()[1]
    shared = {id(one): nn.Parameter(one.data, requires_grad=False) for one in original.parameters()}
    encoder = copy.deepcopy(original, memo=shared)
    target = matrices if isinstance(matrices, str) else list(matrices)
    config = peft.LoraConfig(r=rank, lora_alpha=STRENGTH * rank, target_modules=target)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft 0.21 asks for a property that transformers 5.23 is about to rename.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        torch.manual_seed(seed)
        return peft.get_peft_model(encoder, config).eval()


class AdaptedEncoder(nn.Module):
    """The encoder with adapters beside all matrices of its layers; the head is a subclass's own.

    Everything that a subclass adds is trained, and stored with the adapters. The same `seed` gives
    the same weights.
    """

    def __init__(self, rank: int, seed: int = 0):
        super().__init__()
        self.encoder = adapted(rank, seed, ALL_OF_A_LAYER)

    @property
    def config(self):
        return self.encoder.config

    def train(self, mode: bool = True) -> "AdaptedEncoder":
        """As in any module, but that the encoder's dropout stays off: steps need less memory.

        In training attention is computed the plain way: on a CPU the fused kernel is a little
        faster forward, and its gradient takes several times as long.
        """
        super().train(mode)
        self.encoder.eval()
        self.encoder.get_base_model().set_attn_implementation("eager" if mode else "sdpa")
        return self

    def head_parameters(self) -> dict[str, nn.Parameter]:
        """What a subclass has added, by name."""
        named = self.named_parameters()
        return {name: value for name, value in named if not name.startswith("encoder.")}

    def trained_weights(self) -> dict[str, torch.Tensor]:
        """What training changes: the adapters' matrices and the head."""
        adapters = peft.get_peft_model_state_dict(self.encoder, save_embedding_layers=False)
        head = {name: value.detach() for name, value in self.head_parameters().items()}
        return {**adapters, **head}

    def set_trained_weights(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put `trained_weights` of this or another model of the class in place."""
        head = self.head_parameters()
        adapters = {name: value for name, value in tensors.items() if name not in head}
        peft.set_peft_model_state_dict(self.encoder, adapters)
        with torch.no_grad():
            for name, value in head.items():
                value.copy_(tensors[name])
