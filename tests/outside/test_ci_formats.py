"""What services of others read: SARIF 2.1.0 and GitHub's workflow commands.

The checks are written by hand, from the SARIF standard (OASIS, sections 3.13 to 3.52 and its schema)
and from GitHub's page on workflow commands: what these require of the parts that florc uses.
"""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_diff_logs import FLORC, PROBED, TRAIN, git, project, run  # noqa: F401

BAD = """\
import numpy as np, torch
data = np.random.rand(4, 3)   # 50 %: a, b
for epoch in range(3):
    data += np.random.rand(4, 3); torch.cumsum(torch.ones(3, device="cuda"), 0)
    print("epoch", epoch, np.random.rand())
"""
LEVELS = {"none", "note", "warning", "error"}


@pytest.fixture
def findings(tmp_path):
    """A folder in which there is something to find, also in files with odd names and none at all."""
    (tmp_path / "a folder,ä").mkdir()
    (tmp_path / "train.py").write_text(BAD)
    (tmp_path / "a folder,ä" / "x:y%.py").write_text("def f(:\n")
    return tmp_path


def keys(value, required, allowed):
    assert required <= set(value), f"missing {required - set(value)}"
    assert set(value) <= required | allowed, f"unknown {set(value) - required - allowed}"


def check_message(message):
    keys(message, {"text"}, {"markdown"})
    assert isinstance(message["text"], str) and message["text"]


def check_location(location, root):
    keys(location, {"physicalLocation"}, {"id", "message"})
    if "id" in location:
        assert isinstance(location["id"], int) and location["id"] >= -1
        check_message(location["message"])
    physical = location["physicalLocation"]
    keys(physical, {"artifactLocation", "region"}, set())
    keys(physical["artifactLocation"], {"uri"}, set())
    uri = urlsplit(physical["artifactLocation"]["uri"])
    assert (uri.scheme, uri.query, uri.fragment) == ("", "", "") and "\\" not in uri.path
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri.path)
    lines = (root / unquote(uri.path)).read_text().split("\n")
    region = physical["region"]
    keys(region, {"startLine", "startColumn", "endLine", "endColumn"}, set())
    assert 1 <= region["startLine"] <= region["endLine"] <= len(lines)
    start, end = (region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"])
    assert region["startColumn"] >= 1 and start <= end
    assert region["endColumn"] <= len(lines[region["endLine"] - 1]) + 1, "in characters, the end is exclusive"


def test_sarif_is_what_the_standard_asks(findings):
    done = run(findings, FLORC, "check", "--format", "sarif", ".")
    assert done.returncode == 1, done.stderr
    log = json.loads(done.stdout)
    keys(log, {"version", "runs"}, {"$schema"})
    assert log["version"] == "2.1.0" and "2.1.0" in log["$schema"]
    (told,) = log["runs"]
    keys(told, {"tool", "results"}, {"columnKind"})
    assert told["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    keys(told["tool"], {"driver"}, set())
    driver = told["tool"]["driver"]
    keys(driver, {"name"}, {"version", "rules"})
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids)), "rules are unique"
    for rule in driver["rules"]:
        keys(rule, {"id"}, {"shortDescription", "help", "defaultConfiguration"})
        check_message(rule["shortDescription"])
        check_message(rule["help"])
        assert rule["defaultConfiguration"]["level"] in LEVELS
    assert len(told["results"]) >= 3
    for result in told["results"]:
        keys(result, {"message"}, {"ruleId", "ruleIndex", "level", "locations", "relatedLocations"})
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in LEVELS
        check_message(result["message"])
        for location in result["locations"] + result["relatedLocations"]:
            check_location(location, findings)
        given = [location["id"] for location in result["relatedLocations"]]
        assert len(given) == len(set(given)), "ids are unique in a result"


COMMAND = re.compile(r"::(error|warning|notice) ([^:\r\n]*)::([^\r\n]*)")
PROPERTIES = {"file", "line", "endLine", "col", "endColumn", "title"}


def check_command(line, root):
    """The parts of a command, unescaped as GitHub's runner does."""
    found = COMMAND.fullmatch(line)
    assert found, line
    level, properties, message = found.groups()
    pairs = dict(each.split("=", 1) for each in properties.split(","))
    assert set(pairs) <= PROPERTIES and {"file", "title"} <= set(pairs)
    for value in [*pairs.values(), message]:
        assert re.fullmatch(r"(?:[^%]|%(?:25|0D|0A|3A|2C))*", value), value
    for name, value in pairs.items():
        for code, letter in [("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")]:
            value = value.replace(code, letter)
        pairs[name] = value
    assert (root / pairs["file"]).is_file(), pairs
    for name in PROPERTIES & set(pairs) - {"file", "title"}:
        assert int(pairs[name]) >= 1
    if "endLine" in pairs:
        assert int(pairs["line"]) <= int(pairs["endLine"])
    assert message
    return level, pairs


def test_workflow_commands_of_check(findings):
    done = run(findings, FLORC, "check", "--format", "github", ".")
    commands = [check_command(line, findings) for line in done.stdout.splitlines()]
    assert {level for level, _ in commands} >= {"error", "warning"}
    assert any(pairs["file"].endswith("x:y%.py") for _, pairs in commands), "names are escaped"


def test_workflow_commands_of_diff_logs(project):  # noqa: F811
    (project / "train.py").write_text(PROBED)
    (project / "odd,name.py").write_text(TRAIN)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "names")
    (project / "odd,name.py").write_text(PROBED.replace("'probe'", "'50 %: a, b'"))
    done = run(project, FLORC, "diff-logs", "HEAD~1", "--format", "github")
    commands = [check_command(line, Path(project)) for line in done.stdout.splitlines()]
    assert {level for level, _ in commands} >= {"notice", "warning"}
    assert {pairs["file"] for _, pairs in commands} >= {"train.py", "odd,name.py"}
