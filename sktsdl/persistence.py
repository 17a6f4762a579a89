"""Reading nets from files without code in them."""

import warnings
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sktsdl._estimator.base import DeepRegressor
from sktsdl._estimator.saving import restored, unpacked


def load(
    path: Any,
    *,
    device: str | None = None,
    classes: Sequence[type[DeepRegressor]] = (),
) -> Any:
    """Read a net that was written by its ``save``.

    No code is run that the file names: it holds tensors (safetensors) and plain values
    (JSON), and a SHA-256 of them all.

    Parameters
    ----------
    path : path-like
        The file.
    device : str or None, default=None
        Where the net is to predict, such as ``"cpu"`` for one that was trained on
        CUDA; None is the `device` it was trained on.
    classes : sequence of types, default=()
        Nets that are not of this package, which the file may be of.

    Returns
    -------
    net : net
        It predicts as the one that was saved, and cannot be trained on.

    Raises
    ------
    ValueError
        If the file is none of ``save``, was changed, or is of a class that is not
        known; or if the device is not there.

    Warns
    -----
    UserWarning
        If another major version of this package wrote the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sktsdl
    >>> X, y, X_latest = sktsdl.make_supervised([1.0, 2, 4, 3, 5, 6] * 4, target=0)
    >>> net = sktsdl.LSTMRegressor(hidden_sizes=(4,), max_epochs=2).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(Path(folder) / "net.safetensors")
    ...     again = sktsdl.load(Path(folder) / "net.safetensors")
    >>> bool((again.predict(X_latest) == net.predict(X_latest)).all())
    True
    """
    tensors, header = unpacked(Path(path).read_bytes(), path)
    known = {
        cls.__name__: cls
        for cls in _subclasses(DeepRegressor)
        if cls.__module__.startswith("sktsdl.architectures.")
    }
    known |= {cls.__name__: cls for cls in classes}
    name = header["class"]
    if name not in known:
        raise ValueError(
            f"{path} holds a net of class {name!r}, which is none of this package: "
            "give the class by `classes`."
        )
    written, here = header["versions"]["sktsdl"], version("sktsdl")
    if written.split(".")[0] != here.split(".")[0]:
        warnings.warn(
            f"{path} was written by sktsdl {written}, and this is {here}: compare some "
            "predictions before you rely on it.",
            UserWarning,
            stacklevel=2,
        )
    return restored(known[name], tensors, header, device)


def _subclasses(cls: Any) -> Iterable[Any]:
    for below in cls.__subclasses__():
        yield below
        yield from _subclasses(below)
