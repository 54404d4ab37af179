"""The peers: how each is made, and in what form it is given a table.

All are at their defaults, and every one has the columns as its own documentation asks: those that
take categories get them as such, those that take none get them one-hot. Imports are in the
functions: a process pays for one library.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_CATEGORIES = 255
"""What scikit-learn's gradient boosting takes in a column; more are given to it as numbers."""


@dataclass(frozen=True)
class Peer:
    """A way to predict a table.

    Attributes
    ----------
    label : str
        Shown in tables and in the picture.
    libraries : tuple of str
        The distributions whose versions are on record, the peer's own first.
    make : callable
        Takes the task, the data frame and the seed; returns an estimator by scikit-learn's rules.
    prepare : callable
        Brings the data frame into the form that the peer takes.
    network : bool
        Whether it is a dense network.
    members : int
        How many networks are averaged.
    tables : tuple of str or None
        Those that it is fitted on, where it takes long; None: all.
    """

    label: str
    libraries: tuple[str, ...]
    make: Callable[[str, Any, int], Any]
    prepare: Callable[[Any], Any]
    network: bool = False
    members: int = 1
    tables: tuple[str, ...] | None = None

    def takes(self, table: str) -> bool:
        """Return whether it is fitted on a table."""
        return self.tables is None or table in self.tables


def categories(frame: Any) -> list[str]:
    """Return the names of the columns of categories."""
    return list(frame.select_dtypes("category").columns)


# -- the forms of a table


def as_it_is(frame: Any) -> Any:
    """Return the frame: numbers, dates, categories, missing values."""
    return frame


def dates_as_numbers(frame: Any) -> Any:
    """Return numbers and categories, a date as its day, weekday and month, as ours reads it.

    The names are plain: some peers want that.
    """
    import pandas as pd

    columns = {}
    for place, name in enumerate(frame):
        values = frame[name]
        if pd.api.types.is_datetime64_any_dtype(values):
            columns[f"c{place}_weekday"] = values.dt.day_of_week.astype(float)
            columns[f"c{place}_month"] = values.dt.month.astype(float)
            values = (values - pd.Timestamp(0)) / pd.Timedelta(days=1)
        columns[f"c{place}"] = values
    return pd.DataFrame(columns)


def few_categories(frame: Any) -> Any:
    """Return the same, columns of too many categories as numbers."""
    plain = dates_as_numbers(frame)
    for name in categories(plain):
        if len(plain[name].cat.categories) > MOST_CATEGORIES:
            codes = plain[name].cat.codes
            plain[name] = codes.where(codes >= 0).astype(float)
    return plain


def missing_named(frame: Any) -> Any:
    """Return the same, with a category for what is missing."""
    plain = dates_as_numbers(frame)
    for name in categories(plain):
        plain[name] = plain[name].astype(str).where(plain[name].notna(), "missing")
        plain[name] = plain[name].astype("category")
    return plain


# -- ours


def realmlp(preset: str, members: int) -> Callable[[str, Any, int], Any]:
    """Return what makes our RealMLP."""

    def make(task: str, frame: Any, seed: int) -> Any:
        from cynn import estimators

        name = "RealMLPClassifier" if task == "classification" else "RealMLPRegressor"
        return getattr(estimators, name)(preset=preset, n_members=members, random_state=seed)

    return make


def tabm(task: str, frame: Any, seed: int) -> Any:
    """Return our TabM."""
    from cynn import estimators

    name = "TabMClassifier" if task == "classification" else "TabMRegressor"
    return getattr(estimators, name)(random_state=seed)


# -- the others


def pytabkit(task: str, frame: Any, seed: int) -> Any:
    """Return pytabkit's RealMLP-TD."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kind = RealMLP_TD_Classifier if task == "classification" else RealMLP_TD_Regressor
    return filled_in(kind(random_state=seed, device="cpu"), frame)


def pytabkit_tabm(task: str, frame: Any, seed: int) -> Any:
    """Return pytabkit's TabM, the network of its authors, as they train it where it is best.

    That is with piecewise-linear embeddings, weight decay, clipped gradients, and mini-batches by
    the number of rows; pytabkit's own defaults are without.
    """
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    kind = TabM_D_Classifier if task == "classification" else TabM_D_Regressor
    network = kind(
        random_state=seed,
        device="cpu",
        num_emb_type="pwl",
        weight_decay=3e-4,
        gradient_clipping_norm=1.0,
        batch_size="auto",
    )
    return filled_in(network, frame)


def filled_in(network: Any, frame: Any) -> Any:
    """Return a network of pytabkit's, which asks that missing numbers are filled in before."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    numbers = [name for name in frame if name not in categories(frame)]
    if not frame[numbers].isna().to_numpy().any():
        return network
    filled = ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median"), numbers)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(filled.set_output(transform="pandas"), network)


