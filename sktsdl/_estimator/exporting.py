"""A fitted net without this package: as a module of torch, and as an ONNX file."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from importlib.util import find_spec
from os import PathLike
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sktsdl._estimator.files import write_atomically
from sktsdl._estimator.scaling import Scaling
from sktsdl._estimator.specs import FittedSpec
from sktsdl._layers.in_units import ByName, InUnits, Prepared
from sktsdl._training.device import own_torch_state

OPSET = 18
INPUT, OUTPUT = "X", "y"


class ExportMixin:
    """What leaves Python: a module of torch, and a file of it."""

    def to_module(self: Any) -> nn.Module:
        """Return the fitted net as one module of torch, in the units of `X` and `y`.

        The module holds all that ``predict`` computes from a window: unknown history is
        filled, channels are standardised, category codes are numbered, and outputs are
        in the units of `y`. It needs no estimator, and ``torch.export``,
        ``torch.compile`` and `save_onnx` take it, with batches of any size.

        Returns
        -------
        module : torch.nn.Module
            A copy on the CPU, in evaluation mode, without gradients of its weights. It
            takes windows of shape (batch, window, channels), or (batch, n_features) if
            ``fit`` took rows, float64 as in ``predict``. It returns float64 of the
            shape that ``predict`` returns or, with ``loss="quantile"``, of the shape
            that ``predict_quantiles`` returns.

        Raises
        ------
        NotFittedError
            If the net is not fitted.
        ValueError
            If the phase of `cycle` is that of the time index, which a window of
            numbers does not have.

        Notes
        -----
        The weights are float32. Windows of float32 are standardised in float32, which
        rounds values that are large beside their deviation. A module cannot raise
        errors about values: a window that ``predict`` refuses gives NaN.

        Examples
        --------
        >>> import numpy as np
        >>> import torch
        >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
        >>> X, y, X_latest = make_supervised([1.0, 2, 4, 3, 5, 6] * 4, target=0)
        >>> windows = np.array(SlidingWindow(3).fit_transform(X))
        >>> net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2).fit(windows, y)
        >>> module = net.to_module()
        >>> predicted = module(torch.from_numpy(windows[-5:]))
        >>> predicted.shape
        torch.Size([5])
        >>> bool(abs(predicted.numpy() - net.predict(windows[-5:])).max() < 1e-5)
        True
        """
        check_is_fitted(self)
        owner = self._spec.targets.owner
        if owner is not None:
            raise ValueError(
                f"The outputs of the net of a {owner} are not in the form of its y: "
                f"call to_module of the {owner}."
            )
        return module_in_units(self._spec, self.module_)

    def save_onnx(self: Any, path: str | PathLike[str]) -> None:
        """Write the module of `to_module` to one ONNX file.

        The file needs neither torch nor this package: ``onnxruntime`` and the runtimes
        of other languages read it. Its input is called ``"X"``, float64 of shape
        (batch, window, channels), or (batch, n_features) if ``fit`` took rows. Its
        output is called ``"y"``, as `to_module` returns it. A batch has any
        number of windows but 0. Of a `MultiTaskNet` with `tasks`, each task is an
        output of its own, such as ``"y.level"`` for the column ``"level"``. The
        operators are those of opset 18.

        Parameters
        ----------
        path : path-like
            Where to write. An existing file is replaced when the new one is complete.

        Raises
        ------
        ImportError
            If onnxscript is not installed.
        NotFittedError
            If the net is not fitted.
        ValueError
            As of `to_module`.

        Examples
        --------
        >>> import onnxruntime  # doctest: +SKIP
        >>> net.save_onnx("net.onnx")  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession("net.onnx")  # doctest: +SKIP
        >>> (y,) = session.run(["y"], {"X": windows})  # doctest: +SKIP
        """
        write_atomically(path, to_onnx(self.to_module()))


def module_in_units(
    spec: FittedSpec, module: nn.Module, names: Sequence[Hashable] | None = None
) -> InUnits:
    """Return a copy of a trained module that takes and gives values in their units.

    With `names`, the output is a dict with the values of each target.

    Raises
    ------
    ValueError
        If the phases of rows are not in the windows.
    """
    inputs, channels, cycle = spec.inputs, spec.channels, spec.cycle
    if cycle is not None and cycle.channel is None:
        raise ValueError(
            f"cycle={cycle.given} takes the phase of each row from the time index of "
            "X, which a window of numbers does not have: name a channel that holds it "
            "in cycle_channel, and fit again."
        )
    scaling = channels.scaling
    if not channels.standardize:
        scaling = Scaling.identity(channels.n_channels)
    prepared = Prepared(
        scaling.mean,
        scaling.scale,
        channels.mean,
        channels.codes,
        cycle_channel=None if cycle is None else cycle.channel,
        n_phases=1 if cycle is None else cycle.n_phases,
    )
    shape = inputs.shape if inputs.is_3d else inputs.shape[:1]
    decoder = spec.targets.decoder(spec.outputs.is_1d, names)
    whole = InUnits(prepared, copy.deepcopy(module), decoder, shape)
    return whole.eval().requires_grad_(False).cpu()


def to_onnx(module: InUnits) -> bytes:
    """Return the content of an ONNX file of `module`.

    Raises
    ------
    ImportError
        If onnxscript is not installed.
    """
    if find_spec("onnxscript") is None:
        raise ImportError('save_onnx needs onnxscript: pip install "sktsdl[onnx]".')
    names = [OUTPUT]
    if isinstance(module.decoder, ByName):
        names = [f"{OUTPUT}.{name}" for name in module.decoder.names]
    batch = ({0: torch.export.Dim("batch")},)
    with own_torch_state(torch.device("cpu")):
        example = torch.zeros(2, *module.shape, dtype=torch.float64)
        # By itself, torch.onnx would fix a batch size that it cannot vary.
        exported = torch.export.export(module, (example,), dynamic_shapes=batch)
        program = torch.onnx.export(
            exported,
            input_names=[INPUT],
            output_names=names,
            dynamic_shapes=batch,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model.graph  # its notes are the paths and lines of code
    for noted in (graph, *graph.all_nodes()):
        noted.metadata_props.clear()
    content: bytes = program.model_proto.SerializeToString()
    return content
