"""Files of tensors and plain values: no executable code, and any change is noticed."""

import hashlib
import json
import os
import struct
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

NO_DIGEST = "0" * 64
# A file may name classes of these modules only, and only subclasses of these types.
CLASSES: dict[str, tuple[Any, type]] = {
    "torch.optim": (torch.optim, torch.optim.Optimizer),
    "torch.nn": (torch.nn, nn.Module),
}


def to_bytes(tensors: dict[str, Tensor], header: dict[str, Any]) -> bytes:
    """Return the content of a safetensors file that holds its own SHA-256.

    Parameters
    ----------
    tensors : dict of {str: Tensor}
        On the CPU.
    header : dict
        Values that JSON can hold.
    """
    metadata = {"header": json.dumps(header), "sha256": NO_DIGEST}
    blank = safetensors.torch.save(tensors, metadata=metadata)
    digest = hashlib.sha256(blank).hexdigest()
    return blank.replace(NO_DIGEST.encode(), digest.encode(), 1)


def from_bytes(
    content: bytes, name: object
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors, on the CPU, and the header that `to_bytes` was given.

    Parameters
    ----------
    content : bytes
        The whole content.
    name : object
        The name of the content in errors, such as a path.

    Raises
    ------
    ValueError
        If `to_bytes` did not make the content, or the content was changed.
    """
    try:
        (length,) = struct.unpack("<Q", content[:8])
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        digest, header = metadata["sha256"], metadata["header"]
        blank = content.replace(digest.encode(), NO_DIGEST.encode(), 1)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{name} is not a file of `save`, or only the start of one: save it again, "
            "or read it by what wrote it, such as `skops.io.load`."
        ) from error
    if hashlib.sha256(blank).hexdigest() != digest:
        raise ValueError(
            f"{name} is not as it was saved, by its SHA-256: take another copy."
        )
    return safetensors.torch.load(content), json.loads(header)


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file or nothing; an existing file stays until then.

    A process that is killed leaves its unfinished file beside it, under another name.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file in it.")
    if not path.parent.exists():
        raise FileNotFoundError(
            f"{path} is in a folder that does not exist: make {path.parent} first."
        )
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(beside):
            error.filename = str(path)  # which the user knows
        raise


def to_json(name: str, value: Any) -> Any:
    """Return a parameter as JSON can hold it; a mark says what a container was."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, torch.device):
        value = str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list | np.ndarray):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [to_json(name, item) for item in value]}
    if isinstance(value, dict):
        return {"dict": {key: to_json(name, item) for key, item in value.items()}}
    label = getattr(value, "__name__", "")
    for namespace, (module, base) in CLASSES.items():
        is_class = isinstance(value, type) and issubclass(value, base)
        if is_class and getattr(module, label, None) is value:
            return {namespace: label}
    raise ValueError(
        f"{name}={value!r} cannot be saved without code: set another value (None, if "
        "prediction does not need it), or keep the net by pickle."
    )


def from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind in ("tuple", "list"):
        items = [from_json(item) for item in inside]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict":
        return {key: from_json(item) for key, item in inside.items()}
    module, base = CLASSES.get(kind, (None, object))
    found = getattr(module, inside, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(
            f"The file names {inside!r} of {kind!r}, which is not allowed: only "
            "classes of torch's optimizers and losses are."
        )
    return found
