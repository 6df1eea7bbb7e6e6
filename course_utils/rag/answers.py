"""A question answered from what was found, with its sources; or the statement that it is not there.

    question -> search -> enough support? -> sources -> answerer -> checked answer
                               | no
                               v
                 "I do not find that in the documentation."

Two answerers: the extractive one quotes and needs nothing; a language model behind an endpoint
writes, and only where it is asked for. What keeps a document from doing harm with what it says:
nothing here runs what an answerer writes, a language model is offered no tools, its links are taken
out unless a source holds them, and an answer without a valid source is not given. Taught in L5.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from course_utils.errors import BadInput
from course_utils.rag import abstention, chat, endpoint, extractive, prompt
from course_utils.rag.abstention import Rule
from course_utils.rag.endpoint import Endpoint
from course_utils.rag.prompt import Source

EXTRACTIVE, ENDPOINT = "extractive", "endpoint"
GENERATORS = (EXTRACTIVE, ENDPOINT)
NOT_FOUND = "I do not find that in the documentation."
LITTLE_SUPPORT = "nothing that was found is close enough to the question"
MODEL_ABSTAINS = "the language model found no answer in the sources"
NO_SOURCE = "the language model's answer names none of the sources"
SOURCES = 3
_CITED = re.compile(r"(\s?)\[(\d+(?:\s?[,;]\s?\d+)*)\]")
_LINK = re.compile(
    r"!?\[([^\[\]]{0,300})\]\(([^()]{0,2000})\)|"
    r"\b(?:\w{2,20}://|www\.)(?:[^\s<>\"')\]]*[^\s<>\"')\].,;:!?])?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Citation:
    """A source that an answer names. `quote`: the sentence taken from it, "" where it was read."""

    number: int
    name: str
    quote: str = ""


@dataclass(frozen=True)
class Answer:
    """What is said to a question.

    `text` has the number of a source after each statement, such as [1]; where `abstained`, it says
    that nothing was found, and `reason` says why. `citations` are the sources that it names, in the
    order of the text; `sources` are all that the answerer read. `support` is that of the search.
    """

    question: str
    text: str
    citations: tuple[Citation, ...]
    sources: tuple[Source, ...]
    abstained: bool
    reason: str
    support: float
    generator: str

    def __str__(self) -> str:
        named = {citation.number: citation.name for citation in self.citations}
        return "\n".join([self.text, *(f"[{number}] {name}" for number, name in named.items())])


def answer(
    question: str,
    results: Sequence | None = None,
    *,
    generator: str = EXTRACTIVE,
    sources: int = SOURCES,
    count: int = extractive.COUNT,
    reader: str = extractive.READERS[0],
    budget: int = prompt.BUDGET,
    at: Endpoint | None = None,
    by: Rule | None = None,
    on_piece: Callable[[str], None] | None = None,
    index=None,
) -> Answer:
    """Answer a question from its first `sources` results, or abstain.

    `results` are those of `retrieval.search`; without them, it is called, with `index`. `generator`
    is "extractive", with `count` and `reader` as in `extractive.best_sentences`, or "endpoint": the
    language model `at` an endpoint, or at the one that the environment names, with a prompt of at
    most `budget` tokens; `on_piece` is called with each piece that it writes, before any check.
    `by` is another rule for abstaining than the course's; below its threshold no answerer is asked.

    Raises BadInput for a question with nothing to search for, another generator or an empty list of
    results, EndpointError where the language model cannot be asked.
    """
    if generator not in GENERATORS:
        raise BadInput(f"There is no generator {generator!r}. There are: {', '.join(GENERATORS)}.")
    if generator == ENDPOINT:
        at = at or endpoint.from_environment()  # before the work, if it is not set up
    if results is None:
        from course_utils import retrieval

        results = retrieval.search(question, max(sources, 1), index=index)
    by = by or abstention.rule()
    supported = abstention.support(results, by.support)
    found = [(result.name, result.entry.text) for result in results[:sources]]
    asked = results[0].asked or question
    if supported < by.threshold:
        read = _numbered(found)
        return Answer(asked, NOT_FOUND, (), read, True, LITTLE_SUPPORT, supported, generator)
    if generator == EXTRACTIVE:
        return _quoted(asked, found, supported, count, reader)
    written = prompt.build(asked, found, budget)
    pieces = []
    for piece in chat.stream(at, written.messages):
        pieces.append(piece)
        if on_piece:
            on_piece(piece)
    return checked(asked, "".join(pieces), written.sources, supported)


def _quoted(asked: str, found, supported: float, count: int, reader: str) -> Answer:
    """The extractive answer: sentences, each with its source."""
    said = extractive.best_sentences(asked, found, count, reader)
    text = " ".join(f"{each.text} [{each.source}]" for each in said)
    citations = tuple(Citation(each.source, found[each.source - 1][0], each.text) for each in said)
    return Answer(asked, text, citations, _numbered(found), False, "", supported, EXTRACTIVE)


def _numbered(found: Sequence[tuple[str, str]]) -> tuple[Source, ...]:
    return tuple(Source(number, *each, cut=False) for number, each in enumerate(found, start=1))


def checked(asked: str, written: str, sources: Sequence[Source], supported: float) -> Answer:
    """What a language model wrote, as far as it can be answered for.

    Numbers without a source, control characters, and links that stand in no source are taken out.
    An answer that names no source at all is not given.
    """
    known = {source.number: source for source in sources}
    text = "".join(
        sign for sign in written if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf")
    )
    text = _LINK.sub(lambda link: _link(link, sources), text).strip()
    numbers: dict[int, bool] = {}

    def kept(match: re.Match) -> str:
        some = [int(number) for number in re.findall(r"\d+", match[2])]
        valid = [number for number in some if number in known]
        numbers.update(dict.fromkeys(valid, True))
        before = match.string[match.start() - 1 : match.start()]
        if not match[1] and (before.isalnum() or before in ("_", ")")):
            return match[0]  # close to a word: "the axis[1]", but also code such as x[0]
        return "".join(f" [{number}]" for number in valid)

    text = _CITED.sub(kept, text).strip()
    reason = ""
    if NOT_FOUND.rstrip(".").lower() in text.lower():
        reason = MODEL_ABSTAINS
    elif not numbers:
        reason = NO_SOURCE
    if reason:
        text, numbers = NOT_FOUND, {}
    citations = tuple(Citation(number, known[number].name) for number in numbers)
    return Answer(asked, text, citations, tuple(sources), bool(reason), reason, supported, ENDPOINT)


def _link(link: re.Match, sources: Sequence[Source]) -> str:
    """The link where a source holds its address, otherwise only its words."""
    address = (link[2] if link[2] is not None else link[0]).strip()
    if address and any(address in source.text for source in sources):
        return link[0]
    words = link[1] or "(a link was left out)"
    return f"[{words}]" if words.isdigit() else words  # it may be the number of a source
