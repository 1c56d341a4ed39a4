"""Private and version-dependent scikit-learn names: the only file that imports them."""

from html import escape

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "Documented",
    "Interval",
    "check_feature_names_in",
    "check_sample_weight",
    "fit_context",
    "one_of",
    "safe_split",
]


def one_of(*names: str) -> StrOptions:
    """One of these words, which an error lists in this order, not in that of a set."""
    return StrOptions(dict.fromkeys(names).keys())


class Documented:
    """Links of scikit-learn's HTML view to the documentation; with them it shows the help of each parameter."""

    _doc_link_module = "skvae"
    _doc_link_template = "https://skvae.readthedocs.io/en/stable/api/generated/skvae.{estimator_name}.html"

    def _html_repr(self) -> str:
        try:
            return str(super()._html_repr())  # type: ignore[misc]
        except UnicodeDecodeError:  # scikit-learn reads its script in the encoding of the locale, which may be ASCII
            return f"<pre>{escape(repr(self))}</pre>"
