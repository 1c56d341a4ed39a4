"""Attacks on synthetic rows and on models, each beside what the same attack finds by chance."""

from skvae.metrics.attacks.audit import Audit, audit
from skvae.metrics.attacks.classifier import classifier_attack
from skvae.metrics.attacks.density import density_attack
from skvae.metrics.attacks.distance import distance_attack
from skvae.metrics.attacks.inference import inference
from skvae.metrics.attacks.likelihood import likelihood_attack
from skvae.metrics.attacks.linkability import linkability
from skvae.metrics.attacks.outcome import Guesses, Membership
from skvae.metrics.attacks.singling_out import singling_out

__all__ = [
    "Audit",
    "Guesses",
    "Membership",
    "audit",
    "classifier_attack",
    "density_attack",
    "distance_attack",
    "inference",
    "likelihood_attack",
    "linkability",
    "singling_out",
]
