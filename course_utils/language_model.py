"""SmolLM2-135M-Instruct, a real language model, small enough for any machine.

Its package carries the weights as GGUF, the format of llama.cpp: mostly numbers of four bits.
transformers would take half a minute to read it, each time. So a copy in transformers' own format
is made once, in the cache folder: in a process of its own, since that takes memory. The set-up of
the course runs this module as a program, which makes the copy where there is none.
Sources: Allal et al. 2025, "SmolLM2"; github.com/ggml-org/ggml, docs/gguf.md.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from course_utils import cache, published
from course_utils.errors import CourseError

FORMAT = 1  # of the copy; another number has it made anew
ABOUT = "made.json"  # written last: the digest of each file of the copy, and what it was made from


def tokenizer():
    """The tokenizer, which pads left. Makes the copy where there is none, and says so.

    Raises CourseError where the package is missing or changed, or the copy cannot be written.
    """
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(copy(), local_files_only=True)


def model():
    """The model in float32, in evaluation mode; its weights stay on disk until they are used.

    Makes the copy as `tokenizer` does.
    """
    from transformers import AutoModelForCausalLM

    options = {"dtype": "float32", "local_files_only": True}
    return AutoModelForCausalLM.from_pretrained(copy(), **options).eval()


def copy_folder() -> Path:
    """Where the copy is kept, whether or not it is there."""
    return cache.folder() / "SmolLM2-135M-Instruct"


def copy() -> Path:
    """The folder of the copy, which is made where there is none, or one that is damaged."""
    if not is_whole(copy_folder()):
        published.SMOLLM2.verified()  # or there is nothing to copy
        print("Making a copy of the language model that loads fast: once, about 20 seconds.")
        command = [sys.executable, "-m", "course_utils.language_model"]
        root = str(Path(__file__).parent.parent)
        paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": paths}
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        if run.returncode == 1:
            raise CourseError(run.stderr.strip().splitlines()[-1])
        if run.returncode:
            raise CourseError(
                "Making the copy of the language model was ended from outside, mostly for want of "
                "memory. Close other notebooks."
            )
    return copy_folder()


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a copy of the published weights, every file as it was written."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return about["made from"] == _made_from() and all(
            published.has_digest(folder / name, digest) for name, digest in about["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def make(folder: Path) -> None:
    """Make the copy at once or not at all; one that is damaged goes.

    Raises CourseError where the package is missing or changed, or there is no room.
    """
    from safetensors import SafetensorError

    (name,) = published.SMOLLM2.digests
    file = published.SMOLLM2.verified() / name
    temporary = None
    try:
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
        new = temporary / "new"
        _convert(file, new)
        digests = {path.name: published.digest_of(path) for path in new.iterdir()}
        about = {"made from": _made_from(), "files": digests}
        (new / ABOUT).write_text(json.dumps(about, indent=2), encoding="utf-8")
        if folder.exists():
            os.replace(folder, temporary / "old")
        os.replace(new, folder)
    except (OSError, SafetensorError) as error:
        if not is_whole(folder):  # another process may have made it meanwhile
            raise CourseError(
                f"The copy of the language model, 540 MB, cannot be written to {folder} ({error}). "
                "Free some space, or set COURSE_CACHE to a folder that you can write to."
            ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _made_from() -> list:
    return [FORMAT, *published.SMOLLM2.digests.values()]


def _convert(file: Path, folder: Path) -> None:
    """Write the tokenizer and the model of a GGUF file as transformers does; the folder is new."""
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM

    told = {name: field.contents() for name, field in GGUFReader(file).fields.items()}
    _tokenizer(told).save_pretrained(folder)
    options = {"gguf_file": file.name, "dtype": "float32"}
    model = AutoModelForCausalLM.from_pretrained(file.parent, **options)
    # It is float32 now; transformers takes it for quantized still, and would not write it.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)


def _tokenizer(told: dict):
    """The tokenizer that a GGUF file describes: byte pair encoding, each digit by itself.

    What transformers reads of it cuts several blanks in a row otherwise than in training.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    tokens = told["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in told["tokenizer.ggml.merges"]]
    pieces = Tokenizer(BPE({token: number for number, token in enumerate(tokens)}, merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [digits, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    pieces.decoder = decoders.ByteLevel()
    kinds = zip(tokens, told["tokenizer.ggml.token_type"], strict=True)
    control = 3  # the kind of tokens that no text has
    pieces.add_special_tokens([AddedToken(token) for token, kind in kinds if kind == control])
    end = tokens[told["tokenizer.ggml.eos_token_id"]]
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        bos_token=tokens[told["tokenizer.ggml.bos_token_id"]],
        eos_token=end,
        pad_token=end,
        padding_side="left",  # so that what is generated follows its text
        model_max_length=told["llama.context_length"],
        chat_template=told["tokenizer.chat_template"],
    )


if __name__ == "__main__":
    os.environ["TQDM_DISABLE"] = "1"
    try:
        if not is_whole(copy_folder()):
            make(copy_folder())
    except CourseError as error:
        sys.exit(str(error))
