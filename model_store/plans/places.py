"""Places that are none: what encoding steps have for the values that get no column, and for those that are refused."""

NOWHERE = -1
REFUSED = -2
