"""A fitted net as tensors and plain values, without executable code, and back."""

import copyreg
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from os import PathLike
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from skorch.history import History
from torch import Tensor, nn

from sktsdl._estimator.files import (
    from_bytes,
    from_json,
    to_bytes,
    to_json,
    write_atomically,
)
from sktsdl._estimator.module import AdapterConfig, build_module
from sktsdl._estimator.multi_targets import MultiTargets
from sktsdl._estimator.norm_choice import NormConfig, given_channels
from sktsdl._estimator.scaling import ChannelScaling, Scaling
from sktsdl._estimator.specs import (
    CycleSpec,
    FittedSpec,
    InputSpec,
    KnownSpec,
    NormSpec,
    TargetSpec,
)
from sktsdl._estimator.targets import ClassTargets, PointTargets, Targets
from sktsdl._estimator.warm_start import check_structure
from sktsdl._training.device import is_available, seeded
from sktsdl._training.skorch_net import Net
from sktsdl._training.trainer import make_net
from sktsdl._windows.time_steps import TimeSteps

Tensors = Mapping[str, Tensor]
Header = dict[str, Any]
PACKAGES = ("sktsdl", "torch", "scikit-learn", "skorch", "numpy")
CURVES = (
    "loss_curve_",
    "validation_loss_curve_",
    "lr_curve_",
    "n_epochs_",
    "best_epoch_",
    "n_parameters_",
)


class SaveMixin:
    """Files, pickles and skops of a net."""

    def save(self: Any, path: str | PathLike[str]) -> None:
        """Write the fitted net to one file without executable code.

        ``sktsdl.load`` reads it. The file holds weights and statistics (safetensors),
        parameters, curves and versions (JSON), and a SHA-256 of the whole. It does not
        hold the state that further training needs.

        Parameters
        ----------
        path : path-like
            Where to write. An existing file is replaced when the new one is complete.

        Raises
        ------
        NotFittedError
            If the net is not fitted.
        ValueError
            If a parameter, such as a callback, cannot be written without code.
        """
        check_is_fitted(self)
        owner = self._spec.targets.owner
        if owner is not None:
            raise ValueError(
                f"The net of a {owner} is saved with its labels: keep the {owner} by "
                "pickle, joblib or skops."
            )
        write_atomically(path, self._to_bytes())

    def _to_bytes(self: Any, owner: Header | None = None) -> bytes:
        """Return the content of a file, with what is saved of the owner of the net."""
        check_structure(self._structure(), self._spec, "saved")
        header = {
            "class": type(self).__name__,
            "versions": {name: version(name) for name in PACKAGES},
            "params": {
                name: to_json(name, value)
                for name, value in self.get_params(deep=False).items()
            },
            "owner": owner,
        }
        curves = {k: getattr(self, k) for k in CURVES if hasattr(self, k)}
        tensors, described = to_state(self._spec, self.net_, curves)
        return to_bytes(tensors, header | described)

    @classmethod
    def _from_state(
        cls: Any, tensors: Tensors, header: Header, device: str | None
    ) -> Any:
        """Return the net that was saved, on `device`."""
        unknown = header["params"].keys() - set(cls._get_param_names())
        if unknown:
            raise ValueError(
                f"The file names the parameters {sorted(unknown)}, which "
                f"{cls.__name__} does not have: read it with the version of the "
                f"package that wrote it, {header['versions']['sktsdl']}."
            )
        params = {name: from_json(value) for name, value in header["params"].items()}
        estimator = cls(**params)
        if device is not None:
            estimator.set_params(device=device)
        config = estimator._training_config()
        spec = spec_of(tensors, header, estimator._make_targets(), params["loss"])
        spec = replace(spec, structure=estimator._structure())
        with seeded(0, config.device):
            module = build_module(
                estimator._build_module,
                estimator._config(AdapterConfig),
                spec,
                config.name,
            )
            _load_weights(module, _within("module", tensors))
            net = make_net(module, config, spec.targets.criterion(), spec.units)
        net.history = History(header["epochs"])
        net.lr_curve_ = header["fitted"]["lr_curve_"]
        net.generators_ = _within("generator", tensors)
        net.has_optimizer_state_ = False
        net.module_.eval()
        estimator._set_fitted(net, spec, header["fitted"]["best_epoch_"])
        return estimator

    def __reduce_ex__(self, protocol: Any) -> Any:
        # pickle keeps the state of the optimizer; `__getstate__` is for skops.
        make = copyreg.__newobj__  # type: ignore[attr-defined]
        return make, (type(self),), super().__getstate__()

    def __getstate__(self: Any) -> dict[str, Any]:
        """Return the content of a file of ``save``, without executable code."""
        if hasattr(self, "net_"):
            return {"content": self._to_bytes()}
        state: Any = super().__getstate__()
        return state

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        if "content" not in state:
            super().__setstate__(state)  # type: ignore[misc]
            return
        tensors, header = from_bytes(state["content"], "What was dumped")
        device = None if is_available(header["params"]["device"]) else "cpu"
        restored = type(self)._from_state(tensors, header, device)
        self.__dict__.update(vars(restored))


