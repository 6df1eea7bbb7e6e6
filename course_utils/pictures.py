"""The pictures of the course, from `img/`: what each shows in words, and `show` for the lessons.

The one table of captions and alternative texts: notebooks, README and tests take them from here.
`img/draw/` draws the pictures.
"""

import base64
import html
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import BadInput, CourseError

FOLDER = Path(__file__).resolve().parent.parent / "img"
WIDTH = 720  # pixels on the page; the files have twice as many, for sharp screens


class PictureMissing(CourseError):
    """The file of a picture is not there."""


@dataclass(frozen=True)
class Picture:
    """A picture of the course.

    `caption` is the finding in a sentence; `alt` says in words what there is to see.
    """

    name: str
    lesson: str
    caption: str
    alt: str

    @property
    def png(self) -> Path:
        return FOLDER / f"{self.name}.png"

    @property
    def svg(self) -> Path:
        return FOLDER / f"{self.name}.svg"


PICTURES = (
    Picture(
        "word-Embedding",
        "L2",
        "Take the step from man to woman and start it at king: of all other words that GloVe "
        "knows, queen is the nearest to where it ends.",
        "A map of GloVe's word vectors. An arrow leads from man down to woman. The same arrow, "
        "dashed, starts at king and ends at king − man + woman. Queen lies further down and is "
        "ringed: its cosine with the end is 0.85, the highest of 400,000 words. Words such as "
        "brother, sister, prince and duchess lie between the pairs, men above women, royalty to "
        "the right.",
    ),
    Picture(
        "word-Embedding-loss",
        "L2",
        "The loss of skip-gram pulls a word and its real neighbour together and pushes random "
        "words away; word vectors are what makes it small.",
        "Above, a sentence with a window of five words: flew is the centre c, bat a real neighbour "
        "o, and two words n₁ and n₂ are drawn at random. Below left, their vectors in two "
        "dimensions; a step of training turns o towards c and n₁ and n₂ away from it. Below right, "
        "what the three pairs cost: minus log sigmoid of c · o for the real one, of −c · n for the "
        "random ones. Together 1.04, where chance is 3 ln 2 = 2.08.",
    ),
    Picture(
        "Transformer-architecture",
        "L2",
        "A transformer layer adds two things to each token's vector: what its attention gathers "
        "from the other tokens, and what a small network makes of it.",
        "Left, MiniLM from top to bottom: token ids [T] become rows of token, position and type, "
        "added and normalised, x [T, 384]. Six layers follow, each with attention of 12 heads of "
        "32 and a feed-forward network 384 to 1536 to 384; around both a line leads past, is "
        "added, and the sum is normalised. The states [T, 384] come out. Right, inside a head: "
        "query, key and value [T, 32]; q · k / √32 plus the mask, softmax by row, gives weights "
        "[T, T], which mix the values. The real weights shown are those of layer 1, head 3: each "
        "token looks at the one before it.",
    ),
    Picture(
        "Embedding-models",
        "L2",
        "A static vector stands for a word wherever it occurs, a contextualized one for a word in "
        "its sentence, a sentence embedding for the whole text.",
        "Two sentences, one with a bat in a cave and one with a bat in baseball, and three rows. "
        "Static, from GloVe: both have the same strip of numbers for bat, cosine 1.00. "
        "Contextualized, from MiniLM: the two strips for bat differ, cosine 0.85. Sentence: one "
        "strip for each text, cosine 0.45.",
    ),
    Picture(
        "decoder-llms",
        "L2",
        "An encoder's tokens look both ways, a decoder's only back: two sentences that open alike "
        "give an early word the same vector.",
        "Two masks for the sentence The bat flew out of the cave. Encoder, MiniLM: all cells are "
        "filled, bat sees all words. Decoder, SmolLM2: only the lower triangle is filled, bat sees "
        "two words, and the last token alone sees all. Below, the vector of bat in this sentence "
        "and in The bat broke when he hit the ball: different in the encoder, cosine 0.93; equal "
        "in the decoder, cosine 1.00.",
    ),
    Picture(
        "Tokenization",
        "L3",
        "A text is split into words, the words are cut into pieces that the vocabulary holds, and "
        "each piece becomes the number of a row.",
        "From top to bottom: the text Unglamorous: bats hang upside down! Its words, in lower "
        "case, punctuation apart. The tokens: unglamorous becomes un ##gl ##amo ##rous, the others "
        "are one token each; [CLS] in front, [SEP] and [PAD] behind. Below each token its id, a "
        "row number, and the mask: 1 for tokens, 0 for padding.",
    ),
    Picture(
        "Token-Embedding",
        "L3",
        "A sentence is a matrix with a row for each token: in the table both bank are the same "
        "row, after six layers they are alike and no longer equal.",
        "The 16 tokens of They sat on the bank of the river, not in the bank, and two matrices of "
        "colour, 16 rows by 384 columns of which 20 are shown. Left, rows of the token table: the "
        "two rows of bank are outlined and equal, cosine 1.00. Right, the states after 6 layers: "
        "the two rows of bank differ, cosine 0.94.",
    ),
    Picture(
        "Sentence-Embedding",
        "L3",
        "Pooling turns the matrix of a sentence into one vector, column by column; the mask keeps "
        "padding out of it.",
        "Above, the states of the tokens [CLS] a bat sleeps . [SEP] as rows of colour with mask 1, "
        "and two hatched rows of padding with mask 0. Below, three pooled vectors under the same "
        "columns: CLS is the first row, mean the mean of the rows with mask 1, max the largest "
        "number of each column.",
    ),
    Picture(
        "Sentence-Embedding-models",
        "L3",
        "A bi-encoder reads each text once and compares vectors; a cross-encoder reads both texts "
        "together, and has to do so for each pair.",
        "Left, the bi-encoder: two texts, There is no milk in the fridge and There is milk in the "
        "fridge, go one by one through the same encoder and become vectors u and v of 384 "
        "numbers; their cosine is 0.78, although one denies the other. Right, the cross-encoder: "
        "both texts as one row of tokens through one encoder, whose states become the score. For "
        "a question and a million texts, the first takes 1 run now and a million ahead, the second "
        "a million runs now.",
    ),
    Picture(
        "Dual-Encoder",
        "L4",
        "A question and its answer are different kinds of text: each has an encoder of its own, "
        "and both arrive in one space, where a dot product says how well they fit.",
        "From left to right: a question goes through the question encoder and becomes the vector "
        "q, an answer goes through the answer encoder and becomes the vector a. Both are arrows "
        "from the middle of one circle; the closer they point, the higher their dot product, the "
        "score. The arrow of another text's answer points elsewhere and scores lower.",
    ),
    Picture(
        "Dual-Encoder-Architecture",
        "L4",
        "Both sides share one frozen encoder; what is trained are two square matrices, which begin "
        "as the identity.",
        "From top to bottom, two columns: the tokens of a question and of an answer enter the same "
        "frozen MiniLM encoder of six layers, which gives a state of 384 numbers for each token. A "
        "masked mean makes one vector of 384 numbers of them, of unit length. The left column goes "
        "on through the trained question head, the right one through the trained answer head, each "
        "a matrix of 384 by 384 without a bias. Scaled to unit length, they are q and a; their dot "
        "product is the cosine, the score.",
    ),
    Picture(
        "Contrastive-Loss",
        "L4",
        "Training moves probability towards the right answers, on the diagonal: the loss of this "
        "batch falls, though near twins stay close and one answer is still missed.",
        "Two matrices of eight questions by eight answers from the documentation of torch.nn, none "
        "of them seen in training. Each row holds the probabilities with which one question picks "
        "each answer. Before training the probability is spread over several answers, after it "
        "more of it lies on the diagonal; the three batch normalisations still share some of it. "
        "Bars below show that the loss is lower after training, and far below chance in both.",
    ),
    Picture(
        "Contrastive-Loss-pytorch",
        "L4",
        "The whole loss is three lines of PyTorch, and its gradient is the softmax minus the "
        "target: right answers are pulled up, wrong ones pushed down.",
        "Three matrices of four questions by four answers, each below its line of PyTorch. The "
        "scores, scale times q times a transposed, with the right answers outlined on the "
        "diagonal. Their softmax, row by row, with the loss and the chance level ln 4 below. The "
        "gradient: negative on the diagonal, positive elsewhere, each row adding up to zero.",
    ),
    Picture(
        "Ingest-flow",
        "L5",
        "Documents are cut into chunks, encoded and stored once, before any question is asked.",
        "From left to right: three documents are each cut into overlapping chunks; the answer "
        "encoder turns every chunk into a vector of 384 numbers; the vectors go into a vector "
        "store on disk.",
    ),
    Picture(
        "Query-flow",
        "L5",
        "A question takes one run of the question encoder; the store returns the nearest passages, "
        "ranked by score.",
        "From left to right: the question How do I check whether two arrays are almost equal? goes "
        "through the question encoder and becomes the vector q, 384 numbers; the vector store "
        "returns three ranked passages, functions of numpy that compare arrays, each with its "
        "score.",
    ),
    Picture(
        "Similarity-Search",
        "L5",
        "Exact search scores every document and keeps the nearest; nearly all of them lie far "
        "away, at scores around 0.",
        "The question whether two arrays are almost equal in the middle of a disc, 700 documents "
        "around it, further out the lower their score. Most lie at the rim, near 0. The five "
        "nearest are numbered and listed with their scores, functions of numpy that compare "
        "arrays first.",
    ),
    Picture(
        "RAG-flow",
        "L5",
        "Retrieval-augmented generation answers from what was found, with its sources, and says so "
        "where the documents hold no answer.",
        "From top to bottom: a question goes into search, which finds three passages, [1] to [3]. "
        "Question and numbered passages become a prompt of limited length. The answerer, a "
        "language model or a choice of the best sentences, leads to one of two ends: with enough "
        "support, an answer in which each statement has its source; with too little, the statement "
        "that the documentation does not say.",
    ),
)
NAMES = tuple(picture.name for picture in PICTURES)

