"""What all lines of a process have in common, once `service.logs.configuration` has decided it."""

from dataclasses import dataclass, field

from service.logs.lines import Constant, Descriptor, Sink, constant
from service.logs.slowest import Slowest


@dataclass(slots=True)
class Output:
    """Where lines go, the fields of each, and the share of successful requests that get an access line."""

    sink: Sink
    constant: Constant
    access_sampling: float = 1.0
    slowest: Slowest = field(default_factory=Slowest)


output = Output(Descriptor(1), constant(""))
