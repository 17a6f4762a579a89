"""Documentation text that all nets share, written once."""

TRAINING_PARAMETERS = """\
lr : float, default=1e-3
    The learning rate; the highest one of a schedule.
max_epochs : int, default=100
    Passes over the training windows.
batch_size : int, default=32
    Windows in a gradient step.
optimizer : {"adam", "adamw", "sgd"} or torch optimizer class, default="adam"
    ``"sgd"`` has momentum 0.9.
weight_decay : float, default=0.0
    The optimizer's weight decay.
loss : {"squared_error", "absolute_error", "huber"} or torch loss, \
default="squared_error"
    Of the standardised target.
lr_schedule : {None, "one_cycle"}, default=None
    None keeps `lr`; ``"one_cycle"`` (Smith and Topin 2019) warms up to `lr` and anneals
    to zero within `max_epochs`, and moves the momentum the other way.
clip_grad_norm : float or None, default=1.0
    The largest norm of the gradient of all weights.
early_stopping : bool, default=False
    Whether to hold the last `validation_fraction` of the rows out, to stop when
    their loss no longer falls, and to keep the best weights. As many training rows
    before them as keep the targets apart (the outputs less one) are left out.
validation_fraction : float, default=0.1
    The share of rows held out for early stopping.
n_iter_no_change : int, default=10
    Epochs without a better validation loss after which training stops.
tol : float, default=1e-4
    The relative fall of the validation loss that counts as better.
standardize : bool, default=True
    Whether to standardise channels and target inside, by the training rows.
loss_steps : {"last", "all"}, default="last"
    Whether the loss is that of the forecast at the last step of each window, or of the
    forecasts at all its steps; the latter needs a causal net, and windows of
    consecutive rows. ``predict`` answers at the last step either way.
categorical_features : sequence of int or str, or None, default=None
    Channels that hold integer codes, by position or, if ``SlidingWindow`` was given a
    DataFrame, by name; each is replaced by an embedding that is learned inside the net.
    Codes not seen in training share one of their own.
weight_init : {"default", "xavier", "he", "orthogonal"}, default="default"
    How the first weights are drawn: as torch's layers do, or all matrices and kernels
    by Glorot and Bengio (2010), He et al. (2015), both uniform, or Saxe et al. (2014).
device : {"cpu", "cuda", "cuda:1", "mps", "auto", ...}, default="cpu"
    Where the net is trained and predicts; ``"auto"`` takes the accelerator if there
    is one.
random_state : int, RandomState instance or None, default=None
    Decides the first weights, the order of the batches and dropout."""

TRAINING_ATTRIBUTES = """\
net_ : skorch.NeuralNetRegressor
    The trained net.
module_ : torch.nn.Module
    Its module.
loss_curve_ : list of float
    The training loss of each epoch, of the standardised target.
validation_loss_curve_ : list of float
    The validation loss of each epoch; only with early stopping.
n_epochs_ : int
    Epochs trained.
best_epoch_ : int
    The epoch, counted from 1, whose weights were kept.
n_parameters_ : int
    The number of trainable parameters, biases included.
n_features_in_ : int
    Channels of 3-D `X`, columns of 2-D `X`, seen in ``fit``.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of columns seen in ``fit``, for a 2-D DataFrame or windows of one."""
