"""Kullback–Leibler divergences with a closed form."""

from torch import Tensor


def kl_to_standard_normal(loc: Tensor, scale: Tensor) -> Tensor:
    r"""KL divergence from a diagonal Gaussian to the standard normal prior, component by component.

    .. math:: \tfrac12 \left(\mu_k^2 + \sigma_k^2 - 1 - \log \sigma_k^2\right)

    Both distributions factorise over components, so the divergence of a row is the sum over k.

    Parameters
    ----------
    loc, scale : Tensor of shape (..., K)
        Mean and standard deviation (not variance, not log) of q(z | x); scale > 0.

    Returns
    -------
    Tensor of shape (..., K)
        Nats, never negative.

    References
    ----------
    Kingma and Welling (2014), Auto-Encoding Variational Bayes, appendix B.

    Examples
    --------
    >>> import torch
    >>> kl_to_standard_normal(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]))
    tensor([0.5000, 0.0000])
    """
    return 0.5 * (loc.square() + scale.square() - 1.0 - 2.0 * scale.log())
