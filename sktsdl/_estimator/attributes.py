"""The documentation of the attributes that all fitted nets share."""

NET_ATTRIBUTES = """\
net_ : skorch.NeuralNetRegressor
    The trained net.
module_ : torch.nn.Module
    Its module.
loss_curve_ : list of float
    The training loss of each epoch. For one target and the squared or absolute error
    it is in the units of the target (squared for the squared error), else it is the
    loss of the standardised target; with ``loss_scale_="window"``, it is the loss in
    units of each window's scale.
validation_loss_curve_ : list of float
    The validation loss of each epoch; only with validation rows.
lr_curve_ : list of float
    The learning rate of each step of the optimizer.
n_epochs_ : int
    The number of epochs trained.
best_epoch_ : int
    The epoch, counted from 1, whose weights were kept.
n_parameters_ : int
    The number of trainable parameters, biases included.
window_norm_ : {"last", "standard", "mean"} or None
    How the net normalises each window: `window_norm`, or what ``"auto"`` chose.
loss_scale_ : {"target", "window"}
    The unit of errors in the loss: `loss_scale`, or what ``"auto"`` chose.
target_channels_ : tuple of int or None
    The positions of the channels that carry the output of `window_norm_` or of
    `cycle`, or that `channel_independent` forecasts; else of `target_channels`.
n_features_in_ : int
    The number of channels of 3-D `X`, or of columns of 2-D `X`, seen in ``fit``.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Names of columns seen in ``fit``, for a 2-D DataFrame or windows of one."""
