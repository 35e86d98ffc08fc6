"""The files of the log profile: fields of the common schema, saved objects that refer to one another."""

import csv
import json
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ELK = HERE.parents[1] / "monitoring" / "elk"


def leaves(properties, above=""):
    for name, mapping in properties.items():
        if "properties" in mapping:
            yield from leaves(mapping["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}", mapping["type"]


def test_the_template_maps_fields_of_the_common_schema_by_their_types():
    with (HERE / "data" / "ecs_fields.csv").open(encoding="utf-8") as rows:
        types = {row["Field"]: row["Type"] for row in csv.DictReader(rows)}
    template = json.loads((ELK / "index-template.json").read_text())["template"]
    mapped = dict(leaves(template["mappings"]["properties"]))
    assert {name: types.get(name) for name in mapped} == mapped


def test_labels_are_keywords_whatever_they_look_like():
    template = json.loads((ELK / "index-template.json").read_text())["template"]
    first = template["mappings"]["dynamic_templates"][0]["labels"]
    assert (first["path_match"], first["mapping"]["type"]) == ("labels.*", "keyword")


def test_saved_objects_refer_only_to_one_another():
    objects = [json.loads(line) for line in (ELK / "kibana.ndjson").read_text().splitlines()]
    known = {(one["type"], one["id"]) for one in objects}
    assert ("dashboard", "millrace") in known
    assert ("index-pattern", "millrace-logs") in known
    for one in objects:
        assert {(r["type"], r["id"]) for r in one["references"]} <= known
        for text in (v for k, v in one["attributes"].items() if k.endswith(("JSON", "visState"))):
            json.loads(text)


def test_filebeat_writes_into_the_indices_of_the_template_and_the_data_view():
    filebeat = yaml.safe_load((ELK / "filebeat.yml").read_text())
    (pattern,) = json.loads((ELK / "index-template.json").read_text())["index_patterns"]
    assert filebeat["output.elasticsearch"]["index"].startswith(pattern.removesuffix("*"))
    assert pattern in (ELK / "kibana.ndjson").read_text()
