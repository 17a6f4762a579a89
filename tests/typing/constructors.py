"""What mypy and pyright say of constructors; ``make lint`` and ``make types`` check it.

The checkers report a comment that ignores an error, if there is no error.
"""

from typing import assert_type

from sktsdl import (
    LSTMRegressor,
    RelativeTargetRegressor,
    SlidingWindow,
    TransformerRegressor,
)


def all_parameters() -> LSTMRegressor:
    net = LSTMRegressor(
        lr=1e-3,
        max_epochs=1,
        batch_size=32,
        optimizer="adam",
        optimizer_params={"amsgrad": True},
        weight_decay=0.0,
        loss="quantile",
        quantiles=[0.1, 0.5, 0.9],
        lr_schedule="plateau",
        clip_grad_norm=1.0,
        clip_grad_value=None,
        accumulate_batches=1,
        precision="float32",
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        standardize=True,
        window_norm="auto",
        loss_scale="auto",
        target_channels=["rail"],
        channel_independent=False,
        patch_size=1,
        patch_stride=None,
        linear_skip=False,
        cycle=(24, 168),
        cycle_channel="rail",
        loss_steps="last",
        categorical_features=["day_type"],
        known_future="auto",
        static_features=None,
        weight_init="default",
        warm_start=False,
        callbacks=None,
        device="cpu",
        random_state=0,
        verbose=0,
        hidden_sizes=(64, 64),
        dropout=0.1,
        variational_dropout=0.0,
        layer_norm=False,
        bptt_steps=None,
        decoder=None,
        bidirectional=False,
    )
    assert_type(net.lr, float)
    assert_type(net.early_stopping, bool)
    assert_type(net.patch_stride, int | None)
    assert_type(net.hidden_sizes, tuple[int, ...])
    return net


def refused() -> None:
    LSTMRegressor(64)  # type: ignore[call-arg]
    LSTMRegressor(learning_rate=1e-3)  # type: ignore[call-arg]
    LSTMRegressor(lr="fast")  # type: ignore[arg-type]
    LSTMRegressor(max_epochs=1.5)  # type: ignore[arg-type]
    LSTMRegressor(loss="mse")  # type: ignore[arg-type]
    LSTMRegressor(window_norm="max")  # type: ignore[arg-type]
    LSTMRegressor(hidden_sizes=64)  # type: ignore[arg-type]
    TransformerRegressor(bidirectional=True)  # type: ignore[call-arg]
    SlidingWindow(3, True)  # type: ignore[call-arg]
    SlidingWindow(pad="zero")  # type: ignore[arg-type]
    RelativeTargetRegressor(columns="rail")  # type: ignore[call-arg]
