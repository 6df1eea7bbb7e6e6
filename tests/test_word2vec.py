"""Skip-gram with negative sampling: the corpus, its pairs, the batches, and the loss."""

from collections import Counter
from math import exp, log

import nbformat
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from course_utils import similarity, word2vec
from course_utils.errors import BadInput
from course_utils.word2vec import Corpus, SkipGram
from tests.helpers import ROOT

LESSON = ROOT / "notebooks" / "L2_contextualized_token_embeddings.ipynb"

# ---------------------------------------------------------------------------------- the corpus

TEXTS = ["The cat saw the dog.", "A dog! the CAT sees 2 dogs", "", "numpy.array_split, the_cat"]


def test_the_corpus_by_hand():
    corpus = Corpus.build(TEXTS, min_count=2)
    assert corpus.words == ["the", "cat", "dog"]  # the two that occur twice, by the alphabet
    assert corpus.counts.tolist() == [3, 2, 2]
    assert corpus.ids.tolist() == [0, 1, 0, 2, 2, 0, 1]
    assert corpus.text_of.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert corpus.ids.dtype == corpus.text_of.dtype == np.int32 and corpus.counts.dtype == np.int64


def test_what_counts_as_a_word():
    corpus = Corpus.build(["np.array_split(x2, _private__name) isn't Größe-3"], min_count=1)
    parts = ["array_split", "gr", "isn", "np", "private", "name", "t", "x", "e"]
    assert sorted(corpus.words) == sorted(parts)


def test_the_numbering_does_not_depend_on_the_order_of_the_texts():
    one, other = Corpus.build(TEXTS, 1), Corpus.build(iter(TEXTS[::-1]), 1)
    assert one.words == other.words
    assert np.array_equal(one.counts, other.counts)
    assert sorted(one.counts, reverse=True) == one.counts.tolist()


def test_counts_are_those_of_the_ids_and_rare_words_are_gone():
    rng = np.random.default_rng(0)
    letters = [chr(97 + n) for n in rng.geometric(0.3, size=3000) % 26]
    corpus = Corpus.build([" ".join(letters[:1000]), " ".join(letters[1000:])], min_count=30)
    kept = {letter: n for letter, n in Counter(letters).items() if n >= 30}
    assert dict(zip(corpus.words, corpus.counts, strict=True)) == kept
    assert np.array_equal(np.bincount(corpus.ids), corpus.counts)
    assert [corpus.words[n] for n in corpus.ids] == [word for word in letters if word in kept]


@pytest.mark.parametrize("texts", [[], [""], ["one one one"], ["1 2 3", "one two three"]])
def test_texts_with_fewer_than_two_words_are_refused(texts):
    with pytest.raises(BadInput, match=r"Only [01] words occur 2 times or more"):
        Corpus.build(texts, min_count=2)


def test_noise_is_the_counts_to_the_power_of_three_quarters():
    corpus = Corpus(["a", "b"], np.array([16, 1]), np.zeros(17, int), np.zeros(17, int))
    assert_allclose(corpus.noise(), [8 / 9, 1 / 9])
    assert_allclose(corpus.noise(power=0), [1 / 2, 1 / 2])
    assert_allclose(corpus.noise(power=1), [16 / 17, 1 / 17])


# ---------------------------------------------------------------------------- pairs and batches


def drawn(corpus: Corpus, **options) -> list[tuple[str, str]]:
    """Pairs as words, in the order drawn."""
    centres, contexts = corpus.pairs(np.random.default_rng(0), **options)
    return [(corpus.words[c], corpus.words[o]) for c, o in zip(centres, contexts, strict=True)]


def within(texts: list[str], window: int) -> Counter:
    """All pairs of a word and another at most `window` places away in its text."""
    pairs = Counter()
    for words in map(str.split, texts):
        for i, centre in enumerate(words):
            for j, context in enumerate(words):
                pairs[centre, context] += i != j and abs(i - j) <= window
    return +pairs


@pytest.mark.parametrize("window", [1, 2, 5, 50])
def test_pairs_are_all_those_in_the_window_of_one_text(window):
    texts = ["a b c d e f g", "h i", "j", "k a k", "l m n o p q r s t u"]
    corpus = Corpus.build(texts, min_count=1)
    assert Counter(drawn(corpus, window=window, keep=1e9)) == within(texts, window)


