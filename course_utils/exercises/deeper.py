"""The exercises of the optional notebooks."""

from course_utils.exercises.registry import exercise


def unit_rows(vectors):
    """Each row divided by its length: `[n, d]` to `[n, d]`."""
    return vectors / vectors.norm(dim=1, keepdim=True)


@exercise("L1.1 unit rows", solution=unit_rows)
def _unit_rows(answer) -> str | None:
    import torch

    vectors = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0], [1.0, -2.0, 2.0]])
    given = answer(vectors.clone())
    if not isinstance(given, torch.Tensor) or given.shape != vectors.shape:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"for vectors [3, 3] a tensor [3, 3] was expected, not {shape}."
    if torch.allclose(given, unit_rows(vectors)):
        return None
    if torch.allclose(given.norm(dim=0), torch.ones(3)):
        return "the columns have length 1, not the rows. Which dimension has to disappear?"
    if torch.allclose(given, vectors / vectors.norm(dim=1)):
        return "lengths [3] stand beside the columns. With keepdim=True they are [3, 1]."
    if torch.allclose(given, vectors / vectors.norm()):
        return "all rows are divided by the same number, the length of the whole table."
    lengths = ", ".join(f"{length:.2f}" for length in given.norm(dim=1))
    return f"your rows have the lengths {lengths}."


def step_down(weight, gradient, rate):
    """The weight after one step of gradient descent."""
    return weight - rate * gradient


@exercise("L1.2 step down", solution=step_down)
def _step_down(answer) -> str | None:
    import torch

    weight, gradient = torch.tensor(3.0), torch.tensor(-2.0)
    given = answer(weight.clone(), gradient.clone(), 0.1)
    if given is None:
        return "your function returns None. Does it say `return`?"
    wrong = {
        2.8: "that is a step uphill: the loss rises. Go against the gradient.",
        5.0: "the learning rate is not used.",
        0.2: "that is the step alone. Take it from the weight.",
        -0.2: "that is the step alone. Take it from the weight.",
    }
    if abs(float(given) - 3.2) < 1e-5:
        return None
    for value, reason in wrong.items():
        if abs(float(given) - value) < 1e-5:
            return reason
    return "start at the weight, and take away the learning rate times the gradient."


def seen_token(token, fate, mask, other):
    """What the model sees where `token` is to be guessed; `fate` is between 0 and 1."""
    if fate < 0.8:
        return mask
    return other if fate < 0.9 else token


@exercise("L2.A seen token", solution=seen_token)
def _seen_token(answer) -> str | None:
    names = {7: "the token itself", 103: "[MASK]", 55: "another token"}
    for fate in (0.0, 0.5, 0.79, 0.81, 0.89, 0.91, 0.99):
        given, right = answer(7, fate, 103, 55), seen_token(7, fate, 103, 55)
        if given is None:
            return "your function returns None. Does it say `return` in each case?"
        if given not in names:
            return f"for fate={fate} it returns {given!r}, which is not one of the three."
        if given != right:
            return f"for fate={fate} the model sees {names[given]}. How large is each share?"
    return None


def log_shares(counts):
    """The logarithm of each token's share, one added to each count: `[V]` to `[V]`."""
    import torch

    return torch.log((counts + 1) / (counts + 1).sum())


@exercise("L2.B log shares", solution=log_shares)
def _log_shares(answer) -> str | None:
    import math

    import torch

    counts = torch.tensor([5, 0, 2, 1])
    given = answer(counts.clone())
    if not isinstance(given, torch.Tensor) or given.shape != counts.shape:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"for counts [4] a tensor [4] was expected, not {shape}."
    given, right = given.double(), log_shares(counts).double()
    if torch.allclose(given, right, atol=1e-5):
        return None
    if not torch.isfinite(given).all():
        return "a token that was never counted costs infinitely much. Add one to each count."
    wrong = [
        (right.exp(), "these are the shares. Now take their logarithm."),
        (right / math.log(2), "that is in bits; nats use the natural logarithm."),
        (-right, "the sign: the logarithm of a share is below 0."),
        ((counts + 1).log().double(), "the shares do not sum to 1. Divide by the sum first."),
        (((counts + 1) / counts.sum()).log().double(), "add the ones to the sum, too."),
    ]
    for values, reason in wrong:
        if torch.allclose(given, values, atol=1e-5):
            return reason
    return f"your shares sum to {given.exp().sum():.2f}; add one to each count, then divide."