def sklearn_mlp(task: str, frame: Any, seed: int) -> Any:
    """Return scikit-learn's MLP behind the pipeline of its user guide."""
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    named = categories(frame)
    numbers = [name for name in frame if name not in named]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore"), named),
        ]
    )
    if task == "classification":
        return make_pipeline(columns, MLPClassifier(random_state=seed))
    network = make_pipeline(columns, MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def histgb(task: str, frame: Any, seed: int) -> Any:
    """Return scikit-learn's gradient boosting, which takes categories from the frame."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = (
        HistGradientBoostingClassifier
        if task == "classification"
        else HistGradientBoostingRegressor
    )
    return kind(random_state=seed)


def lightgbm(task: str, frame: Any, seed: int) -> Any:
    """Return LightGBM, which takes categories from the frame."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if task == "classification" else LGBMRegressor
    return kind(random_state=seed, verbose=-1)


def xgboost(task: str, frame: Any, seed: int) -> Any:
    """Return XGBoost, which takes categories from the frame."""
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBClassifier if task == "classification" else XGBRegressor
    return kind(random_state=seed, enable_categorical=True)


def catboost(task: str, frame: Any, seed: int) -> Any:
    """Return CatBoost, which is told the columns of categories."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    kind = CatBoostClassifier if task == "classification" else CatBoostRegressor
    named = categories(frame)
    return kind(random_seed=seed, cat_features=named, verbose=0, allow_writing_files=False)


OURS, EIGHT, THEIRS = "realmlp-td", "realmlp-td-8", "pytabkit-td"
TABM, THEIR_TABM = "tabm", "pytabkit-tabm"

SHORT = ("breast_cancer", "penguins", "titanic", "diabetes", "car_prices", "concrete")
"""The tables of TabM, on which a fit takes a minute or two."""

PEERS = {
    OURS: Peer("cynn RealMLP td", ("cynn",), realmlp("td", 1), as_it_is, network=True),
    "realmlp-td-s": Peer(
        "cynn RealMLP td-s", ("cynn",), realmlp("td-s", 1), as_it_is, network=True
    ),
    EIGHT: Peer(
        "cynn RealMLP td, 8 members", ("cynn",), realmlp("td", 8), as_it_is, network=True, members=8
    ),
    THEIRS: Peer(
        "pytabkit RealMLP-TD", ("pytabkit", "torch"), pytabkit, dates_as_numbers, network=True
    ),
    "sklearn-mlp": Peer(
        "scikit-learn MLP", ("scikit-learn",), sklearn_mlp, dates_as_numbers, network=True
    ),
    "histgb": Peer("HistGradientBoosting", ("scikit-learn",), histgb, few_categories),
    "lightgbm": Peer("LightGBM", ("lightgbm",), lightgbm, dates_as_numbers),
    "xgboost": Peer("XGBoost", ("xgboost",), xgboost, dates_as_numbers),
    "catboost": Peer("CatBoost", ("catboost",), catboost, missing_named),
    TABM: Peer("cynn TabM", ("cynn",), tabm, as_it_is, network=True, members=32, tables=SHORT),
    THEIR_TABM: Peer(
        label="pytabkit TabM",
        libraries=("pytabkit", "torch"),
        make=pytabkit_tabm,
        prepare=dates_as_numbers,
        network=True,
        members=32,
        tables=SHORT,
    ),
}


def versions() -> dict[str, str]:
    """Return the versions of each peer's libraries, without the peers that are not there."""
    from importlib.metadata import PackageNotFoundError, version

    import cynn
    from cynn import estimators

    found = {}
    for name, peer in PEERS.items():
        try:
            said = [
                cynn.__version__ if each == "cynn" else version(each) for each in peer.libraries
            ]
        except PackageNotFoundError:
            continue
        if "cynn" in peer.libraries and not hasattr(estimators, "RealMLPClassifier"):
            continue
        pairs = zip(peer.libraries, said, strict=True)
        found[name] = ", ".join(f"{each} {number}" for each, number in pairs)
    return found


if __name__ == "__main__":
    import json

    print(json.dumps(versions()))
