"""RAG-flow: an answer that is made of what was found, or none."""

from course_utils import data, rag
from course_utils.retrieval import pipeline
from course_utils.retrieval.index import documentation_index
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import fitted, wrapped
from img.draw.style import GREY, SMALL

K = 3
NEW_TOKENS = 64  # enough for the language model to end by itself
COLUMNS = 90  # of the prompt that are shown
SEARCH, SUPPORT, PROMPT, ANSWERER, ANSWER = 130, 258, 388, 504, 612  # the middles of the rows


def measure() -> dict:
    """What the search of L5 finds for a question, and what both answerers make of it."""
    index = documentation_index()
    found = pipeline.search(examples.QUESTION, K)
    sources = [index.passages[index.names.index(each.name)] for each in found]
    asked = rag.prompt(examples.QUESTION, sources)
    (answer,) = rag.generate([asked], NEW_TOKENS)
    number, sentence, _ = rag.quote(examples.QUESTION, sources)
    return {
        "documentation": examples.documentation(),
        "names": [each.name for each in found],
        "support": found[0].parts[pipeline.ENCODER],
        "threshold": data.stored_run("retrieval")["threshold"],
        "prompt": asked,
        "answer": answer,
        "quotation": [number + 1, sentence],
    }


def draw(found: dict):
    art = Canvas(692, "RAG: answer from what was found, or not at all")
    text = wrapped(examples.QUESTION, 20, lines=3)
    question = art.question(116, SEARCH, 184, 76, text, size=SMALL)
    search = art.step(304, SEARCH, 92, 48, "search", "vector")
    sources = art.area(550, SEARCH, 292, 148)
    for number, name in enumerate(found["names"], start=1):
        own = fitted(name.rpartition(".")[2], 230, SMALL)
        art.answer(550, SEARCH - 92 + 46 * number, 268, 36, f"[{number}]  {own}", size=SMALL)
    art.arrow(question.right, search.left)
    art.arrow(search.right, sources.left)
    words = f"near enough?\n{found['support']:.2f} ≥ {found['threshold']:.2f}"
    support = art.score(550, SUPPORT, 160, 52, words)
    nothing = art.step(270, SUPPORT, 160, 44, "nothing here fits", dashed=True)
    art.arrow(sources.bottom, support.top)
    art.arrow(support.left, nothing.right, label="no", at=(410, SUPPORT - 14))
    prompt = art.step(360, PROMPT, 672, 132, "")
    art.arrow((60, SEARCH + 38), (60, prompt.top[1]))
    art.arrow(support.bottom, (550, prompt.top[1]), label="yes", at=(570, SUPPORT + 44))
    _prompt(art, found["prompt"])
    number, sentence = found["quotation"]
    for x, does, says in (
        (190, "SmolLM2, a language model:\nwords of its own", found["answer"]),
        (530, "or the nearest sentence:\nword for word", f"[{number}] {sentence}"),
    ):
        answerer = art.step(x, ANSWERER, 260, 52, does)
        page = art.answer(x, ANSWER, 320, 100, wrapped(says, 46, lines=5), size=SMALL)
        art.arrow((x, prompt.bottom[1]), answerer.top)
        art.arrow(answerer.bottom, page.top)
    return art.fig


def _prompt(art: Canvas, text: str) -> None:
    """The prompt line by line, each as far as there is room for it."""
    art.words(40, PROMPT - 46, "prompt", weight="bold", align="left")
    limit = f"at most {rag.BUDGET} tokens of sources"
    art.words(680, PROMPT - 46, limit, size=SMALL, colour=GREY, align="right")
    for row, line in enumerate(filter(None, text.split("\n"))):
        shown = line if len(line) <= COLUMNS else f"{line[: COLUMNS - 2]} …"
        art.code(40, PROMPT - 22 + 18 * row, shown, size=11.5, align="left")
