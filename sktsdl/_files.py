"""Files of tensors and plain values: none of it is code, and any change is noticed."""

import hashlib
import json
import os
import struct
import uuid
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

NO_DIGEST = "0" * 64


def write_file(path: Any, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Write one safetensors file, whole or not at all.

    Parameters
    ----------
    path : path-like
        Where to; a file that is there is replaced once the other one is complete.
    tensors : dict of {str: Tensor}
        On the CPU.
    header : dict
        Values that JSON knows.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file in it.")
    described = {"header": json.dumps(header), "sha256": NO_DIGEST}
    blank = safetensors.torch.save(tensors, metadata=described)
    digest = hashlib.sha256(blank).hexdigest()
    content = blank.replace(NO_DIGEST.encode(), digest.encode(), 1)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def read_file(path: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of `write_file`.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    tensors : dict of {str: Tensor}
        On the CPU.
    header : dict
        What was written beside them.

    Raises
    ------
    ValueError
        If the file is none of `write_file`, or is not as it was written.
    """
    content = Path(path).read_bytes()
    try:
        (length,) = struct.unpack("<Q", content[:8])
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        digest, header = metadata["sha256"], metadata["header"]
        blank = content.replace(digest.encode(), NO_DIGEST.encode(), 1)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no file of `save`, or only the start of one: save it again."
        ) from error
    if hashlib.sha256(blank).hexdigest() != digest:
        raise ValueError(
            f"{path} is not as it was saved, by its SHA-256: take another copy."
        )
    return safetensors.torch.load(content), json.loads(header)
