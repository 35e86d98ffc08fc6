"""Docstrings of public functions begin with a verb, more strictly than ruff's D401, and name what is raised."""

import ast
import builtins
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("service", "model_store", "deploy", "monitoring", "bench", "examples")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NESTED = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
NO_VERB = re.compile(
    "(An?|All|Any|Each|Every|Everything|For|From|How|It|Its|No|None|One|Raises|The|This|What|When|Where|Whether"
    r"|Which|Who|Whom|Why)\b"
)
PORT = re.compile(r"See ([A-Z]\w+)\.")


class Sources:
    """Parsed files, and what is known of their names: which are classes, which are functions that return an error."""

    def __init__(self, *folders):
        paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
        self.modules = {path: ast.parse(path.read_text()) for path in paths}
        nodes = [(path, node) for path, module in self.modules.items() for node in ast.walk(module)]
        self._classes = {node.name: node for _path, node in nodes if isinstance(node, ast.ClassDef)}
        self._path_of = {node: path for path, node in nodes if isinstance(node, ast.Raise)}
        self._made = {}
        for path, node in nodes:
            if isinstance(node, FUNCTIONS) and node.returns and self.is_exception(ast.unparse(node.returns)):
                private = node.name.startswith("_")
                self._made[path if private else None, node.name] = ast.unparse(node.returns)

    def raised(self, statement):
        """Return the name of the class that a statement raises, None if its text does not tell."""
        called = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        names = ast.unparse(called).split(".") if called else []
        made = [self._made.get((path, names[-1])) for path in (self._path_of[statement], None) if names]
        return next((name for name in (*names, *made) if name and self.is_exception(name)), None)

    def is_exception(self, name):
        return "BaseException" in self.lineage(name)

    def lineage(self, name):
        """Return the names of a class and of all that it inherits from."""
        if name in self._classes:
            bases = (ast.unparse(base).split(".")[-1] for base in self._classes[name].bases)
            return {name}.union(*map(self.lineage, bases))
        known = getattr(builtins, name, None)
        return {kind.__name__ for kind in known.__mro__} if isinstance(known, type) else {name}

    def docstring(self, class_name, method):
        """Return the docstring of a class's method, empty if there is none."""
        members = self._classes[class_name].body if class_name in self._classes else []
        found = [member for member in members if isinstance(member, FUNCTIONS) and member.name == method]
        return (ast.get_docstring(found[0]) or "") if found else ""


def public_functions(node):
    """Yield the functions of a module and the methods of its classes whose names have no leading underscore."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef)) and child.name.startswith("_"):
            continue
        if isinstance(child, FUNCTIONS):
            yield child
        else:
            yield from public_functions(child)


def raised_by(node, sources):
    """Yield what a body raises and does not catch around it; the bodies of nested functions are not its own."""
    if isinstance(node, ast.Raise) and (name := sources.raised(node)):
        yield name
    for field, value in ast.iter_fields(node):
        caught = caught_by(node) if isinstance(node, ast.Try) and field == "body" else set()
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, NESTED):
                yield from (name for name in raised_by(child, sources) if not caught & sources.lineage(name))


def caught_by(statement):
    kinds = [handler.type or ast.Name("BaseException") for handler in statement.handlers]
    return {ast.unparse(one).split(".")[-1] for kind in kinds for one in getattr(kind, "elts", [kind])}


def not_named(function, sources):
    """Return what a function raises and neither its docstring nor that of the port it implements names."""
    said = ast.get_docstring(function) or ""
    if port := PORT.search(said):
        said += sources.docstring(port[1], function.name)
    words = set(re.findall(r"\w+", said))
    below = {word for word in words if sources.is_exception(word)}
    return sorted(
        name
        for name in set(raised_by(function, sources))
        if name not in words and not any(name in sources.lineage(word) for word in below)
    )


def findings(sources):
    return [
        f"{path}:{function.lineno}: {function.name} does not name {', '.join(missing)}"
        for path, module in sources.modules.items()
        for function in public_functions(module)
        if (missing := not_named(function, sources))
    ]


def test_public_functions_name_what_they_raise():
    assert findings(Sources(*(ROOT / package for package in PACKAGES))) == []


def without_verb(sources):
    """Return a line for each function whose docstring begins with no verb; a property's may name what it is."""
    return [
        f"{path}:{node.lineno}: {node.name} begins with no verb"
        for path, module in sources.modules.items()
        for node in ast.walk(module)
        if isinstance(node, FUNCTIONS) and not any("property" in ast.unparse(one) for one in node.decorator_list)
        if NO_VERB.match(ast.get_docstring(node) or "")
    ]


def test_docstrings_begin_with_a_verb():
    assert without_verb(Sources(*(ROOT / package for package in PACKAGES))) == []


PLANTED = '''
class Refused(Exception):
    """It was refused."""

class TooLate(Refused):
    """It came too late."""

def refused() -> Refused:
    """Return the error."""

class Port:
    def take(self):
        """Take it. Raises Refused."""

    def give(self):
        """Give it."""

class Taker(Port):
{method}
'''


@pytest.fixture
def found_in(tmp_path):
    def found(method):
        (tmp_path / "planted.py").write_text(PLANTED.replace("{method}", textwrap.indent(method, "    ")))
        return [finding.split(": ", 1)[1] for finding in findings(Sources(tmp_path))]

    return found


@pytest.mark.parametrize(
    "body",
    [
        "raise Refused('why')",
        "raise Refused",
        "raise Refused.of('why')",
        "raise refused()",
        "if self:\n        raise Refused",
        "try:\n        raise Refused\n    except ValueError:\n        pass",
        "try:\n        self()\n    except Refused as error:\n        raise Refused from error",
    ],
)
def test_a_public_method_that_does_not_name_what_it_raises_is_found(found_in, body):
    assert found_in(f'def do(self):\n    """Do it."""\n    {body}\n') == ["do does not name Refused"]


@pytest.mark.parametrize(
    "body",
    [
        "raise",
        "raise self.error",
        "try:\n        raise TooLate\n    except Refused:\n        pass",
        "def later():\n        raise Refused\n    return later",
    ],
)
def test_what_a_body_catches_or_leaves_to_others_need_not_be_named(found_in, body):
    assert found_in(f'def do(self):\n    """Do it."""\n    {body}\n') == []


def test_private_functions_need_not_name_what_they_raise(found_in):
    assert found_in("def _do(self):\n    raise Refused\n") == []


def test_the_name_of_a_narrower_class_is_enough(found_in):
    assert found_in('def do(self):\n    """Do it. Raises TooLate."""\n    raise Refused\n') == []


def test_an_implementation_of_a_port_may_leave_the_naming_to_the_port(found_in):
    assert found_in('def take(self):\n    """See Port."""\n    raise Refused\n') == []


def test_a_port_that_does_not_name_it_does_not_help_its_implementation(found_in):
    assert found_in('def give(self):\n    """See Port."""\n    raise Refused\n') == ["give does not name Refused"]


@pytest.mark.parametrize("first", ["Whether it is done.", "What it did.", "The result.", "None."])
def test_a_docstring_without_a_verb_is_found(tmp_path, first):
    (tmp_path / "planted.py").write_text(f'def done():\n    """{first}"""\n')
    assert [finding.split(": ", 1)[1] for finding in without_verb(Sources(tmp_path))] == ["done begins with no verb"]


def test_a_property_may_say_what_it_is(tmp_path):
    (tmp_path / "planted.py").write_text('@property\ndef done(self):\n    """Whether it is done."""\n')
    assert without_verb(Sources(tmp_path)) == []
