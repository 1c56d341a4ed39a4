import pytest

from skvae import VAETransformer
from tests.tables.bills import bills


@pytest.fixture(scope="session")
def paid():
    """A model of bills, some of which are paid in full."""
    return VAETransformer(1, max_iter=12, device="cpu", random_state=0).fit(bills(1500))
