"""Nets and pipelines from files without executable code."""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from os import PathLike
from pathlib import Path

from sklearn.base import BaseEstimator
from sklearn.metrics import check_scoring

from sktsdl._estimator.base import DeepNet
from sktsdl._estimator.files import from_bytes
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.history import TrainingTail
from sktsdl._windows.panel_history import PanelTail
from sktsdl._windows.training_index import TrainingIndex
from sktsdl.baseline import SeasonalNaiveRegressor
from sktsdl.compose import NetClassifier, RelativeTargetRegressor
from sktsdl.preprocessing import SlidingWindow
from sktsdl.preprocessing._base import LookBackTransformer

PACKAGE = __name__.partition(".")[0]


def load(
    path: str | PathLike[str],
    *,
    device: str | None = None,
    classes: Sequence[type[DeepRegressor]] = (),
) -> DeepRegressor | NetClassifier:
    """Read a net, or a `NetClassifier`, that was written by its ``save``.

    The file holds tensors (safetensors), plain values (JSON) and a SHA-256 of both. No
    code from the file is run.

    Parameters
    ----------
    path : path-like
        The file.
    device : str or None, default=None
        The device for prediction, such as ``"cpu"`` for a net that was trained on CUDA;
        None is the `device` of its training.
    classes : sequence of types, default=()
        Classes of nets outside this package that the file may hold.

    Returns
    -------
    net : net or NetClassifier
        It predicts as what was saved, and cannot be trained further.

    Raises
    ------
    ValueError
        If ``save`` did not write the file, if the file was changed or holds a net of
        an unknown class, or if the device is not there.

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
    tensors, header = from_bytes(Path(path).read_bytes(), path)
    known = {cls.__name__: cls for cls in _nets() if _package(cls) == PACKAGE}
    known |= {cls.__name__: cls for cls in classes}
    name = header["class"]
    if name not in known:
        raise ValueError(
            f"{path} holds a net of class {name!r}, which is not in this package: give "
            "the class by `classes`."
        )
    written, here = header["versions"]["sktsdl"], version("sktsdl")
    if written.split(".")[0] != here.split(".")[0]:
        warn(
            f"{path} was written by sktsdl {written}, and this is {here}: compare some "
            "predictions before you rely on it."
        )
    net: DeepRegressor = known[name]._from_state(tensors, header, device)
    owner = header.get("owner")  # not in older files
    return net if owner is None else NetClassifier._from_saved(net, owner)


def trusted_types(model: BaseEstimator) -> list[str]:
    """List the types that skops must trust to load `model`.

    These are the types of this package and of scikit-learn in `model` that skops does
    not trust by itself: nets and look-back steps, the history that they remember,
    splitters and scorers.

    Parameters
    ----------
    model : estimator
        A pipeline, search, wrapper or net. It need not be fitted: a new model like the
        model in the file has the same types.

    Returns
    -------
    types : list of str
        For the argument `trusted` of ``skops.io.load`` and ``skops.io.loads``.

    Raises
    ------
    TypeError
        If `model` is not an estimator, such as the name of a file.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import PurgedRegressor
    >>> from sktsdl.persistence import trusted_types
    >>> trusted_types(make_pipeline(PurgedRegressor(Ridge(), purge=1)))
    ['sktsdl.compose._purged.PurgedRegressor']
    """
    if not isinstance(model, BaseEstimator):
        raise TypeError(
            f"model={model!r} is not an estimator: give a new one, like the one in the "
            "file."
        )
    parts = list(_parts(model))
    types = {type(part) for part in parts}
    found = {
        cls
        for cls in types
        if issubclass(cls, DeepNet)
        or _package(cls) == PACKAGE
        or (_package(cls) == "sklearn" and not issubclass(cls, BaseEstimator))
    }
    if SeasonalNaiveRegressor in found or any(map(_is_seasonal, parts)):
        found.add(SlidingWindow)
    if any(issubclass(cls, LookBackTransformer) for cls in found):
        found |= {TrainingTail, PanelTail, TrainingIndex}
    return sorted(f"{cls.__module__}.{cls.__qualname__}" for cls in found)


def _parts(value: object) -> Iterator[object]:
    """Return `value`, and all that skops stores of it."""
    yield value
    members: Iterable[object] = ()
    if hasattr(value, "estimator") and hasattr(value, "scoring"):  # a search
        yield from _parts(check_scoring(value.estimator, value.scoring))
    if isinstance(value, list | tuple | set):
        members = value
    elif isinstance(value, dict):
        members = value.values()
    elif isinstance(value, DeepNet):
        return  # skops stores the content of a file
    elif _package(type(value)) in (PACKAGE, "sklearn"):
        members = getattr(value, "__dict__", {}).values()
    for member in members:
        yield from _parts(member)


def _is_seasonal(part: object) -> bool:
    if not isinstance(part, RelativeTargetRegressor):
        return False
    return part.relation == "seasonal"


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _nets(base: type[DeepNet] = DeepNet) -> Iterator[type[DeepNet]]:
    for net in base.__subclasses__():
        yield net
        yield from _nets(net)
