"""First steps of pipelines that look at what a column is, so that an answer shows it if a type was lost on the way."""

import pandas as pd


def as_read(frame):
    """Return for every value its column's dtype and how it reads."""
    return frame.apply(lambda c: pd.Series([f"{c.dtype}: {v!r}" for v in c], index=c.index, dtype=object))


def as_is(frame):
    """Return what is there."""
    return frame


def hours(frame):
    """Return the local hour in the year of every date."""
    return frame.apply(lambda c: c.dt.hour + 24 * c.dt.dayofyear)


def as_integers(frame):
    """Return the integers that dates are kept as: in another unit they are others."""
    return frame.apply(lambda c: c.astype("int64"))


def whole_seconds(frame):
    """Return every duration in seconds."""
    return frame.apply(lambda c: c.dt.total_seconds())


def codes(frame):
    """Return every category's place in its dtype."""
    return frame.apply(lambda c: c.cat.codes)


def but_last(frame, step):
    """Return what a step makes of a frame's columns but the last one."""
    return step(frame.iloc[:, :-1])
