"""What a few hundred rows prove: intervals of an AUC and of a difference of rates, and the ε behind them."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv
from scipy.stats import binomtest, norm, rankdata

from skvae.metrics.frames import Floats

CONFIDENCE = 0.95
FALSE_POSITIVES = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)  # among which the threshold of ε is chosen


def auc_and_error(members: Floats, others: Floats) -> tuple[float, float]:
    r"""Area under the ROC curve of two sets of scores, and its standard error.

    With the share of others below member i and the share of members above other j, ties one half,

    .. math:: V_i = \frac1n \sum_j [x_i > y_j], \quad W_j = \frac1m \sum_i [x_i > y_j], \quad
        \mathrm{AUC} = \frac1m \sum_i V_i, \quad
        \mathrm{se}^2 = \frac{\operatorname{var} V}{m} + \frac{\operatorname{var} W}{n}.

    Parameters
    ----------
    members, others : ndarray of shape (m,) and (n,)
        Scores, which should be larger for members.

    Returns
    -------
    auc, standard_error : float

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Comparing the Areas under Two or More Correlated Receiver Operating
    Characteristic Curves; by ranks as in Sun and Xu (2014). (AUC − ½) / se is the statistic of
    ``scipy.stats.brunnermunzel``.

    Examples
    --------
    >>> auc, error = auc_and_error(np.array([3.0, 1.0]), np.array([2.0, 0.0]))
    >>> auc, round(error, 3)
    (0.75, 0.354)
    """
    m, n = len(members), len(others)
    ranks = rankdata(np.concatenate([members, others]))
    below = (ranks[:m] - rankdata(members)) / n
    above = 1 - (ranks[m:] - rankdata(others)) / m
    return float(below.mean()), math.sqrt(below.var(ddof=1) / m + above.var(ddof=1) / n)


def error_by_chance(n_members: int, n_others: int) -> float:
    r"""Standard error of the AUC of an attack that knows nothing.

    .. math:: \sqrt{\frac{m + n + 1}{12 m n}}

    whatever the scores, where no two are equal; ties make it smaller.

    Parameters
    ----------
    n_members, n_others : int
        Number of rows of either kind, m and n.

    References
    ----------
    Mann and Whitney (1947), On a Test of Whether one of Two Random Variables is Stochastically Larger than the Other.

    Examples
    --------
    >>> round(error_by_chance(1000, 1000), 4)
    0.0129
    """
    return math.sqrt((n_members + n_others + 1) / (12 * n_members * n_others))


def auc_interval(auc: float, error: float, n_pairs: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of an AUC.

    Parameters
    ----------
    auc, error : float
        Area and its standard error.
    n_pairs : int
        Rows of the smaller set: so many pairs without a row in common. Where scores are apart the error is 0, and
        the interval that of as many successes.
    confidence : float
        Probability with which it holds the true value.

    Examples
    --------
    >>> auc_interval(0.6, 0.05, 50)
    (0.502..., 0.697...)
    >>> auc_interval(1.0, 0.0, 50)
    (0.928..., 1.0)
    """
    if auc in (0.0, 1.0):
        return _rate_interval(round(auc * n_pairs), n_pairs, confidence)
    half = float(norm.isf((1 - confidence) / 2)) * error
    return max(0.0, auc - half), min(1.0, auc + half)


def difference_interval(
    hits: int, n: int, control_hits: int, n_control: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    r"""Interval of the difference of two independent rates, from Wilson's interval of each.

    .. math:: p - q - \sqrt{(p - l_p)^2 + (u_q - q)^2}, \quad p - q + \sqrt{(u_p - p)^2 + (q - l_q)^2}

    Parameters
    ----------
    hits, n, control_hits, n_control : int
        Successes and trials of either.
    confidence : float
        Probability with which it holds the true difference.

    References
    ----------
    Newcombe (1998), Interval Estimation for the Difference between Independent Proportions, method 10.

    Examples
    --------
    >>> difference_interval(56, 70, 48, 80)
    (0.052..., 0.333...)
    """
    p, q = hits / n, control_hits / n_control
    main = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    control = binomtest(control_hits, n_control).proportion_ci(confidence, method="wilson")
    lower = p - q - math.hypot(p - main.low, control.high - q)
    upper = p - q + math.hypot(main.high - p, q - control.low)
    return lower, upper


def true_positives(members: Floats, others: Floats, false_positives: float = 0.01) -> float:
    """Share of members above a threshold that at most a share of the others exceeds.

    Examples
    --------
    >>> true_positives(np.array([0.0, 5.0, 6.0]), np.arange(5.0), 0.2)
    0.6666666666666666
    """
    return float(np.mean(members > _threshold(others, false_positives)))


def proven_epsilon(members: Floats, others: Floats, confidence: float = CONFIDENCE) -> float:
    r"""Lower bound of the ε that a differentially private training with δ = 0 could have promised.

    Such a training keeps TPR ≤ e^ε FPR and 1 − FPR ≤ e^ε (1 − TPR) at every threshold, so

    .. math:: \varepsilon \ge \max\left(\log\frac{\underline{\mathrm{TPR}}}{\overline{\mathrm{FPR}}},
        \log\frac{1 - \overline{\mathrm{FPR}}}{1 - \underline{\mathrm{TPR}}}\right)

    with the ends of Clopper and Pearson's intervals. Every second row chooses the threshold, the others are counted.

    Parameters
    ----------
    members, others : ndarray of shape (m,) and (n,)
        Scores, which should be larger for members; in an order that has nothing to do with them.
    confidence : float
        Probability with which the bound holds, for rows that were members or not by a coin.

    Returns
    -------
    float
        0 where nothing is proved. A thousand rows of each kind that are told apart without an error prove
        about 4.9: a small figure is no promise.

    References
    ----------
    Jagielski, Ullman and Oprea (2020), Auditing Differentially Private Machine Learning: How Private is Private SGD?
    Nasr et al. (2021), Adversary Instantiation: Lower Bounds for Differentially Private Machine Learning.

    Examples
    --------
    >>> proven_epsilon(np.zeros(100), np.zeros(100))
    0.0
    >>> round(proven_epsilon(np.ones(1000), np.zeros(1000)), 1)
    4.9
    """
    if min(len(members), len(others)) < 2:
        return 0.0
    candidates = [_threshold(others[::2], share) for share in FALSE_POSITIVES]
    bounds = [_epsilon_at(threshold, members[::2], others[::2], confidence) for threshold in candidates]
    return max(0.0, _epsilon_at(candidates[int(np.argmax(bounds))], members[1::2], others[1::2], confidence))


def _threshold(others: Floats, false_positives: float) -> float:
    """A score that at most so large a share of the others exceeds."""
    n_above = math.floor(false_positives * len(others) + 1e-9)
    return float(np.sort(others)[len(others) - 1 - min(n_above, len(others) - 1)])


def _epsilon_at(threshold: float, members: Floats, others: Floats, confidence: float) -> float:
    found, false = (int(np.sum(scores > threshold)) for scores in (members, others))
    tpr, _ = _rate_interval(found, len(members), confidence)
    _, fpr = _rate_interval(false, len(others), confidence)
    odds = [math.log(tpr / fpr) if tpr > 0 else 0.0, math.log((1 - fpr) / (1 - tpr)) if fpr < 1 else 0.0]
    return max(odds)


def _rate_interval(count: int, n: int, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's interval of a rate: quantiles of beta distributions (``binomtest`` looks for its ends)."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return low, high
