"""What the tests of the vector store share: small chunks, and vectors that need no model."""

import hashlib
from dataclasses import asdict

import numpy as np

from course_utils.retrieval.chunks import Chunk
from course_utils.retrieval.store import VectorStore

DIMENSION = 8
TOKEN = "root:a long secret"


def chunk(name: str, part: int = 0, text: str = "", package: str = "numpy") -> Chunk:
    """The chunk `part` of a document; another text gives another digest."""
    text = text or f"What {name} does, part {part}."
    digest = hashlib.sha256(f"{name}\0{text}".encode()).hexdigest()
    return Chunk(f"{name}#{part}", name, package, "", text, f"{name}: {text}", digest)


def encode(texts: list[str]) -> np.ndarray:
    """A vector for each text, the same in every process: float32 `[n, 8]`."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts]
    vectors = [np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds]
    return np.array(vectors, dtype=np.float32).reshape(-1, DIMENSION)


def units(count: int, seed: int = 0, dimension: int = DIMENSION) -> np.ndarray:
    """Random unit vectors: float32 `[count, dimension]`."""
    vectors = np.random.default_rng(seed).normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def state(store: VectorStore) -> dict:
    """All that a store holds, for np.testing.assert_equal."""
    return {key: asdict(stored) for key, stored in store.get(list(store.digests())).items()}
