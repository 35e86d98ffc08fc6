"""Arrow IPC files as other writers make them, recorded: age [31.0, null], visits [2, 7], city [Oslo, Lima]."""

import base64
import zlib

_RECORDED = {
    "polars": (
        "eNrVUz1LA0EQfXdZzosucsYUKSxSplSwsPPSC4E0qYNIOEiIcEGwS+kP8Kf4A/w1YmElFkGE883cXli2kuucYz/mzby3H7M3nk4n"
        "swvAAPisqqoPmUfsD3GElL3BjrglkvKTaIf9Pdslat4T42ccM80BogHUfogbGM25LTaPgr0QG/m5cZ37RTwXX/EuOSkSzh+KstiU"
        "wAfj5/SHbCIfdUSjx7wMJ6pkVeebeTGZidvnfHGnOOFq5/YrWroQre9OZHGqepbem2rU9sw2cnnAMdc2zMkUcRJ7S7x5E8vdmLlx"
        "G3C2Qfw1iDf+0MPkXHGwThzwQj/cazu7ztsym/0ctORL3Sblcu37N8Vq/le+1B9e/eUgV/v6y+vpsQby6qze1Xt4ccEF/vd/IqXo"
        "WP/9X8/ObMs="
    ),
    "arrow-rs": (
        "eNpzDAryDzdkIBv8B4IfQFoAzONi4AFiTgYWIAkVY2Rh4ABCBgYWKMnAwAzEE4DYBcq/AjRDAkjzgM1gZBWAms0ChhA1yZkllQxg"
        "M0WAmI+BHyzKAbYDpFcBopdJBizKA5TlBtvnADGKEUSwAXFZZnFmSTHIHDGs5shAlDNLMEB0cAAxG5jNBCZBbk9MT0XxvwUjxK88"
        "QLcJMQiCfcoDNesAI1QhMwtQTAaojgcoywKWPwHEPtBwYkIKU2YkPkw7E1q4M2GJC3YkNieUhvqfQQJKN6DJH0CTh1kI1w/li8D0"
        "Q/nocURJ+gEBRgr1Q3j2DuTq/0+h/UxY4oCe9jNA8wkHmfr9i3PyfTJzE8mxHzl9QPIAIo0/gaYpAWhqGY5lASNSPoHRB9AStAKQ"
        "7wguawG4OXBB"
    ),
    "Arrow JavaScript": (
        "eNqtU71Ow0AM9jVHeyoROYmoRCgDD8DCxkYrMTBUatWFjlQIQSQQQyoE78MDMDIy8BA8AiNvALbja9yjbFhqfb6fz/4+O6PZbHJ+"
        "BPCN9gIAOTSWQgn7sIuxxTVAAWvW8ewsOOiLB2j2+ng3xdjyCeGd0QP1OIG/zUfeqTMT4QSz6t6kvr0fV3cL4vO5xmeA6wxxGz4X"
        "qhzPGL/rfozyddV6GPlQ7zSqbRrxmEfn8w08E5XXBMGjd3Fs4D/sZKjxewqb9Aw8U1Rnh5V0rCXtHUonTuV+4PMqvohq/ZD1l3jV"
        "D3jGXFZ0eJc+5JynRNwM9hDNYkR5j9seG8mxVchMXFbLp3ZGrMyJW80rxW8NL3PA+DnvZYzs+N+3tXdKmYGHqq6WdegbzUwv8BUc"
        "qm+bvx5Sy6saxSeF8FtcX62my+GvK+rfoEgj/jZ/APYjMAU="
    ),
}

BODIES = {writer: zlib.decompress(base64.b64decode(text)) for writer, text in _RECORDED.items()}
