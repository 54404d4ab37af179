"""What the docstrings of the estimators have in common, each text once."""

from typing import TypeVar

T = TypeVar("T", bound=type)

TEXTS = {
    "network": """\
hidden_layer_sizes : array_like of int, default (100,)
    The units of each hidden layer.
activation : {"identity", "logistic", "tanh", "relu"}, default "relu"
    The activation of the hidden layers; others of ``cynn.layers.ACTIVATIONS`` too. A tuple has
    one for each layer.
solver : {"lbfgs", "sgd", "adam"} or Optimizer, default "adam"
    How the loss is made small: by SciPy's quasi-Newton method over all rows, or by batches.
    An optimizer of `cynn.optimizers` has a rate and numbers of its own, and PyTorch's rule.
alpha : float, default 0.0001
    The factor of the penalty ``alpha / 2 * sum(coefs**2)``, which is divided by the batch's
    rows, or their weights' sum.
batch_size : int or "auto", default "auto"
    Rows of a batch; "auto": 200, or all there are. Not used by "lbfgs".
learning_rate : {"constant", "invscaling", "adaptive"} or Schedule, default "constant"
    How the rate of "sgd" goes on from `learning_rate_init`: it stays; is divided by
    ``(t_ + 1)**power_t`` after each epoch; or is divided by 5 each time when there is no
    progress, until 1e-6.
    A schedule of `cynn.schedules` gives the rate of each step of "sgd" and "adam".
learning_rate_init : float, default 0.001
    The first rate of "sgd" and "adam".
power_t : float, default 0.5
    The exponent of "invscaling".
max_iter : int, default 200
    The most epochs, or iterations of "lbfgs".
shuffle : bool, default True
    Whether the rows come in a new order in each epoch.
random_state : int, RandomState or None, default None
    Draws the first weights, the rows set aside and the order of the rows; with the same one
    all three are those of scikit-learn's estimator.
tol : float, default 1e-4
    What counts as progress of the loss or the score.
verbose : bool or "bar", default False
    Print a line an epoch; "bar": a bar, which needs tqdm.
warm_start : bool, default False
    Whether another `fit` goes on from the weights of the last one.
momentum : float, default 0.9
    Of "sgd", from 0 to 1.
nesterovs_momentum : bool, default True
    Whether "sgd" looks ahead.
early_stopping : bool, default False
    Set rows aside, stop when their score makes no progress, and keep the best weights.
validation_fraction : float, default 0.1
    The part that is set aside.
beta_1, beta_2 : float, default 0.9 and 0.999
    The decay of the moments of "adam".
epsilon : float, default 1e-8
    The small number in the divisor of "adam".
n_iter_no_change : int, default 10
    Epochs without progress before the training stops.
max_fun : int, default 15000
    The most evaluations of the loss by "lbfgs".""",
    "training": """\
dropout : float or tuple of float, default 0.0
    The part of the hidden layers' outputs, or of each layer's, that is dropped in training.
callbacks : list of Callback, optional
    Callbacks of `cynn.callbacks`, told of the epochs and batches of `fit`; the logs of an epoch
    have ``loss`` and, where rows are validated on, ``val_score`` and ``val_loss``.
n_jobs : int or None, default None
    Threads to use: so many, -1 for all cores. None: as `cynn.get_num_threads` says, and in a
    process of joblib its share. The results are the same at any number.""",
    "realmlp": """\
preset : {"td", "td-s"}, default "td"
    The tuned defaults, or the simple ones: without embeddings, parametric activations, dropout
    and weight decay.
n_members : int, default 1
    How many networks are trained, side by side on the cores. Of several each holds out another
    part of the rows, and predictions are their mean.
n_epochs : int, default 256
    Passes over the rows. All are done, and the best is kept.
batch_size : int, default 256
    Rows of a mini-batch; somewhat more where that makes all of an epoch equal.
hidden_layer_sizes : array_like of int, default (256, 256, 256)
    The units of each hidden layer.
learning_rate : float, optional
    The highest rate of the run; by default that of the preset.
dropout : float, optional
    The part of the hidden units that is dropped; by default 0.15, with "td-s" 0.
weight_decay : float, optional
    By default 0.02, with "td-s" 0.""",
    "tabm": """\
variant : {"tabm", "tabm-mini"}, default "tabm"
    What each of the networks in one has for itself: factors around each matrix, biases and a last
    layer; or, simpler and faster, the factors of its inputs and a last layer.
n_members : int, default 1
    How many such ensembles are trained, side by side on the cores. Of several each holds out
    another part of the rows, and predictions are their mean.
k : int, default 32
    How many networks one ensemble is. They share their matrices, and predictions are their mean.
num_embeddings : {"piecewise", None}, default "piecewise"
    Whether the network gets of each quantity 16 learned functions, linear in each of 48 bins, or
    the quantity itself.
n_epochs : int, default 256
    The most passes over the rows.
patience : int, default 16
    How many epochs in a row may be no better before the training ends. The best is kept.
batch_size : int or "auto", default "auto"
    Rows of a mini-batch; somewhat more where that makes all of an epoch equal. "auto": by the rows
    to train on, 32 below 2,800, 64 below 4,500, 128 below 6,400, 256 below 32,000, 512 below
    108,000, else 1,024.
hidden_layer_sizes : array_like of int, optional
    The units of each hidden layer; by default (512, 512), and (512, 512, 512) without embeddings.
learning_rate : float, optional
    By default 0.002.
dropout : float, optional
    The part of the hidden units that is dropped; by default 0.1.
weight_decay : float, optional
    By default 0.0003.""",
    "tabular_classes": """\
metric : {"accuracy", "log_loss", "auc", "balanced_accuracy"}, default "accuracy"
    What decides the best epoch.
class_weight : dict, "balanced" or None, default None
    What the rows of each class count beside `sample_weight`.""",
    "tabular_numbers": """\
loss : {"squared_error", "quantile"}, default "squared_error"
    What the network learns: the mean of the targets, or several quantiles of them, together.
quantiles : sequence of float, default (0.05, 0.5, 0.95)
    With ``loss="quantile"`` which ones, between 0 and 1, ascending.
metric : {"rmse", "mae"}, optional
    What decides the best epoch, by default "rmse"; of quantiles it is their loss.
target_scale : {"auto", "linear", "log"}, default "auto"
    Whether the network learns the logarithm of the targets, which must be above 0, or above -1
    where some are 0: of those plus 1. "auto": where they are skewed and a short training says,
    by the rows held out, that it helps; `target_scale_` tells what was chosen.""",
    "tabular_rest": """\
validation_fraction : float, default 0.2
    The part of the rows that is held out to choose the best epoch, where `n_members` is 1; 0:
    none, the last epoch is kept.
categorical_features : "from_dtype", array_like of str, int or bool, or None, default "from_dtype"
    Columns whose numbers are names of categories: those of pandas' type "category", or by name,
    place or mask. Strings always are.
time_limit : float, optional
    Seconds that a fit may take: fewer epochs are planned then.
random_state : int, RandomState or None, default None
    Draws the first weights, the rows held out and the order of the rows. The same one gives the
    same predictions to the bit, at any `n_jobs`.
n_jobs : int or None, default None
    Threads to use: so many, -1 for all cores. None: as `cynn.get_num_threads` says, and in a
    process of joblib its share.
verbose : int, default 0
    Whether a line tells of each member that is trained.""",
    "tabular_scale": """\
target_scale_ : {"linear", "log", "log1p"}
    On what scale the targets were learned.""",
    "tabular_learned": """\
ensemble_ : cynn.ensemble.Ensemble
    The members.
best_epochs_ : list of int or None
    Which epoch of each member was kept, counted from 0.
histories_ : list of dict
    Of each member the loss and what was measured, epoch by epoch.
n_epochs_ : int
    The epochs of the run: fewer than `n_epochs` with a `time_limit`.
n_features_in_ : int
    Columns of X.
feature_names_in_ : ndarray of str
    The names of the columns, where X had such.""",
    "learned": """\
coefs_, intercepts_ : list of ndarray
    The matrix (fan_in, fan_out) and the vector (fan_out,) of each layer. Predictions follow
    what is written into them.
loss_ : float
    The loss in the last epoch.
best_loss_ : float or None
    The lowest loss; None with `early_stopping`.
loss_curve_ : list of float
    The loss in each epoch.
validation_scores_ : list of float or None
    The score after each epoch, with `early_stopping` or `X_val`.
best_validation_score_ : float or None
    The best of them.
validation_loss_curve_ : list of float
    The loss of `X_val` after each epoch, without the penalty.
t_ : int
    The rows seen.
n_iter_ : int
    The epochs or iterations of the last fit.
n_layers_, n_outputs_, n_features_in_ : int
    Layers with input and output; outputs; columns of X.
feature_names_in_ : ndarray of str
    The names of the columns, where X had such.
out_activation_ : str
    The last activation.""",
}
"""By the name that stands in their place, in braces: the arguments of the network and its solver,
those of the training that are cynn's own, and what a fit leaves; those of RealMLP and of TabM, and
what all estimators of tables share."""


def documented(estimator: T) -> T:
    """Put the texts into the docstring of a class."""
    text = estimator.__doc__ or ""  # none where Python was told to leave docstrings out
    for name, paragraph in TEXTS.items():
        text = text.replace(f"{{{name}}}", paragraph.replace("\n", "\n    "))
    estimator.__doc__ = text or None
    return estimator
