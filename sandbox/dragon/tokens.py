"""Who calls: the bearer tokens of the sandbox's own issuer, each for one audience."""

from collections.abc import Collection

import jwt

from sandbox.dragon.contract import Refused
from sandbox.issuer import Issuer

REQUIRED = ["iss", "aud", "exp"]


def client_of(authorization: str | None, audience: str, issuer: Issuer, not_allowed: Collection[str]) -> str:
    """The application whose token this is; raises Refused."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("a bearer token is missing")
    client = verified(token.strip(), audience, issuer)
    if client in not_allowed:
        raise Refused(401, "The application is not on the allow list")
    return client


def unauthorized(why: str) -> Refused:
    return Refused(401, f"Unauthorized: {why}", plain=True)


def verified(token: str, audience: str, issuer: Issuer) -> str:
    try:
        named = jwt.get_unverified_header(token).get("kid")
        key = next((one for one in issuer.keys.published if one.kid == named), None)
        if key is None:
            raise unauthorized("the token is signed with an unknown key")
        claims = jwt.decode(token, key.pem(), [key.alg], {"require": REQUIRED}, audience=audience, issuer=issuer.url)
    except jwt.PyJWTError as error:
        raise unauthorized(str(error)) from error
    return str(claims.get("appid") or claims.get("azp") or claims.get("sub"))
