"""A fitted net as tensors and plain values, these as bytes, and back."""

import hashlib
import json
import os
import struct
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from sklearn.preprocessing import StandardScaler
from skorch.history import History
from torch import Tensor, nn

from sktsdl._estimator.scaling import Standardizer
from sktsdl._estimator.targets import Tasks
from sktsdl._training.device import resolve_device, seeded
from sktsdl._training.trainer import make_net

NO_DIGEST = "0" * 64
PACKAGES = ("sktsdl", "torch", "scikit-learn", "skorch", "numpy")
ATTRIBUTES = (
    "n_features_in_",
    "_is_3d",
    "_window_shape",
    "_y_is_1d",
    "_n_outputs",
    "loss_curve_",
    "validation_loss_curve_",
    "lr_curve_",
    "n_epochs_",
    "best_epoch_",
    "n_parameters_",
)
STATISTICS = ("mean_", "var_", "scale_", "n_samples_seen_")
# Classes that a file may name: theirs only, and only these kinds.
NAMESPACES: dict[str, tuple[Any, type]] = {
    "torch.optim": (torch.optim, torch.optim.Optimizer),
    "torch.nn": (torch.nn, nn.Module),
}


def state_of(net: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what a fitted `net` predicts by.

    Raises
    ------
    ValueError
        If a parameter cannot be written without code.
    """
    tensors = {f"module.{k}": v for k, v in net.module_.state_dict().items()}
    tensors |= {f"generator.{k}": v for k, v in net.net_.generators_.items()}
    standardizer = net._standardizer
    for part in ("channels", "outputs"):
        for name in STATISTICS:
            value = getattr(getattr(standardizer, part), name)
            if value is not None:
                tensors[f"{part}.{name}"] = torch.from_numpy(np.array(value))
    for i, codes in enumerate(standardizer.codes):
        tensors[f"codes.{i}"] = torch.from_numpy(np.array(codes))
    names, tasks = getattr(net, "feature_names_in_", None), net._tasks
    header = {
        "class": type(net).__name__,
        "versions": {name: version(name) for name in PACKAGES},
        "params": {
            name: _encoded(name, value)
            for name, value in net.get_params(deep=False).items()
        },
        "fitted": {
            name: getattr(net, name) for name in ATTRIBUTES if hasattr(net, name)
        },
        "names": None if names is None else list(names),
        "tasks": None if tasks is None else [tasks.n_classes, tasks.weights],
        "categories": standardizer.categories,
        "epochs": [
            {key: value for key, value in epoch.items() if key != "batches"}
            for epoch in net.net_.history
        ],
    }
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, header


def restored(
    cls: Any, tensors: dict[str, Tensor], header: dict[str, Any], device: str | None
) -> Any:
    """Return the net of class `cls` that `state_of` was taken of, on `device`."""
    unknown = header["params"].keys() - set(cls._get_param_names())
    if unknown:
        raise ValueError(
            f"The file names the parameters {sorted(unknown)}, which {cls.__name__} "
            "does not have: read it with the version of the package that wrote it, "
            f"{header['versions']['sktsdl']}."
        )
    params = {name: _decoded(value) for name, value in header["params"].items()}
    net = cls(**params)
    if device is not None:
        net.set_params(device=device)
    place = resolve_device(net.device)
    for name, value in header["fitted"].items():
        setattr(net, name, tuple(value) if name == "_window_shape" else value)
    if header["names"] is not None:
        net.feature_names_in_ = np.array(header["names"], dtype=object)
    if header["tasks"] is not None:
        net._tasks = Tasks(net.loss, *header["tasks"])
    net._standardizer = _standardizer(net, tensors, header["categories"])
    net._outputs = net._make_outputs()
    with seeded(0, place):
        module = net._build(net._standardizer.n_channels, net._n_outputs)
        module.load_state_dict(_within("module", tensors))
        net.net_ = make_net(module, net, net._outputs.criterion(), place)
    net.net_.history = History(header["epochs"])
    net.net_.generators_ = _within("generator", tensors)
    net.net_.is_restored_ = True
    net.net_.module_.eval()
    net._built_by = net._building_parameters()
    return net


def _standardizer(
    net: Any, tensors: dict[str, Tensor], categories: list[int]
) -> Standardizer:
    names = getattr(net, "feature_names_in_", None) if net._is_3d else None
    standardizer = Standardizer(net.standardize, categories, names)
    for part in ("channels", "outputs"):
        found = _within(part, tensors)
        has_mean = "mean_" in found
        scaler = StandardScaler(with_mean=has_mean, with_std="scale_" in found)
        scaler.set_output(transform="default")
        for name in STATISTICS:
            value = found[name].numpy() if name in found else None
            setattr(scaler, name, value)
        scaler.n_features_in_ = (
            len(tensors["channels.mean_"]) if part == "channels" else net._n_outputs
        )
        setattr(standardizer, part, scaler)
    standardizer.n_channels = len(tensors["channels.mean_"])
    standardizer.categories = categories
    codes = _within("codes", tensors)
    standardizer.codes = [codes[str(i)].numpy() for i in range(len(categories))]
    return standardizer


def _within(part: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{part}."
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}


def _encoded(name: str, value: Any) -> Any:
    """Return a parameter as JSON knows it, tuples and classes of torch by a mark."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list | np.ndarray):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encoded(name, part) for part in value]}
    label = getattr(value, "__name__", "")
    for namespace, (module, base) in NAMESPACES.items():
        is_class = isinstance(value, type) and issubclass(value, base)
        if is_class and getattr(module, label, None) is value:
            return {namespace: label}
    raise ValueError(
        f"{name}={value!r} cannot be saved without code: set another value (it may be "
        "None where prediction needs none), or keep the net by pickle."
    )


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind in ("tuple", "list"):
        parts = [_decoded(part) for part in inside]
        return tuple(parts) if kind == "tuple" else parts
    module, base = NAMESPACES.get(kind, (None, object))
    found = getattr(module, inside, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(
            f"The file names {inside!r} of {kind!r}, which is not allowed: only "
            "classes of torch's optimizers and losses are."
        )
    return found


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
