"""The encoder in numpy gives the vectors of the one in torch."""

import subprocess
import sys

import numpy as np
import pytest

from course_utils import dual_encoder, embed
from course_utils.errors import BadInput
from course_utils.retrieval import light

QUESTIONS = [
    "how do I split data into train and test",
    "numpy.argsort(a, axis=-1)",
    "x",
    "",
    "как отсортировать 配列 🙂",
    "\x00 soft\xadware",
    "sort " * 300,
]


@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_the_vector_is_that_of_torch(question):
    ours = light.encode(question)
    assert ours.dtype == np.float32 and ours.shape == (384,)
    np.testing.assert_allclose(ours, dual_encoder.embed_questions(question), atol=1e-5)


@pytest.mark.parametrize("max_tokens", [3, 8, 200])
def test_texts_are_cut_where_torch_cuts_them(max_tokens):
    text = "a somewhat long sentence about the order of things " * 30
    np.testing.assert_allclose(
        light.encode(text, max_tokens), embed.encode(text, max_tokens=max_tokens), atol=1e-5
    )
    assert len(light.token_numbers(text, max_tokens)) == max_tokens


@pytest.mark.parametrize("text, tokens", [(None, 64), (7, 64), ("x", 2), ("x", 513), ("\ud800", 9)])
def test_what_cannot_be_encoded_is_refused(text, tokens):
    with pytest.raises(BadInput):
        light.encode(text, tokens)


def test_neither_torch_nor_scipy_is_loaded():
    code = (
        "import sys; from course_utils.retrieval import light; light.encode('sort'); "
        "print([name for name in ('torch', 'scipy', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