def to_state(
    spec: FittedSpec, net: Net, curves: dict[str, Any]
) -> tuple[dict[str, Tensor], Header]:
    """Return all that prediction needs, as tensors and plain values.

    `curves` are the attributes of the training that are kept as they are.
    """
    channels, targets = spec.channels, spec.targets
    tensors = {f"module.{k}": v for k, v in net.module_.state_dict().items()}
    tensors |= {f"generator.{k}": v for k, v in net.generators_.items()}
    for name, scaling in (("channels", channels.scaling), ("outputs", targets.scaling)):
        tensors[f"{name}.mean_"] = torch.from_numpy(scaling.mean.copy())
        tensors[f"{name}.scale_"] = torch.from_numpy(scaling.scale.copy())
    for i, codes in enumerate(channels.codes.values()):
        tensors[f"codes.{i}"] = torch.from_numpy(codes.copy())
    tasks = None
    if isinstance(targets, MultiTargets):
        classes = [getattr(column, "n_classes", 0) for column in targets.columns]
        tasks = [classes, targets.weights]
    header = {
        "fitted": {
            "n_features_in_": spec.inputs.n_features,
            "_is_3d": spec.inputs.is_3d,
            "_window_shape": spec.inputs.shape,
            "_y_is_1d": spec.outputs.is_1d,
            "_n_outputs": spec.outputs.n_targets,
            "_y_labels": [to_json("y", label) for label in spec.outputs.labels],
            **curves,
        },
        "names": None if spec.inputs.names is None else list(spec.inputs.names),
        "tasks": tasks,
        "n_classes": getattr(targets, "n_classes", None),
        "categories": channels.categorical,
        "norm": [spec.norm.kind, spec.norm.channels],
        "norm_scales": [spec.norm.loss_scale, spec.norm.low],
        "known": None if spec.known is None else asdict(spec.known),
        "cycle": None if spec.cycle is None else asdict(spec.cycle),
        "channel_means": channels.mean.tolist(),
        "epochs": [
            {key: value for key, value in epoch.items() if key != "batches"}
            for epoch in net.history
        ],
    }
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, header


def spec_of(
    tensors: Tensors, header: Header, targets: Targets, loss: Any
) -> FittedSpec:
    """Return the spec that `to_state` was given; `targets` if it had no classes."""
    fitted, names = header["fitted"], header["names"]
    n_targets = fitted["_n_outputs"]
    window, n_channels = fitted["_window_shape"]
    names = None if names is None else tuple(names)
    inputs = InputSpec(fitted["_is_3d"], window, n_channels, names)
    codes = _within("codes", tensors)
    scaling = _scaling("channels", tensors, n_channels)
    channels = ChannelScaling(
        scaling,
        # Older files subtract the means.
        np.array(header.get("channel_means", scaling.mean)),
        header["params"]["standardize"],
        {at: codes[str(i)].numpy() for i, at in enumerate(header["categories"])},
        inputs.channel_names,
    )
    if header["tasks"] is not None:
        classes, weights = header["tasks"]
        columns = [ClassTargets(n) if n else PointTargets(loss) for n in classes]
        targets = MultiTargets(columns, weights)
    if header.get("n_classes") is not None:  # not in older files
        targets = ClassTargets(header["n_classes"])
    targets = targets.with_scaling(_scaling("outputs", tensors, n_targets))
    # Older files hold no names of targets.
    labels = map(from_json, fitted.get("_y_labels", [None] * n_targets))
    outputs = TargetSpec(fitted["_y_is_1d"], tuple(labels))
    norm = _norm(header, channels, n_targets)
    known, cycle = header.get("known"), header.get("cycle")  # not in older files
    if known is not None:
        known = KnownSpec(**_fields(known))
    if cycle is not None:
        if cycle["times"] is not None:
            cycle["times"] = TimeSteps(**_fields(cycle["times"]))
        cycle = CycleSpec(**_fields(cycle))
    return FittedSpec(inputs, outputs, channels, targets, norm, {}, known, cycle)


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    return {name: _as_tuple(value) for name, value in record.items()}


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _norm(header: Header, channels: ChannelScaling, n_targets: int) -> NormSpec:
    # Older files hold neither, as no choice was made.
    loss_scale, low = header.get("norm_scales", ["target", ()])
    if "norm" in header:
        kind, positions = header["norm"]
        positions = None if positions is None else tuple(positions)
        return NormSpec(kind, positions, loss_scale, tuple(low))
    # Older files hold no choice, as the parameters were what was built.
    names = ("window_norm", "target_channels", "channel_independent", "loss_steps")
    params = {name: from_json(header["params"][name]) for name in names}
    config = NormConfig(**params, loss_scale="target", cycle=None)
    positions = given_channels(config, channels, n_targets)
    return NormSpec(params["window_norm"], positions)


def _scaling(part: str, tensors: Tensors, n_columns: int) -> Scaling:
    # Older files hold no statistics of targets that were not standardised.
    values, identity = _within(part, tensors), Scaling.identity(n_columns)
    mean = values["mean_"].numpy() if "mean_" in values else identity.mean
    scale = values["scale_"].numpy() if "scale_" in values else identity.scale
    return Scaling(mean, scale)


def _load_weights(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load weights, also by the names of files of 0.1.0."""
    expected = module.state_dict().keys()
    module.load_state_dict(
        {name if name in expected else _renamed(name): w for name, w in weights.items()}
    )


def _renamed(name: str) -> str:
    """Return the name of a weight for its name in 0.1.0, of adapters and shortcuts."""
    adapters, inner = re.fullmatch(r"((?:net\.)*)(.*)", name).groups()  # type: ignore[union-attr]
    inner = (
        "target_channels" if inner == "own" else inner.replace(".around.", ".shortcut.")
    )
    return adapters.replace("net.", "module.") + inner


def _within(part: str, tensors: Tensors) -> dict[str, Tensor]:
    start = f"{part}."
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}
