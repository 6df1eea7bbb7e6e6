"""What the encoder makes of texts with hidden tokens, as it is: what a head of one's own reads."""

import torch

from course_utils import embed, models
from course_utils.errors import BadInput
from course_utils.masked_lm.masking import Masked


@torch.inference_mode()
def frozen_states(masked: Masked, layer: int, precision: str = "auto") -> torch.Tensor:
    """The states of a layer, float32 `[n, T, d]`; layer 0 is what enters the first.

    The layers above it are not run. With `precision="auto"` those that are run in bfloat16 where
    the CPU has instructions for it. Raises BadInput for a layer that the encoder does not have.
    """
    _, model = models.load("contextual encoder")
    layers = model.encoder.layer
    if not isinstance(layer, int) or not 0 <= layer <= len(layers):
        raise BadInput(f"layer={layer!r}: the encoder has the layers 0 to {len(layers)}.")
    bfloat16 = embed.wants_bfloat16(precision)
    model.encoder.layer = layers[:layer]
    try:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            out = model(input_ids=masked.ids, attention_mask=masked.attention)
    finally:
        model.encoder.layer = layers
    return out.last_hidden_state.float()