def test_pairs_are_shuffled_and_the_generator_decides_how():
    corpus = Corpus.build(["a b c d e f g h i j k l m n o p"], min_count=1)
    first, again = (drawn(corpus, keep=1e9) for _ in range(2))
    assert first == again
    centres, _ = corpus.pairs(np.random.default_rng(1), keep=1e9)
    assert [corpus.words[c] for c in centres] != [centre for centre, _ in first]
    places = np.abs(np.diff([ord(centre) for centre, _ in first]))
    assert places.mean() > 3  # neighbours in the list are not neighbours in the text


def test_frequent_words_are_dropped_as_the_paper_says():
    """A word of frequency f stays with probability min(1, sqrt(keep / f))."""
    text = "often often often often often often often often rare seldom " * 4000
    corpus = Corpus.build([text], min_count=1)
    pairs = Counter(centre for centre, _ in drawn(corpus, window=1, keep=0.2))
    n, stay = 40_000, (0.2 / 0.8) ** 0.5
    left = 0.2 * n + 0.8 * n * stay  # the others, at 0.1 each, all stay
    assert abs(sum(pairs.values()) / 2 - (left - 1)) < 5 * (0.8 * n * stay * (1 - stay)) ** 0.5
    assert abs(pairs["often"] / 2 / (0.8 * n * stay) - 1) < 0.02
    assert {pairs["rare"], pairs["seldom"]} <= {7999, 8000}


def test_dropped_words_make_room_in_the_window():
    """As in the original program: the window reaches over what was dropped."""
    corpus = Corpus.build(["a b c " + "z " * 5 + "d"] * 200 + ["z " * 10], min_count=1)
    assert ("c", "d") in drawn(corpus, window=1, keep=1e-3)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """600 texts of words with very different counts; every other one ends each word with b."""
    rng = np.random.default_rng(0)
    names = np.array([first + second for first in "cdef" for second in "vwxyz"])
    share = 1 / (1 + np.arange(len(names)))
    texts = rng.choice(names, p=share / share.sum(), size=(600, 40))
    endings = ["a ", "b "] * 300
    joined = [end.join([*text, ""]) for text, end in zip(texts, endings, strict=True)]
    return Corpus.build(joined, min_count=1)


def test_batches_have_their_shapes_and_hold_pairs_of_one_text(corpus):
    kind = np.array([word[-1] for word in corpus.words])
    steps = list(word2vec.batches(corpus, steps=3, size=64, negatives=7, window=3))
    assert len(steps) == 3
    for centre, context, negatives in steps:
        assert centre.shape == context.shape == (64,) and negatives.shape == (64, 7)
        assert {tensor.dtype for tensor in (centre, context, negatives)} == {torch.int64}
        assert np.array_equal(kind[centre], kind[context])


def test_a_seed_repeats_the_batches(corpus):
    def numbers(**options) -> list:
        made = word2vec.batches(corpus, steps=4, size=50, **options)
        return [tensor.tolist() for batch in made for tensor in batch]

    assert numbers(seed=3) == numbers(seed=3)
    assert numbers(seed=3) != numbers(seed=4)
    assert numbers() == numbers(seed=0)


def test_when_the_pairs_are_used_up_they_are_drawn_anew(corpus):
    pairs = len(corpus.pairs(np.random.default_rng(0), window=1)[0])
    size = int(pairs * 0.4)  # two batches of this size, and a rest that is left out
    made = list(word2vec.batches(corpus, steps=5, size=size, window=1))
    assert [len(centre) for centre, _, _ in made] == [size] * 5
    assert not torch.equal(made[0][0], made[2][0])


def test_negatives_follow_the_noise_distribution(corpus):
    batches = word2vec.batches(corpus, steps=20, size=1000, negatives=10)
    drawn = torch.cat([negatives.flatten() for _, _, negatives in batches]).numpy()
    found = np.bincount(drawn, minlength=len(corpus.words))
    expected = corpus.noise() * len(drawn)
    spread = np.sqrt(expected * (1 - corpus.noise()))
    assert np.abs((found - expected) / spread).max() < 5  # in standard deviations
    assert np.abs(found - corpus.counts / corpus.counts.sum() * len(drawn)).max() > 1000


def test_a_corpus_too_small_for_a_batch_is_refused(corpus):
    with pytest.raises(BadInput, match="pairs, fewer than a batch of 9999999"):
        next(word2vec.batches(corpus, steps=1, size=9_999_999))
    assert list(word2vec.batches(corpus, steps=0)) == []


