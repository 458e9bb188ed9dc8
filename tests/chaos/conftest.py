"""The gateways of the integration tests, for the tests that break things."""

from tests.integration.conftest import make_gateway, node

__all__ = ["make_gateway", "node"]