def carry_on(embeddings, gradient):
    """Let a gradient `[b, d]` with respect to embeddings `[b, d]` flow on into the weights."""
    (embeddings * gradient).sum().backward()


@exercise("L4.A carry on", solution=carry_on)
def _carry_on(answer) -> str | None:
    import torch

    generator = torch.Generator().manual_seed(0)
    texts, gradient = (torch.randn(5, 3, generator=generator) for _ in range(2))
    weight = torch.eye(3, requires_grad=True)
    right = texts.T @ gradient
    answer(texts @ weight, gradient.clone())
    if weight.grad is None:
        return "the weights have no gradient afterwards. Is there a .backward()?"
    wrong = [
        (texts.sum(0)[:, None].expand(3, 3), "the cached gradient is not used: multiply by it."),
        (right / 15, "that is the mean of the products; the chain rule asks for their sum."),
        (right / 5, "that is the mean over the texts; the chain rule asks for the sum."),
        (-right, "the sign: the step downhill is the optimizer's business."),
    ]
    for values, reason in [(right, None), *wrong]:
        if torch.allclose(weight.grad, values, atol=1e-5):
            return reason
    return "the weights get another gradient. Each embedding has to meet its own gradient."


def both_directions(scores, echo):
    """The mean of the loss by rows, which have the echo term, and by columns: `[B, B]` each."""
    import torch
    from torch.nn.functional import cross_entropy

    right = torch.arange(len(scores))
    by_row = cross_entropy(torch.cat([scores, echo], dim=1), right)
    return (by_row + cross_entropy(scores.T, right)) / 2


@exercise("L4.B both directions", solution=both_directions)
def _both_directions(answer) -> str | None:
    import torch
    from torch.nn.functional import cross_entropy

    scores, echo = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(0))
    given = answer(scores.clone(), echo.clone())
    if not isinstance(given, torch.Tensor) or given.ndim:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"one number was expected, a tensor that can go backward, not {shape}."
    right = torch.arange(5)
    row, both_row, column, both_column = (
        cross_entropy(part, right)
        for part in (scores, torch.cat([scores, echo], 1), scores.T, torch.cat([scores, echo]).T)
    )
    wrong = [
        (row + column, "the echo term is missing, and that is the sum; take the mean."),
        ((row + column) / 2, "the echo term is missing: more columns for the rows' loss."),
        (both_row + column, "that is the sum of the two; take the mean."),
        (
            (both_row + both_column) / 2,
            "a question is no wrong candidate for an answer's question.",
        ),
        (both_row, "that is one direction, question to answer. Add the columns' loss."),
        (column, "that is one direction, answer to question. Add the rows' loss."),
        (-both_directions(scores, echo), "the sign: a loss is minus the logarithm."),
    ]
    for value, reason in [(both_directions(scores, echo), None), *wrong]:
        if torch.allclose(given, value, atol=1e-5):
            return reason
    return "the loss is another one. What are the columns of each of the two softmaxes?"


def gathered(shares, own):
    """The embeddings of all processes `[b, d]` as one batch; only share number `own` is trained."""
    import torch

    rows = [share.detach() for share in shares]
    rows[own] = shares[own]
    return torch.cat(rows)


@exercise("L4.C gathered", solution=gathered)
def _gathered(answer) -> str | None:
    import torch

    leaves = [torch.full((2, 3), float(n), requires_grad=True) for n in range(3)]
    for own in (1, 2):
        given = answer([leaf * 1 for leaf in leaves], own)
        if not isinstance(given, torch.Tensor) or given.shape != (6, 3):
            shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
            return f"for three shares [2, 3] a tensor [6, 3] was expected, not {shape}."
        if not torch.equal(given[:, 0].detach(), torch.tensor([0.0, 0, 1, 1, 2, 2])):
            return "the rows are not in the order of the shares: all processes need the same one."
        if not given.requires_grad:
            return "no row carries a gradient: the own share has to."
        found = torch.autograd.grad(given.sum(), leaves, allow_unused=True)
        carried = [n for n, gradient in enumerate(found) if gradient is not None]
        if carried != [own]:
            return f"for own={own} the shares {carried} carry a gradient; only the own one should."
    return None