# -------------------------------------------------------------------------------------- the loss


def test_the_loss_of_one_pair_by_hand():
    c, o, negatives = (0.5, -1.0), (1.0, -0.5), [(-0.5, 1.0), (1.0, 1.0)]
    expected = log(1 + exp(-1)) + log(1 + exp(-1.25)) + log(1 + exp(-0.5))
    loss = word2vec.negative_sampling_loss(
        torch.tensor([c]), torch.tensor([o]), torch.tensor([negatives])
    )
    assert loss.shape == ()
    assert abs(loss.item() - expected) < 1e-6


def test_the_loss_of_a_batch_is_the_mean_of_its_pairs():
    generator = torch.Generator().manual_seed(0)
    c, o = (torch.randn(9, 4, generator=generator) for _ in range(2))
    n = torch.randn(9, 3, 4, generator=generator)
    expected = 0.0
    for row in range(9):
        expected += log(1 + exp(-float(c[row] @ o[row]))) / 9
        expected += sum(log(1 + exp(float(c[row] @ other))) for other in n[row]) / 9
    assert abs(word2vec.negative_sampling_loss(c, o, n).item() - expected) < 1e-5


def test_the_loss_survives_large_numbers():
    c, n = torch.tensor([[1000.0]]), torch.tensor([[[1.0]]])
    assert word2vec.negative_sampling_loss(c, c, -n).item() == 0
    assert word2vec.negative_sampling_loss(c, -c / 1000, -n).item() == 1000


@pytest.mark.parametrize("negatives", [1, 5, 10])
def test_training_begins_at_the_chance_line(negatives):
    torch.manual_seed(0)
    numbers = torch.zeros(6, dtype=torch.int64)
    loss = SkipGram(10, 4)(numbers, numbers, numbers[:, None].expand(6, negatives))
    assert abs(loss.item() - (negatives + 1) * log(2)) < 1e-5


@pytest.fixture(scope="module")
def taught() -> type:
    """The class SkipGram as L2 writes it out."""
    cells = {cell.get("id"): cell for cell in nbformat.read(LESSON, as_version=4).cells}
    namespace = {"torch": torch}
    exec(cells["loss-class"].source, namespace)
    assert namespace["SkipGram"] is not SkipGram
    return namespace["SkipGram"]


def test_the_lessons_class_starts_as_the_packages_does(taught):
    torch.manual_seed(0)
    one = taught(words=50)
    torch.manual_seed(0)
    other = SkipGram(words=50)
    states = [model.state_dict() for model in (one, other)]
    assert list(states[0]) == list(states[1]) == ["centre.weight", "context.weight"]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert states[0]["centre.weight"].shape == (50, 100)


def test_the_lessons_class_and_the_packages_give_the_same_numbers(taught, corpus):
    """The same losses and gradients on batches of random vectors."""
    torch.manual_seed(1)
    models = taught(len(corpus.words), 8), SkipGram(len(corpus.words), 8)
    torch.nn.init.normal_(models[0].centre.weight)
    torch.nn.init.normal_(models[0].context.weight)
    models[1].load_state_dict(models[0].state_dict())
    for batch in word2vec.batches(corpus, steps=3, size=256):
        one, other = (model(*batch) for model in models)
        assert one.item() == pytest.approx(other.item(), rel=1e-6)
        one.backward()
        other.backward()
    for name in ("centre", "context"):
        gradients = [getattr(model, name).weight.grad.numpy() for model in models]
        assert np.abs(gradients[0]).max() > 1e-3
        assert_allclose(*gradients, atol=1e-6)


def test_a_few_steps_bring_words_of_one_company_together():
    texts = ["red green blue " * 5, "cat dog cow " * 5] * 1000
    small = Corpus.build(texts, min_count=1)
    torch.manual_seed(0)
    model = SkipGram(len(small.words), 8)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for batch in word2vec.batches(small, steps=60, size=256):
        optimizer.zero_grad()
        model(*batch).backward()
        optimizer.step()
    company = ["animals" if word in texts[1] else "colours" for word in small.words]
    within, across = similarity.within_across(model.centre.weight.detach(), company)
    assert within > 0.9 and across < 0.3  # six seeds gave at least 0.98, and at most 0.12
