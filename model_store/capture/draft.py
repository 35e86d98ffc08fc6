"""From a fitted estimator and sample rows to the files of a version, not yet numbered or sealed."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_store import seal
from model_store.artifacts import joblib_format
from model_store.capture.artifact import Owned, Written, write_artifact
from model_store.capture.comparison.comparison import check_answers
from model_store.capture.comparison.rounding import settled
from model_store.capture.comparison.steadiness import steadied
from model_store.capture.compiled import write_plan
from model_store.capture.inference import infer
from model_store.capture.libraries import libraries_of
from model_store.capture.optimisation.search import smaller
from model_store.capture.options import CaptureOptions, Progress
from model_store.capture.recording import profile_of
from model_store.capture.sample import samples
from model_store.declaration.advice import warnings_of
from model_store.declaration.contract import WARNINGS
from model_store.declaration.document import read
from model_store.manifest import ANY_LIBRARY_VERSION, Manifest
from model_store.reference import golden, profile
from model_store.schema import Schema


def capture(estimator: Any, sample: Any, folder: Path, options: CaptureOptions, progress: Progress) -> Manifest:
    """Write artifact, golden rows and profile into ``folder``, and return the draft of a manifest, with version 1.

    Raises BadSample and BadSchema if sample, estimator and what is declared do not fit, ArtifactUnreadable if no format
    can hold the estimator.
    """
    return capture_owned(Owned(estimator), sample, folder, options, progress)


def capture_owned(owned: Owned, sample: Any, folder: Path, options: CaptureOptions, progress: Progress) -> Manifest:
    """Do what ``capture`` does with an estimator that nobody else needs, and let go of it as soon as it is written."""
    optimised = _optimised(owned, options, progress)
    progress("reading the schema from the sample")
    inferred = infer(owned.estimator, samples.laid_out(sample), options.unknown_categories, options.schema)
    if samples.is_foreign_frame(sample):
        inferred = replace(inferred, rows=sample[list(inferred.schema.names)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about feature names and the like: the answers are compared
        progress("recording golden answers and the reference profile")
        inferred, own, told = steadied(owned.estimator, inferred)
        kept = settled(owned.estimator, inferred.schema, own)
        progress("comparing them with what is served, in every format")
        check_answers(owned.estimator, inferred, kept, told.append)
        golden.write(folder, kept)
        described = profile_of(owned.estimator, inferred)
        profile.write(folder, described)
        warned = [*told, *warnings_of(inferred.schema, inferred.batch, read(options.schema or {}), described)]
        progress("compiling, and comparing rows alone with rows in company")
        engines = write_plan(owned.estimator, inferred, kept, folder, options.batching)
        progress("writing the artifact")
        draft = _draft(owned.estimator, inferred.schema, options, warned)
        written = write_artifact(owned, inferred.schema, kept, folder, options.artifact_format)
    return _with_files(replace(draft, options={**draft.options, **engines, **optimised}), folder, written)


def _optimised(owned: Owned, options: CaptureOptions, progress: Progress) -> Mapping[str, Any]:
    """Make the estimator the smallest that keeps the publisher's goal, if there is one; return what to note of it."""
    if options.goal is None:
        return {}
    progress("trying smaller forms of the estimator")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = smaller(owned.estimator, options.goal, progress)
    owned.estimator = found.estimator
    return found.option


def _draft(estimator: Any, schema: Schema, options: CaptureOptions, warned: list[str]) -> Manifest:
    forced = {ANY_LIBRARY_VERSION: True} if options.force else {}
    return Manifest(
        model=options.name,
        version=1,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=options.created_by,
        artifact_format=joblib_format.NAME,
        files={},
        libraries=libraries_of(estimator),
        schema=schema,
        estimator=f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        metrics=dict(options.metrics),
        options={**forced, **({WARNINGS: warned} if warned else {})},
    )


def _with_files(draft: Manifest, folder: Path, written: Written) -> Manifest:
    files = seal.file_seals(folder)
    return replace(
        draft,
        artifact_format=written.format,
        files=files,
        bytes=sum(file.bytes for file in files.values()),
        options={**draft.options, **written.options},
    )
