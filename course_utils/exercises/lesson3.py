"""The exercises of L3."""

from course_utils.exercises.registry import exercise


@exercise("L3.1 words from tokens")
def _words_from_tokens(answer) -> str | None:
    cases = {
        ("token", "##ization", "is", "fun"): "tokenization is fun",
        ("un", "##bel", "##iev", "##able"): "unbelievable",
        ("[CLS]", "a", "bat", "[SEP]", "[PAD]"): "a bat",
    }
    for tokens, text in cases.items():
        given = answer(list(tokens))
        if given is None:
            return "your function returns None. Does it say `return`?"
        if not isinstance(given, str):
            return f"for {list(tokens)} a string was expected, not {type(given).__name__}."
        if given == text:
            continue
        if given.strip() == text:
            return f"for {list(tokens)} it returns {given!r}, with a blank too many."
        if "[" in given:
            return f"for {list(tokens)} it returns {given!r}: tokens in brackets are no text."
        return f"for {list(tokens)} it returns {given!r}. What does ## say of the space before it?"
    return None


@exercise("L3.2 mean of the words")
def _mean_of_the_words(answer) -> str | None:
    import torch

    states = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1] * 6, [1] * 5 + [0], [1] * 3 + [0] * 3])
    right = torch.stack(
        [text[1 : length - 1].mean(0) for text, length in zip(states, mask.sum(1), strict=True)]
    )
    given = answer(states.clone(), mask.clone())
    if not isinstance(given, torch.Tensor) or given.shape != right.shape:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"for states [3, 6, 8] a tensor [3, 8] was expected, not {shape}."
    if torch.allclose(given, right, atol=1e-5):
        return None
    if torch.allclose(given, states[:, 1:-1].mean(1), atol=1e-5):
        return "in a padded batch [SEP] is not in the last column: use the mask to find it."
    if torch.allclose(given[0], states[0].mean(0), atol=1e-5):
        return "[CLS] and [SEP] are still in the mean."
    if torch.allclose(given[0], right[0], atol=1e-5):
        return "it is right for the text without padding, and wrong for the others."
    return "the means are other ones. How many tokens are left of each text?"


@exercise("L3.3 wall")
def _wall(answer) -> str | None:
    import torch

    for segments in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1], [0, 1]):
        right = torch.tensor([[int(one == other) for other in segments] for one in segments])
        given = answer(torch.tensor(segments))
        if not isinstance(given, torch.Tensor) or given.shape != right.shape:
            shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
            return (
                f"for segments {segments} a tensor {list(right.shape)} was expected, not {shape}."
            )
        given = given.long()
        if torch.equal(given, right):
            continue
        if torch.equal(given, 1 - right):
            return (
                "tokens look across the border and nowhere else. The wall is the wrong way round."
            )
        if torch.equal(given, right * torch.tensor(segments)):
            return "the tokens of the question (segment 0) look at nothing, not even at themselves."
        row = int((given != right).any(1).int().argmax())
        return f"for segments {segments} the mask is wrong in row {row}."
    return None


@exercise("L3.4 runs of the model")
def _runs_of_the_model(answer) -> str | None:
    for questions, texts, k in ((1, 1000, 10), (50, 4000, 20), (7, 30, 30)):
        right = questions + texts + questions * k
        given = answer(questions, texts, k)
        if given == right:
            continue
        case = f"for {questions} questions, {texts} texts and k = {k} it returns {given!r}"
        if given == questions + texts + k:
            return f"{case}: each question has k texts of its own to rerank."
        if given == questions * k:
            return f"{case}: before anything can be reranked, it has to be found."
        if given == questions * (1 + texts + k):
            return f"{case}: are the texts encoded anew for each question?"
        return f"{case}. Count the encoded questions, the encoded texts, and the pairs."
    return None
