"""Helpers for the course on text embedding models.

Each module is one concept; `import course_utils` alone is instant and loads neither torch nor
numba.
"""

__version__ = "0.1.0"