# Not one of them: no script draws it, and there is no .svg. `make photograph` takes it.
PHOTOGRAPH = Picture(
    "search-desk",
    "L5",
    "The search desk of L5 as it opens: one question, five ways to search the documentation, and "
    "the answer with its sources.",
    "A field with a question, sliders and choices. Below them a map of the documentation as small "
    "points, one colour and marker a package; a star shows where the question lies, numbered "
    "badges what was found, and a table the rank that each of five systems gives it. Then an "
    "answer that names its sources, and five lists side by side, from BM25 to the reranked one, "
    "with scores and the matching words marked.",
)


def picture(name: str) -> Picture:
    """The picture of this name, such as "Dual-Encoder". Raises BadInput for another name."""
    for known in PICTURES:
        if known.name == name:
            return known
    raise BadInput(f"There is no picture {name!r}. The pictures are: {', '.join(NAMES)}.")


def show(name: str) -> None:
    """Show a picture of the course in a notebook, with its caption and its description.

    The picture is part of the output, so that it is there wherever the notebook is read. Raises
    BadInput for a name that no picture has, PictureMissing where its file is gone.
    """
    from IPython.display import display

    shown = picture(name)
    try:
        encoded = base64.b64encode(shown.png.read_bytes()).decode()
    except OSError as error:
        raise PictureMissing(
            f"{shown.png} cannot be read ({error.strerror}). The pictures lie in the course's "
            "folder img: get the whole course, or draw them with `make figures`."
        ) from error
    bundle = {"image/png": encoded, "text/plain": f"[picture] {shown.alt}"}
    display(bundle, metadata={"image/png": {"alt": shown.alt, "width": WIDTH}}, raw=True)
    described = (
        f'<p style="max-width:{WIDTH}px">{html.escape(shown.caption)}</p><details><summary>'
        f"Describe this picture</summary>{html.escape(shown.alt)}</details>"
    )
    display({"text/html": described, "text/plain": shown.caption}, raw=True)
