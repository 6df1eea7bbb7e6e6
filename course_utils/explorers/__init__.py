"""Explorers: small panels of sliders and text fields beside a picture that follows them.

An explorer is two things. Its *view* is a pure function, state in, picture and words out, which a
test can call. `panel` wires a view to widgets and knows nothing about its subject. Only parts of
ipywidgets that version 7.7 has are used.
"""

from course_utils.explorers.heads_explorer import train_the_heads
from course_utils.explorers.loss_explorer import loss_machine
from course_utils.explorers.map_explorer import touch_map
from course_utils.explorers.search_explorer import search_desk
from course_utils.explorers.sentence_explorer import sentences_to_vectors
from course_utils.explorers.word_explorer import word_in_context

__all__ = [
    "loss_machine",
    "search_desk",
    "sentences_to_vectors",
    "touch_map",
    "train_the_heads",
    "word_in_context",
]
