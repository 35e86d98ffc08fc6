"""A declared setting: typed, bounded, complete, frozen; every fault named at once; secrets masked."""

import pytest

from service.settings import BadSetting
from service.settings.declaration import Declared, Derived, Group, masked, setting
from service.settings.kinds import digits, names, number, one_of, path, switch, text, whole, written


class Sample(Declared):
    rows = setting("ROWS", 5, whole(1, 10), "How many.", group=Group.LIMITS)
    share = setting("SHARE", 0.5, number(0, 1), "How much.", group=Group.LIMITS)
    twice = setting("TWICE", Derived("twice ROWS", lambda values: 2 * values["ROWS"]), whole(1, 99), "", group="g")
    level = setting("LEVEL", "LOW", one_of("LOW", "HIGH"), "How high.", group=Group.LIMITS)
    on = setting("ON", False, switch, "Whether.", group=Group.LIMITS)
    folder = setting("FOLDER", None, path, "Where.", group=Group.LIMITS)
    models = setting("MODELS", (), names, "Which.", group=Group.LIMITS)
    url = setting("URL", "sqlite:///x.db", text, "Where.", group=Group.LIMITS, secret=True, in_file="A file with it.")
    code = setting("CODE", 7, whole(1, 10), "Which.", group=Group.LIMITS, secret=True)


class More(Sample):
    last = setting("LAST", 1, whole(0, 1), "The last.", group=Group.LIMITS)
    rows = Sample.rows


def test_without_any_text_every_setting_has_its_default():
    values = Sample({})
    assert (values.rows, values.share, values.twice, values.level, values.on) == (5, 0.5, 10, "LOW", False)
    assert (values.folder, values.models, values.url) == (None, (), "sqlite:///x.db")


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_text_means_the_default(blank):
    assert Sample({"ROWS": blank, "LEVEL": blank, "FOLDER": blank}).values == Sample({}).values


def test_texts_become_values_of_their_kind(tmp_path):
    given = {"ROWS": " 3 ", "SHARE": "1", "LEVEL": "high", "ON": "on", "FOLDER": "here", "MODELS": " a, ,b"}
    values = Sample(given)
    assert (values.rows, values.share, values.twice, values.level, values.on) == (3, 1.0, 6, "HIGH", True)
    assert values.folder.is_absolute()
    assert values.models == ("a", "b")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("ROWS", "0", "ROWS is '0': expected a whole number from 1 to 10"),
        ("ROWS", "11", "ROWS is '11': expected a whole number from 1 to 10"),
        ("ROWS", "many", "ROWS is 'many': expected a whole number from 1 to 10"),
        ("SHARE", "nan", "SHARE is 'nan': expected a number from 0 to 1"),
        ("LEVEL", "mid", "LEVEL is 'mid': expected one of LOW, HIGH"),
        ("ON", "yes", "ON is 'yes': expected ON or OFF"),
        ("CODE", "abc", "CODE is ***: expected a whole number from 1 to 10"),
    ],
)
def test_an_error_names_variable_value_and_what_was_expected_but_no_secret(name, given, expected):
    with pytest.raises(BadSetting) as raised:
        Sample({name: given})
    assert str(raised.value) == expected


def test_all_errors_are_told_at_once():
    with pytest.raises(BadSetting) as raised:
        Sample({"ROWS": "0", "LEVEL": "mid", "SHARE": "1"})
    assert [line.partition(" ")[0] for line in str(raised.value).splitlines()] == ["ROWS", "LEVEL"]


def test_a_value_may_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text("postgresql://u:p@h/d\n")
    assert Sample({"URL_FILE": str(tmp_path / "url"), "URL": "other"}).url == "postgresql://u:p@h/d"
    with pytest.raises(BadSetting, match=r"URL_FILE is .*/none': it cannot be read"):
        Sample({"URL_FILE": str(tmp_path / "none")})


def test_values_are_frozen():
    values = Sample({})
    with pytest.raises(AttributeError, match="ROWS is read once"):
        values.rows = 4
    with pytest.raises(TypeError):
        values.values["ROWS"] = 4


def test_a_class_extends_another_and_shares_its_declarations():
    declared = [one.name for one in More.declarations()]
    assert declared[0] == "ROWS"
    assert declared[-2:] == ["LAST", "ROWS"]
    assert More.rows is Sample.rows


def test_what_is_shown_reads_back_as_the_same_values():
    shown = Sample({"ON": "ON", "MODELS": "a,b", "SHARE": "0.123456789", "FOLDER": "x"}).shown()
    assert shown["SHARE"] == "0.123456789"
    assert Sample({**shown, "CODE": ""}).shown() == shown


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("sqlite:///var/x.db", "sqlite:///var/x.db"),
        ("postgresql+psycopg://user@host:5432/name", "postgresql+psycopg://user@host:5432/name"),
        ("postgresql://user:secret@host/name", "postgresql://user:***@host/name"),
        ("postgresql://host/name?password=secret", "postgresql://host/name?***"),
        ("postgresql://host/name?password=sec@ret", "***"),
        ("postgresql://user:se?cret@host/name", "***"),
        ("postgresql://user:1?secret@host/name", "***"),
        ("postgresql://user:se/cret@host/name", "***"),
        ("postgresql://user:sec@ret@host/name", "***"),
        ("secret", "***"),
        ("", ""),
    ],
)
def test_of_a_secret_nothing_is_shown_but_a_urls_open_parts(secret, shown):
    assert masked(secret) == shown


def test_digits_alone_is_stricter_than_a_number():
    strict = setting("N", 5, digits(whole(1, 2000)), "How many.", group=Group.LIMITS)
    assert strict.kind.read("1000") == whole(1, 2000).read("1e3") == 1000
    for refused in ("1e3", "5.0", "+5", " 5", "\u0665", "0", "3000"):
        assert strict.fault(refused).endswith("expected a whole number from 1 to 2000")


@pytest.mark.parametrize(
    ("value", "as_text"), [(None, ""), (True, "ON"), (False, "OFF"), (1.0, "1"), (0.25, "0.25"), (("a", "b"), "a,b")]
)
def test_values_are_written_as_their_kind_reads_them(value, as_text):
    assert written(value) == as_text
