"""Engines that answer by a function of the rows, and schemas for them."""

import numpy as np

from model_store.batch import Batch
from model_store.engines.engine import Engine
from model_store.schema import Column, Output, Schema

ROWS = np.random.default_rng(0).normal(size=(200, 3)).round(2)
SAMPLE = Batch(len(ROWS), matrix=ROWS)


def schema(*outputs, nullable=False):
    """Three columns of floats."""
    columns = tuple(Column(name, "float64", nullable=nullable) for name in "abc")
    return Schema("matrix", columns, outputs or (Output("predict", "float64"),))


class Answering(Engine):
    """Answers each output by its function, which takes a matrix; counts the calls and the most rows in one."""

    name = "answering"

    def __init__(self, **functions):
        self.functions = functions
        self.calls = 0
        self.most = 0

    def predict(self, batch, outputs):
        self.calls += 1
        self.most = max(self.most, batch.rows)
        return {name: self.functions[name](batch.matrix) for name in outputs}


def doubled(rows):
    """Treat each row alone."""
    return rows[:, 0] * 2.0


def less_the_mean(rows):
    """Subtract what the rows have in common."""
    return rows[:, 0] - rows[:, 0].mean()
