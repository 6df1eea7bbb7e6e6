"""`make bench`: texts per second of `embed.encode`, as a ratio to sentence-transformers.

Both encode the same 1,000 documentation texts in the same process, in turn, three times, nothing
cached. Only the ratio means something on another machine.
"""

import argparse
import statistics
import time
from collections.abc import Sequence

import numpy as np

from course_utils import data, embed, models

TEXTS, REPEATS, SEED = 1_000, 3, 0


def seconds(work) -> tuple[float, np.ndarray]:
    """The wall time of a call, in seconds, and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison and print one line a repeat, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args(arguments)

    texts = [entry.text for entry in data.documentation()]
    chosen = np.random.default_rng(SEED).choice(len(texts), options.texts, replace=False)
    texts = [texts[index] for index in chosen]
    peer = models.sentence_transformer()
    peer.max_seq_length = embed.MAX_TOKENS

    def ours() -> np.ndarray:
        return embed.encode(texts, use_cache=False, progress=False)

    def theirs() -> np.ndarray:
        return peer.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    embed.encode(texts[:64], use_cache=False, progress=False)  # both warm before the first repeat
    peer.encode(texts[:64], show_progress_bar=False)
    print(f"{len(texts)} documentation texts, at most {embed.MAX_TOKENS} tokens, ", end="")
    print("bfloat16 on" if embed.has_bfloat16() else "float32: this CPU has no bfloat16")
    ratios = []
    for repeat in range(options.repeats):
        our_seconds, mine = seconds(ours)
        their_seconds, yours = seconds(theirs)
        ratios.append(their_seconds / our_seconds)
        cosine = (mine * yours).sum(axis=1).min()
        print(
            f"repeat {repeat + 1}: encode {len(texts) / our_seconds:6.1f} texts/s, "
            f"sentence-transformers {len(texts) / their_seconds:6.1f} texts/s, "
            f"ratio {ratios[-1]:.2f}, lowest cosine {cosine:.6f}"
        )
    middle = statistics.median(ratios)
    print(f"median ratio {middle:.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
