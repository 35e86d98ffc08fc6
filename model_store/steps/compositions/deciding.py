"""From the answers of several classifiers to labels."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from model_store.batch import Array
from model_store.plans.plan import Step
from model_store.steps.step import Builder, Run


def _votes(step: Step) -> Run:
    """Return the label that has the most votes in each row, the first of several; a vote is a place in ``labels``.

    ``weights`` says what the votes of each classifier count, 1 if it is not there.
    """
    labels, weights = step.arrays["labels"], step.arrays.get("weights")

    def run(*votes: Array) -> Array:
        counts, lines = np.zeros((len(votes[0]), len(labels))), np.arange(len(votes[0]))
        for vote, weight in zip(votes, _each(weights, len(votes)), strict=True):
            counts[lines, vote] += weight
        chosen: Array = labels[counts.argmax(axis=1)]
        return chosen

    return run


def _each(weights: Array | None, count: int) -> Sequence[float]:
    return [1.0] * count if weights is None else weights.tolist()


def _counted(step: Step) -> Run:
    """Return the share of votes that each of ``width`` classes has; a vote is a class's place."""
    width, over = int(step.settings["width"]), int(step.settings["over"])

    def run(*votes: Array) -> Array:
        counts, lines = np.zeros((len(votes[0]), width)), np.arange(len(votes[0]))
        for vote in votes:
            counts[lines, vote] += 1
        counts /= over
        return counts

    return run


def _labels_at(step: Step) -> Run:
    """Return the ``labels`` at places."""
    labels = step.arrays["labels"]

    def run(places: Array) -> Array:
        chosen: Array = labels[places]
        return chosen

    return run


def _first_most(step: Step) -> Run:
    """Return the label of the classifier with the greatest number in each row, the first of several.

    They are looked at from the last to the first; in a row where one is NaN, those before it are not looked at.
    """
    labels = step.arrays["labels"]

    def run(*scores: Array) -> Array:
        most, places = np.full(len(scores[0]), -np.inf), np.zeros(len(scores[0]), dtype=np.intp)
        for place in range(len(scores) - 1, -1, -1):
            np.maximum(most, scores[place], out=most)
            places[most == scores[place]] = place
        chosen: Array = labels[places]
        return chosen

    return run


def _more_than(step: Step) -> Run:
    """Return 1 where a number is greater than ``than``, else 0, as int64."""
    than = float(step.settings["than"])

    def run(values: Array) -> Array:
        return (values > than).astype(np.int64)

    return run


def _pairs(step: Step) -> Run:
    """Return a number for each of ``width`` classes, of the votes and then the confidences of classifiers of each two.

    A vote is 0 for the first class and 1 for the second.
    """
    width = int(step.settings["width"])
    count = width * (width - 1) // 2

    def run(*values: Array) -> Array:
        return of_pairs(values[:count], values[count:], width)

    return run


def of_pairs(votes: Sequence[Array], confidences: Sequence[Array], width: int) -> Array:
    """Return the votes for each of ``width`` classes (rows, classes), and less than half a vote for the confidence.

    There is one vector of each for each two classes. Confidences are summed and squeezed into a third on either side of
    0, so that they decide between equal votes alone. Source: scikit-learn's one-against-one decision function.
    """
    counts, sums = np.zeros((len(votes[0]), width)), np.zeros((len(votes[0]), width))
    for (first, second), vote, confidence in zip(combinations(range(width), 2), votes, confidences, strict=True):
        sums[:, first] -= confidence
        sums[:, second] += confidence
        counts[vote == 0, first] += 1
        counts[vote == 1, second] += 1
    squeezed: Array = counts + sums / (3 * (np.abs(sums) + 1))
    return squeezed


def _shares(_step: Step) -> Run:
    """Divide each row by its sum, unless that is 0."""

    def run(values: Array) -> Array:
        sums, made = np.sum(values, axis=1)[:, np.newaxis], values.copy(order="K")
        np.divide(values, sums, out=made, where=sums != 0)
        return made

    return run


def _two_shares(_step: Step) -> Run:
    """Return 1 less a number, and the number."""

    def run(values: Array) -> Array:
        return np.concatenate((1 - values, values), axis=1)

    return run


BUILDERS: Mapping[str, Builder] = {
    "votes": _votes,
    "counted": _counted,
    "labels_at": _labels_at,
    "first_most": _first_most,
    "more_than": _more_than,
    "pairs": _pairs,
    "shares": _shares,
    "two_shares": _two_shares,
}
