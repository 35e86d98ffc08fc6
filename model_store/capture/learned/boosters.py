"""XGBoost, LightGBM and CatBoost: the splits of their trees that were found with gaps.

LightGBM says at each split how the column's gaps were treated, CatBoost once for each column. XGBoost gives each split
a side for gaps, always the same one if it saw none: the right one (the left one with ``tree_method="exact"``), and at
categories the left one.
"""

import json
from collections.abc import Iterator
from typing import Any

from model_store.capture.learned.places import Gaps, Places, gaps_at

_ROUNDS = 64
"""Rounds of boosting whose trees are read at a time: a large model is never all in memory as text."""
_UNTREATED = "AsIs"
"""What CatBoost says of a column that had no gap."""
_TYPE_OF_GAPS = 0b1100
"""The bits of LightGBM's ``decision_type``: zero if the column had no gap, else gaps are NaN, or zeros as well."""


def boosted_gaps(part: Any, places: Places) -> Gaps:
    """Return the columns in which XGBoost, LightGBM or CatBoost was fitted with gaps."""
    try:
        if hasattr(part, "get_booster"):
            return gaps_at(places, _of_xgboost(part.get_booster()))
        if hasattr(part, "booster_") and hasattr(part.booster_, "model_to_string"):
            return gaps_at(places, _of_lightgbm(part.booster_))
        if hasattr(part, "_get_nan_treatments"):
            return gaps_at(places, _of_catboost(part))
    except Exception:  # noqa: BLE001 - not fitted, or a booster without trees: neither shows any gap
        return {}
    return {}


def _of_xgboost(booster: Any) -> set[int]:
    sides: dict[tuple[int, int], set[int]] = {}
    for tree in _trees(booster):
        for feature, side, child, kind in zip(
            tree["split_indices"], tree["default_left"], tree["left_children"], tree["split_type"], strict=True
        ):
            if child != -1:
                sides.setdefault((feature, kind), set()).add(side)
    return {feature for (feature, kind), seen in sides.items() if len(seen) > 1 or (kind == 1 and 0 in seen)}


def _trees(booster: Any) -> Iterator[dict[str, Any]]:
    rounds = booster.num_boosted_rounds()
    for start in range(0, rounds, _ROUNDS):
        document = json.loads(booster[start : min(start + _ROUNDS, rounds)].save_raw("json"))
        model = document["learner"]["gradient_booster"]
        yield from model.get("gbtree", model)["model"]["trees"]


def _of_lightgbm(booster: Any) -> set[int]:
    found: set[int] = set()
    features: list[int] = []
    for start in range(0, booster.current_iteration(), _ROUNDS):
        for line in booster.model_to_string(num_iteration=_ROUNDS, start_iteration=start).splitlines():
            key, _, text = line.partition("=")
            if key == "split_feature":
                features = list(map(int, text.split()))
            elif key == "decision_type":
                kinds = map(int, text.split())
                found |= {i for i, kind in zip(features, kinds, strict=True) if kind & _TYPE_OF_GAPS}
    return found


def _of_catboost(part: Any) -> list[int]:
    treatments = part._get_nan_treatments()  # noqa: SLF001 - nothing public says it without a file of the whole model
    return [i for i, treatment in treatments.items() if treatment != _UNTREATED]
