"""What the bodies of metadata say of a column."""

from dataclasses import replace

from model_store.schema import Column
from service.dialects import json_schema

CITY = Column("city", "string", categories=("Oslo", "Rome"))
MAIL = Column("mail", "string", categories=("a@example.org", "b@example.org"))


def test_categories_that_look_like_names_are_told():
    assert json_schema.value(CITY)["description"] == "city (string); known: Oslo, Rome"
    assert json_schema.example(CITY) == "Oslo"


def test_categories_that_may_be_persons_are_not_told():
    assert json_schema.value(MAIL) == {"type": "string", "description": "mail (string)"}
    assert json_schema.example(MAIL) == "text"


def test_categories_that_callers_must_choose_from_are_told_all_the_same():
    told = json_schema.value(replace(MAIL, closed=True))
    assert told["enum"] == ["a@example.org", "b@example.org"]
