"""The output of a fitted net for windows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from sktsdl._estimator.prepared import prepare_rows
from sktsdl._estimator.specs import FittedSpec
from sktsdl._estimator.validation import (
    check_outputs,
    fill_rows_of,
    validate_windows,
)
from sktsdl._layers.window_norm import LossScale, WindowNormKind
from sktsdl._training.batches import WindowDataset
from sktsdl._training.blocks import block_size, evaluate_in_blocks, exact_block_size
from sktsdl._training.device import explained_memory_errors, own_torch_state
from sktsdl._windows.disk_rows import DiskRows
from sktsdl._windows.given import refuse_missing
from sktsdl._windows.missing import (
    parts_to_fill,
    starts_unknown,
    warn_of_empty_columns,
)
from sktsdl._windows.windows import Windows

# Values of windows with unknown history, of which copies are filled.
FILLED_AT_ONCE = 2**26
FILLED_ON_DISK = 2**22
TOO_LARGE = (
    "The device of the net has too little memory to predict: predict fewer rows at "
    "once, or save the net and use load(path, device='cpu')."
)


class EvaluateMixin:
    """What a net does with windows once it is fitted."""

    _spec: FittedSpec
    module_: Any
    n_features_in_: int
    feature_names_in_: np.ndarray
    window_norm_: WindowNormKind | None
    loss_scale_: LossScale
    target_channels_: tuple[int, ...] | None

    def _evaluate(self, X: ArrayLike, method: str = "__call__") -> np.ndarray:
        """Return the output of a method of the module for each window of `X`."""
        check_is_fitted(self)
        return self._outputs(X, getattr(self.module_, method))

    def _evaluate_with_scales(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return the output, and the scale of each window and target in units of `y`.

        Only for a net whose `window_norm_` divides.
        """
        check_is_fitted(self)
        module, targets = self.module_, self._spec.targets

        def evaluate(x: Tensor) -> Tensor:
            return torch.cat([module(x), module.target_scales(x)], dim=1)

        both = self._outputs(X, evaluate)
        outputs, scales = np.split(both, [-self._spec.outputs.n_targets], axis=1)
        return outputs, scales * targets.scaling.scale

    def _outputs(
        self, X: ArrayLike, evaluate: Callable[[Tensor], Tensor]
    ) -> np.ndarray:
        """Return what `evaluate` gives for the windows of `X`."""
        windows = self._valid_windows(X)
        inputs, has_phases = self._spec.inputs, self._spec.cycle is not None
        n_channels = inputs.n_channels + has_phases
        outputs = []
        on_disk = isinstance(windows.rows, DiskRows)
        n_filled = FILLED_ON_DISK if on_disk else FILLED_AT_ONCE
        for part in parts_to_fill(windows, n_filled):
            dataset = self._dataset(windows if part is None else windows[part])
            with (
                explained_memory_errors(TOO_LARGE),
                own_torch_state(dataset.device),
                torch.inference_mode(),
            ):
                size = exact_block_size(self.module_, inputs.window, n_channels)
                found = evaluate_in_blocks(evaluate, dataset, size)
            outputs.append(found.cpu().double().numpy())
        return check_outputs(outputs[0] if len(outputs) == 1 else np.vstack(outputs))

    @property
    def _block_size(self) -> int:
        return block_size(self.module_, self._spec.inputs.window)

    def _prepared_windows(self, X: ArrayLike) -> WindowDataset:
        """Return the windows of `X` as the module needs them, on its device."""
        check_is_fitted(self)
        return self._dataset(self._valid_windows(X))

    def _valid_windows(self, X: ArrayLike) -> Windows:
        windows, _ = validate_windows(self, X, self._spec.inputs)
        names = self._spec.inputs.channel_names
        refuse_missing(windows, names)
        if starts_unknown(windows).any():
            warn_of_empty_columns(windows.rows, names, len(windows))
        return windows

    def _dataset(self, windows: Windows) -> WindowDataset:
        spec = self._spec
        rows, starts = fill_rows_of(windows, spec.channels.mean)
        dataset = WindowDataset(
            prepare_rows(spec, windows, rows, starts),
            torch.from_numpy(starts),
            spec.inputs.window,
        )
        with explained_memory_errors(TOO_LARGE):
            return dataset.to(next(self.module_.parameters()).device)
