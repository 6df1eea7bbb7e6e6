"""The exercises of L3, each with the solution that the lesson's next cells use meanwhile."""

from course_utils.exercises.registry import exercise

NOTHING = "your function returns None. Does it say `return`?"


def longest_piece(word: str, start: int, vocabulary) -> str | None:
    for end in range(len(word), start, -1):
        piece = word[start:end] if start == 0 else "##" + word[start:end]
        if piece in vocabulary:
            return piece
    return None


@exercise("L3.1 longest piece", solution=longest_piece)
def _longest_piece(answer) -> str | None:
    vocabulary = {"un", "unglue", "u", "##gl", "##g", "##amo", "gl", "##s"}
    if answer("xyz", 0, vocabulary) is not None:
        return "where no piece fits, None is expected."
    for word, start in (("unglued", 0), ("unglamos", 2), ("unglamos", 4), ("unglamos", 7)):
        given, right = answer(word, start, vocabulary), longest_piece(word, start, vocabulary)
        case = f"for {word!r} from letter {start} on"
        if given == right:
            continue
        if given is None:
            return f"{case} it returns None. Does a piece inside the word begin with ##?"
        if isinstance(given, str) and f"##{given}" == right:
            return f"{case} the piece is inside the word: it carries ##."
        if given in vocabulary and len(given) < len(right):
            return f"{case} it returns {given!r}. There is a longer one: begin with the longest."
        return f"{case} it returns {given!r}. Cut the word from `start` to an end, and look it up."
    return None


def mean_pool(states, mask):
    weight = mask.unsqueeze(-1)
    return (states * weight).sum(dim=1) / weight.sum(dim=1)


@exercise("L3.2 mean pooling", solution=mean_pool)
def _mean_pool(answer) -> str | None:
    import torch

    states = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1] * 6, [1] * 5 + [0], [1] * 3 + [0] * 3])
    given, right = answer(states.clone(), mask.clone()), mean_pool(states, mask)
    if given is None:
        return NOTHING
    if not isinstance(given, torch.Tensor) or given.shape != right.shape:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"for states [3, 6, 8] a tensor [3, 8] was expected, not {shape}."
    if torch.allclose(given, right, atol=1e-5):
        return None
    if torch.allclose(given, states.mean(1), atol=1e-5):
        return "padding is in the mean: the mask is not used."
    if torch.allclose(given, (states * mask.unsqueeze(-1)).mean(1), atol=1e-5):
        return "the sum is right, but it is divided by all places, padding included."
    if torch.allclose(given[0], right[0], atol=1e-5):
        return "it is right for the text without padding, and wrong for the others."
    return "the means are other ones. Sum over the places (dim 1), then divide by the real ones."


def same_in_company(encode, short: str, long: str) -> bool:
    alone = encode([short])[0]
    in_company = encode([short, long])[0]
    return bool((alone - in_company).abs().max() < 1e-4)


@exercise("L3.3 same in company", solution=same_in_company)
def _same_in_company(answer) -> str | None:
    import torch

    def right(texts):
        return torch.tensor([[len(text), 1.0] for text in texts])

    def by_the_longest(texts):
        return right(texts) / max(map(len, texts))

    def almost(texts):
        return right(texts) + 1e-6 * len(texts)

    if answer(right, "a", "long") is None:
        return NOTHING
    if not answer(right, "a", "long"):
        return "it says False of an encoder that is right. Which row is the short text's?"
    if not answer(almost, "a", "long"):
        return "differences of a millionth are rounding: allow for 0.0001."
    if answer(by_the_longest, "a", "long"):
        return "it says True of an encoder whose vectors depend on the longest text."
    return None


def ranks(values) -> list[int]:
    in_order = sorted(values)
    return [in_order.index(value) + 1 for value in values]


@exercise("L3.4 ranks", solution=ranks)
def _ranks(answer) -> str | None:
    for values in ([0.1, 0.7, 0.3], [5, 1, 4, 2], [1, 2, 3]):
        given, right = answer(list(values)), ranks(values)
        if given is None:
            return NOTHING
        given = [int(rank) for rank in given]
        if given == right:
            continue
        case = f"for {values} it returns {given}"
        if given == [rank - 1 for rank in right]:
            return f"{case}: ranks begin at 1."
        if given == [len(values) + 1 - rank for rank in right]:
            return f"{case}: 1 is the smallest, not the largest."
        if sorted(given) == sorted(right):
            return f"{case}: is that where each number goes, or which number comes there?"
        return f"{case}. Where does each number stand in the sorted list?"
    return None


def runs(n: int, m: int, k: int) -> tuple[int, int]:
    return m, n + n * k


@exercise("L3.5 runs of the model", solution=runs)
def _runs_of_the_model(answer) -> str | None:
    for questions, texts, k in ((1, 1000, 10), (50, 4000, 20), (7, 30, 30)):
        given, right = answer(questions, texts, k), runs(questions, texts, k)
        if given is None:
            return NOTHING
        if not isinstance(given, tuple | list) or len(given) != 2:
            return "two numbers were expected: the runs ahead, and the runs while questions wait."
        ahead, waiting = given
        case = f"for {questions} questions, {texts} texts and k = {k} it returns {ahead}, {waiting}"
        if (ahead, waiting) == right:
            continue
        if (waiting, ahead) == right:
            return f"{case}: those ahead come first."
        if ahead != texts:
            return f"{case}: each text is encoded once, ahead of all questions."
        if waiting == questions * k:
            return f"{case}: before its texts can be found, a question has to be encoded."
        if waiting in (questions + k, k + 1):
            return f"{case}: each question has k texts of its own to score."
        return f"{case}. Count the encoded questions, and the pairs."
    return None
