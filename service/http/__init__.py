"""The only package that knows Flask: routes, guards, errors on the wire."""
