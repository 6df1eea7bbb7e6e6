"""The pictures of img/: all there, none stale, true, readable, described, and shown."""

import base64
import functools
import re

import matplotlib
import nbformat
import numpy as np
import PIL
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from course_utils import data, dual_encoder, embed, models, pictures, plots, rag
from course_utils.plots.style import READABLE
from course_utils.retrieval import chunks
from img.draw import examples, files, plane, rag_flow, search_in_a_graph
from tests.helpers import ROOT
from tests.notebooks.hygiene import describes_its_pictures
from tests.pictures import drawn, faults
from tools.saving import NOTEBOOKS

SAME_EVERYWHERE = [
    "word-Embedding",
    "Transformer-architecture",
    "Embedding-models",
    "decoder-llms",
    "Tokenization",
    "Token-Embedding",
    "Sentence-Embedding",
    "Sentence-Embedding-models",
    "Dual-Encoder",
    "Contrastive-Loss",
    "Contrastive-Loss-pytorch",
    "Search-in-cells",
    "Search-in-a-graph",
]

every_picture = pytest.mark.parametrize("name", pictures.NAMES)


@functools.cache
def figure(name: str):
    """A picture, drawn anew from what is stored."""
    return files.figure(name)


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and line[0] != "#")


# ------------------------------------------------------------------------------------- the files


