"""An OpenID Connect provider made with joserfc's server side, on the loopback interface."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import RSAKey


class Provider:
    """An issuer with a discovery document, published keys, and tokens.

    ``raw_jwks`` are bytes to publish in place of the keys; ``missing`` is how many more are promised than come.
    """

    def __init__(self):
        self.keys = [RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"}, private=True)]
        self.fetches = 0
        self.raw_jwks = None
        self.missing = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.fetches += self.path == "/jwks"
                documents = {"/.well-known/openid-configuration": provider.discovery, "/jwks": provider.jwks}
                body = json.dumps(documents[self.path]).encode()
                promised = 0
                if self.path == "/jwks" and provider.raw_jwks is not None:
                    body, promised = provider.raw_jwks, provider.missing
                self.send_response(200)
                self.send_header("Content-Length", str(len(body) + promised))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.discovery = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def jwks(self):
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, key=None, algorithm="RS256", typ="JWT", **changes):
        key = key or self.keys[0]
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "millrace", "sub": "alice", "iat": now, "exp": now + 300, "jti": "1"}
        claims = {**claims, "realm": {"roles": ["scientist"]}, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": algorithm, "kid": key.as_dict().get("kid"), "typ": typ}
        return jwt.encode({name: value for name, value in header.items() if value is not None}, claims, key)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
