"""Triton's model configuration extension: a version in the words of Triton's ModelConfig.

https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from model_store.schema import Schema
from service.dialects.openinference.metadata import PLATFORM, TensorMetadata, inputs, outputs


class ConfiguredTensor(TypedDict):
    """A tensor's name, type, and sizes after the number of rows; ``optional`` is there for an input."""

    name: str
    data_type: str
    dims: list[int]
    optional: NotRequired[bool]


class SpecificVersions(TypedDict):
    """The versions that are loaded."""

    versions: list[int]


class VersionPolicy(TypedDict):
    """Which versions are loaded."""

    specific: SpecificVersions


class ModelConfiguration(TypedDict):
    """A model's configuration, as far as there is one: its tensors, and the most rows of a request."""

    name: str
    platform: str
    backend: str
    version_policy: VersionPolicy
    max_batch_size: int
    input: list[ConfiguredTensor]
    output: list[ConfiguredTensor]


def model_configuration(name: str, versions: Sequence[int], schema: Schema, *, max_rows: int) -> ModelConfiguration:
    """Return the configuration of a model whose loaded versions are ``versions``; ``schema`` is that of one of them."""
    return ModelConfiguration(
        name=name,
        platform=PLATFORM,
        backend=PLATFORM,
        version_policy={"specific": {"versions": list(versions)}},
        max_batch_size=max_rows,
        input=[{**_tensor(one), "optional": one.declared.get("optional", False)} for one in inputs(schema)],
        output=[_tensor(one) for one in outputs(schema)],
    )


def _tensor(described: TensorMetadata) -> ConfiguredTensor:
    kind = described.datatype.replace("BYTES", "STRING")
    return {"name": described.name, "data_type": f"TYPE_{kind}", "dims": list(described.shape[1:])}
