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


def packed(tensors: dict[str, Tensor], header: dict[str, Any]) -> bytes:
    """Return the content of a safetensors file that knows its own SHA-256.

    Parameters
    ----------
    tensors : dict of {str: Tensor}
        On the CPU.
    header : dict
        Values that JSON knows.
    """
    described = {"header": json.dumps(header), "sha256": NO_DIGEST}
    blank = safetensors.torch.save(tensors, metadata=described)
    digest = hashlib.sha256(blank).hexdigest()
    return blank.replace(NO_DIGEST.encode(), digest.encode(), 1)


def unpacked(content: bytes, name: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors, on the CPU, and the header of what `packed` made.

    Parameters
    ----------
    content : bytes
        All of it.
    name : object
        What an error calls it, such as a path.

    Raises
    ------
    ValueError
        If `packed` did not make it, or not as it is.
    """
    try:
        (length,) = struct.unpack("<Q", content[:8])
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        digest, header = metadata["sha256"], metadata["header"]
        blank = content.replace(digest.encode(), NO_DIGEST.encode(), 1)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{name} is no file of `save`, or only the start of one: save it again."
        ) from error
    if hashlib.sha256(blank).hexdigest() != digest:
        raise ValueError(
            f"{name} is not as it was saved, by its SHA-256: take another copy."
        )
    return safetensors.torch.load(content), json.loads(header)


def write_whole(path: Any, content: bytes) -> None:
    """Write a file whole or not at all; one that is there stays until then.

    A process that is killed leaves what it had written beside it, under another name.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file in it.")
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