@pytest.mark.parametrize("lesson", ["L2", "L3", "L4", "L5"])
def test_a_lesson_or_its_optional_notebooks_show_each_of_its_pictures_once(lesson):
    shown = []
    for path in sorted(NOTEBOOKS.glob(f"**/{lesson}_*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            text = path.read_text(encoding="utf-8")
            shown += re.findall(r'pictures\.show\(\\"([\w-]+)\\"\)', text)
    names = [each.name for each in pictures.PICTURES if each.lesson == lesson]
    assert sorted(shown) == sorted(names) != []


def test_there_is_no_other_file():
    shown = {f"{name}.{kind}" for name in pictures.NAMES for kind in ("svg", "png")}
    shown |= {pictures.PHOTOGRAPH.png.name, "pictures.json"}
    assert {path.name for path in pictures.FOLDER.iterdir() if path.is_file()} == shown
    stored = {path.stem for path in files.DATA.glob("*.json")}
    assert stored == {name for name in pictures.NAMES if hasattr(files.module(name), "measure")}


@every_picture
def test_no_committed_picture_is_stale(name, tmp_path):
    """Drawn anew from the stored measurements; whether those still hold is tested below."""
    used = {"matplotlib": matplotlib.__version__, "pillow": PIL.__version__}
    if other := [each for each, version in used.items() if pins()[each] != version]:
        pytest.skip(f"the pictures are drawn with the {', '.join(other)} of constraints.txt")
    files.write(name, tmp_path)
    shown = pictures.picture(name)
    again, before = (rounded(path) for path in (tmp_path / f"{name}.svg", shown.svg))
    assert again == before, f"img/{name}.svg is stale: run `python -m img.draw {name}`"
    # By pixel: the same pixels may be packed differently where zlib is another one.
    assert np.array_equal(pixels(tmp_path / f"{name}.png"), pixels(shown.png))


def rounded(svg) -> str:
    """The file with its numbers to three decimals: the sixth differs with the processor."""
    text = svg.read_text(encoding="utf-8")
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.3f}", text)


def pixels(source) -> np.ndarray:
    with Image.open(source) as image:
        return np.asarray(image.convert("RGB"))


# ------------------------------------------------------------------------- what they show is true


@pytest.mark.parametrize("name", SAME_EVERYWHERE)
def test_what_is_shown_of_models_and_facts_is_what_they_give(name, one_thread):
    assert files.alike(files.measure(name), files.measured(name)), f"run `make figures`: {name}"


@pytest.fixture(scope="module")
def same_documentation(one_thread):
    if examples.documentation() != files.measured("Ingest-flow")["documentation"]:
        pytest.skip("the packages here have other docstrings than those that the pictures show")


def test_what_is_shown_of_the_documentation_is_what_its_heads_give(same_documentation):
    found = files.measure("Ingest-flow")
    assert files.alike(found, files.measured("Ingest-flow")), "run `make figures`: Ingest-flow"


@pytest.mark.parametrize("name", ["Query-flow", "Similarity-Search"])
def test_the_passages_that_are_shown_have_the_scores_that_are_shown(name, same_documentation):
    """Not that no other has a higher one: to encode all 700 takes `make figures` half a minute."""
    found = files.measured(name)
    scores = found["scores"]
    if name == "Similarity-Search":
        assert len(scores) == len(examples.held_out())
        assert found["best"] == np.argsort(scores)[::-1][: len(found["best"])].tolist()
        scores = [scores[row] for row in found["best"]]
    entries = {entry.name: entry for entry in examples.held_out()}
    passages = chunks.first_chunks([entries[each] for each in found["names"]])
    heads = dual_encoder.shipped("documentation")
    question = heads.encode_questions(examples.QUESTION)
    shown = heads.encode_answers([chunk.passage for chunk in passages])
    assert scores == sorted(scores, reverse=True)
    np.testing.assert_allclose(shown @ question, scores, atol=files.TOLERANCE)


def test_what_is_answered_is_answered_of_what_was_found(same_documentation):
    """Not that nothing else is found: the index of the whole documentation takes a minute."""
    found = files.measured("RAG-flow")
    entries = {entry.name: entry for entry in data.documentation()}
    firsts = chunks.first_chunks([entries[name] for name in found["names"]])
    sources = [chunk.passage for chunk in firsts]
    assert rag.prompt(examples.QUESTION, sources) == found["prompt"]
    assert rag.generate([found["prompt"]], rag_flow.NEW_TOKENS) == [found["answer"]]
    number, sentence, _ = rag.quote(examples.QUESTION, sources)
    assert [number + 1, sentence] == found["quotation"]
    support = embed.encode(sources[0], max_tokens=chunks.MAX_TOKENS) @ embed.encode(
        examples.QUESTION
    )
    threshold = data.stored_run("retrieval")["threshold"]
    assert files.alike([float(support), threshold], [found["support"], found["threshold"]])
    assert support >= threshold  # "here it is"


def test_the_captions_hold():
    """What the sentences of the table say, checked on what the pictures show."""
    found = {name: files.measured(name) for name in pictures.NAMES if name in stored()}
    words = found["word-Embedding"]
    assert words["nearest"] == "queen"
    man, woman, king, queen = (
        np.array(words["points"][each]) for each in ("man", "woman", "king", "queen")
    )
    step = woman - man
    np.testing.assert_allclose(words["end"], king + step, atol=1e-3)  # the same step, exactly
    assert (queen - king) @ step > step @ step  # further down

    weights = np.array(found["Transformer-architecture"]["weights"])
    assert weights[range(1, len(weights)), range(len(weights) - 1)].min() > 0.9  # one token back

    models = found["Embedding-models"]["cosines"]
    assert models["static"] == 1 > models["contextualized"] > models["sentence"]
    decoder = found["decoder-llms"]
    assert decoder["cosines"]["decoder"] == 1 > decoder["cosines"]["encoder"]
    assert decoder["vectors"]["decoder"][0] == decoder["vectors"]["decoder"][1]
    tokens = found["Token-Embedding"]
    assert tokens["cosines"]["static"] == 1 > tokens["cosines"]["contextual"] > 0.8

    scores = found["Dual-Encoder"]["scores"]  # with the answer, with the question itself
    assert scores["two"][0] > scores["two"][1] and scores["one"][0] < scores["one"][1] == 1
    batch = found["Contrastive-Loss"]
    before, after = (np.array(batch[when]) for when in ("before", "after"))  # [B, 2B]
    own = np.arange(len(after))
    assert (before.argmax(1) == own + len(own)).all() and (after.argmax(1) == own).all()
    np.fill_diagonal(after, -1)  # "the rest mostly at the same relation of another country"
    asked = [fact.split(", ")[1] for fact in batch["facts"]] * 2
    alike = [asked[best] == asked[row] for row, best in enumerate(after.argmax(1))]
    assert sum(alike) > len(own) / 2
    first, again, changed = found["Ingest-flow"]["ingests"]
    assert first["added"] == again["unchanged"] == 17
    assert (changed["replaced"], changed["unchanged"]) == (1, 16)
    cells, graph = found["Search-in-cells"], found["Search-in-a-graph"]
    home, neighbour = cells["order"]
    assert cells["cells"][cells["nearest"]] == neighbour != home
    assert cells["found"][0] != cells["found"][1] == cells["nearest"]
    assert cells["right"] == [882, 988] and graph["right"] == [927, 1000]
    assert graph["walk"][-1][-1] == graph["nearest"] == cells["nearest"]
    search = np.array(found["Similarity-Search"]["scores"])
    assert (np.abs(search) < 0.2).mean() > 0.8  # nearly all lie around 0


def test_the_walk_ends_where_that_of_faiss_ends_after_as_many_comparisons():
    """For the first hundred questions; faiss keeps no walks, and counts what the picture counts."""
    import faiss

    places, questions = plane.points()
    index = search_in_a_graph.graph()
    layers = search_in_a_graph.links(index.hnsw)
    index.hnsw.efSearch = 1
    for question in questions[:100]:
        ways = search_in_a_graph.walk(places, layers, index.hnsw.entry_point, question)
        faiss.cvar.hnsw_stats.reset()
        assert plane.nearest(index, question[None]) == ways[-1][-1]
        looked = [
            len(layer[np.isin(layer[:, 0], way)]) for layer, way in zip(layers, ways, strict=True)
        ]
        looked[-1] = len(search_in_a_graph.looked(layers[-1], ways[-1])) - 1  # each once
        assert faiss.cvar.hnsw_stats.ndis == sum(looked)


def stored() -> set[str]:
    return {path.stem for path in files.DATA.glob("*.json")}


def test_the_architecture_is_that_of_the_model():
    _, model = models.load()
    config = model.config
    layers, width = config.num_hidden_layers, config.hidden_size
    heads, inner = config.num_attention_heads, config.intermediate_size
    written = " ".join(text.get_text() for text, _ in drawn(figure("Transformer-architecture")))
    for part in (
        f"{layers} layers",
        f"{heads} heads of {width // heads}",
        f"{width} → {inner} → {width}",
        f"q · k / √{width // heads}",
        f"feed-forward, {config.hidden_act.upper()}",
    ):
        assert part in written
    assert config.type_vocab_size > 1  # "rows of token, position and type"

    trained = sum(part.numel() for part in dual_encoder.Heads().parameters())
    frozen = sum(part.numel() for part in model.parameters())
    written = " ".join(text.get_text() for text, _ in drawn(figure("Dual-Encoder-Architecture")))
    for part in (
        f"MiniLM, {layers} layers",
        f"{frozen / 1e6:.1f} M weights",
        f"trained: {trained:,} weights",
    ):
        assert part in written


@every_picture
def test_numbers_of_a_description_stand_in_the_picture(name):
    shown = pictures.picture(name)
    numbers = re.findall(r"\d+\.\d+", f"{shown.caption} {shown.alt}")
    written = " ".join(text.get_text() for text, _ in drawn(figure(name)))
    assert [number for number in numbers if number not in written] == []


# ------------------------------------------------------------------------------ they can be read


@every_picture
def test_no_words_are_cut_off_or_overlap(name):
    assert faults(figure(name)) == []


@every_picture
def test_words_stand_on_one_colour_with_contrast(name):
    assert unreadable(files.figure(name)) == []


def unreadable(fig) -> list[str]:
    """One sentence for each text with something behind it, or of too little contrast with it.

    Looks at the pixels behind each text, of a picture that is drawn without letters.
    """
    written = [(text, box, text.get_color()) for text, box in drawn(fig)]
    for text, _, _ in written:
        text.set_color((0, 0, 0, 0))
    backend = FigureCanvasAgg(fig)
    backend.draw()
    image = np.asarray(backend.buffer_rgba())[::-1, :, :3] / 255  # from below, as boxes are
    said = []
    for text, box, colour in written:
        edge = min(4, box.height / 4)  # boxes are a little higher than the letters
        rows, columns = (box.y0 + edge, box.y1 - edge), (box.x0, box.x1)
        behind = image[slice(*map(round, rows)), slice(*map(round, columns))]
        if np.ptp(behind, axis=(0, 1)).max() > 0.02:
            said.append(f"something runs through {text.get_text()!r}")
        elif plots.contrast(colour, behind[0, 0]) < READABLE:
            said.append(f"{text.get_text()!r} is pale")
    return said


# ----------------------------------------------------------------------------- they are described


@pytest.mark.parametrize(
    "shown", [*pictures.PICTURES, pictures.PHOTOGRAPH], ids=lambda shown: shown.name
)
def test_caption_and_description_are_sentences_of_their_own(shown):
    assert 40 < len(shown.caption) < 240 and 120 < len(shown.alt) < 700
    for words in (shown.caption, shown.alt):
        assert words[0].isupper() and words.endswith(".") and "  " not in words
    assert shown.caption not in shown.alt


@pytest.fixture
def displayed(monkeypatch):
    """What `display` was called with: notebook outputs, as a lesson would store them."""
    outputs = []

    def display(data, metadata=None, raw=False):
        assert raw
        outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata or {}))

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


