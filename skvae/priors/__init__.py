"""p(z): what the latent space looks like."""

from skvae.priors.normal import StandardNormal

__all__ = ["StandardNormal"]
