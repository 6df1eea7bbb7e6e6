"""The pictures of the course, drawn: one module a picture, all in the style of `style`.

`python -m img.draw` redraws all of them, `python -m img.draw Dual-Encoder` one. What a picture
shows of the model is computed by its module's `measure` and kept in `data/`, so that a picture can
be redrawn, and compared with what is committed, without the model.
"""
