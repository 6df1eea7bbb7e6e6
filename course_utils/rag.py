"""Retrieval-augmented generation: a prompt with sources, and a language model's answer. L5.

The language model is the one that plays the role `models.load("language model")`.
Source of the idea: Lewis et al. 2020, "Retrieval-Augmented Generation for Knowledge-Intensive NLP
Tasks".
"""

import re
from collections.abc import Sequence

import numpy as np
import torch

from course_utils import embed, models

BUDGET = 512  # tokens that all sources together may have
NEW_TOKENS = 24  # of an answer
BATCH = 16
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'`(])")


def prompt(question: str, sources: Sequence[str] = (), budget: int = BUDGET) -> str:
    """What the language model is asked; several sources are numbered from 1.

    Each source may have its share of `budget` tokens, and is cut there. The wording is the best of
    five that were tried on the validation facts (`tools/retrieval_run.py`).
    """
    if not sources:
        return f"Question: {question}\n\nAnswer in a few words."
    parts = [cut(source, budget // len(sources)) for source in sources]
    if len(parts) == 1:
        listed, where = f"Source: {parts[0]}", "source"
    else:
        listed = "\n".join(f"Source [{n}]: {part}" for n, part in enumerate(parts, start=1))
        where = "sources"
    return f"{listed}\n\nQuestion: {question}\n\nAnswer in a few words, taken from the {where}."


def cut(text: str, tokens: int) -> str:
    """The text, or as much of it as so many tokens of the language model hold."""
    tokenizer, _ = models.load("language model")
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return text if len(ids) <= tokens else tokenizer.decode(ids[:tokens]) + " ..."


@torch.inference_mode()
def generate(prompts: Sequence[str], new_tokens: int = NEW_TOKENS, batch: int = BATCH) -> list[str]:
    """The language model's answer to each prompt: greedy, in float32, at most `new_tokens` tokens.

    Equal prompts are answered once. About three a second on one core.
    """
    tokenizer, model = models.load("language model")
    distinct = sorted(set(prompts), key=lambda text: (len(text), text))  # little padding
    answers: dict[str, str] = {}
    for start in range(0, len(distinct), batch):
        part = distinct[start : start + batch]
        read = tokenizer([chat(text) for text in part], return_tensors="pt", padding=True)
        ids = model.generate(**read, max_new_tokens=new_tokens, do_sample=False)  # [n, T + new]
        new = ids[:, read["input_ids"].shape[1] :]
        answers |= zip(part, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True)
    return [answers[text].strip() for text in prompts]


@torch.inference_mode()
def stream(text: str, new_tokens: int = 60) -> None:
    """Print the language model's answer to one prompt as it is written: one line, after a bar."""
    from transformers import TextStreamer

    class OneLine(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            print(text.replace("\n", " "), end="\n" if stream_end else "", flush=True)

    tokenizer, model = models.load("language model")
    read = tokenizer(chat(text), return_tensors="pt")
    print("┃ ", end="")
    streamer = OneLine(tokenizer, skip_prompt=True, skip_special_tokens=True)
    model.generate(**read, max_new_tokens=new_tokens, do_sample=False, streamer=streamer)


def chat(text: str) -> str:
    """A prompt between the marks of a conversation that the model was trained with."""
    tokenizer, _ = models.load("language model")
    message = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)


def says(answer: str, value: str) -> bool:
    """Whether the words of the value stand in the answer, one after the other; case is ignored.

    "H.G. Wells" says "H. G. Wells"; "this" does not say "HI". Nothing else is judged: a wrong
    sentence around the value counts as right.
    """
    words, wanted = _words(answer), _words(value)
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def quote(question: str, texts: Sequence[str]) -> tuple[int, str, float]:
    """The sentence of the texts nearest to the question: its text's number from 0, it, its cosine.

    An answerer that cannot invent: every word is a quotation. Sentences of fewer than four words
    are left out where there are others.
    """
    found = [
        (n, part.strip()) for n, text in enumerate(texts) for part in _SENTENCE_END.split(text)
    ]
    found = [each for each in found if len(each[1].split()) >= 4] or found
    vectors = embed.encode([sentence for _, sentence in found])
    scores = vectors @ embed.encode(question)
    best = int(np.argmax(scores))
    return *found[best], float(scores[best])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
