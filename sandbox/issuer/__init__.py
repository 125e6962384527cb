"""A pretend OIDC issuer: discovery, JWKS, client credentials, and tokens of every bad sort on demand."""

from sandbox.issuer.vendor import Issuer

__all__ = ["Issuer"]