@every_picture
def test_show_puts_picture_caption_and_description_into_the_cell(name, displayed):
    pictures.show(name)
    picture, words = displayed
    shown = pictures.picture(name)
    assert base64.b64decode(picture.data["image/png"]) == shown.png.read_bytes()
    assert picture.metadata == {"image/png": {"alt": shown.alt, "width": 720}}
    assert shown.alt in picture.data["text/plain"]
    assert words.data["text/plain"] == shown.caption and "<img" not in words.data["text/html"]
    cell = nbformat.v4.new_code_cell(f"pictures.show({name!r})", outputs=displayed)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.validate(notebook)
    assert list(describes_its_pictures(notebook)) == []
    del picture.metadata["image/png"]["alt"]
    assert list(describes_its_pictures(notebook)) != []  # the rule did look


def test_the_words_are_escaped(displayed, monkeypatch):
    nasty = pictures.Picture("RAG-flow", "L5", "<b>bold</b>", "<img src=x onerror=alert(1)>")
    monkeypatch.setattr(pictures, "PICTURES", (nasty,))
    pictures.show("RAG-flow")
    page = displayed[1].data["text/html"]
    assert "<b>" not in page and "<img" not in page and "&lt;img src=x" in page


# ------------------------------------------------------------------------------------ the command
