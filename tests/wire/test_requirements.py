# SPDX-License-Identifier: MIT
"""scripts/check-requirements: each requirement of removal has a test that bears its number, and stays so."""
import re
import shutil
import subprocess

import pytest

from conftest import TOP

pytestmark = pytest.mark.once


@pytest.fixture
def tree(tmp_path):
    """A copy of what the script reads."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "tests" / "wire").mkdir(parents=True)
    shutil.copy(TOP / "scripts" / "check-requirements", tmp_path / "scripts")
    for path in (TOP / "tests" / "wire").glob("test_*.py"):
        shutil.copy(path, tmp_path / "tests" / "wire")
    return tmp_path


def complaints(tree):
    done = subprocess.run([tree / "scripts" / "check-requirements"], capture_output=True, text=True)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return done.stdout.splitlines() if done.returncode else []


def changed(tree, pattern, by):
    """In all files; how often."""
    count = 0
    for path in (tree / "tests" / "wire").glob("test_*.py"):
        text, n = re.subn(pattern, by, path.read_text(), flags=re.M)
        path.write_text(text)
        count += n
    assert count
    return count


def test_each_has_its_test(tree):
    assert complaints(tree) == []


@pytest.mark.parametrize("number", ["s0_1", "s0_16", "s0_31", "s1_1", "s1_19"])
def test_a_number_nobody_bears_is_named(tree, number):
    """The number as a whole: s1_1 is not s1_10."""
    changed(tree, rf"^(def test_\w*?){number}(?=_)", r"\1another")
    assert complaints(tree) == [f"{number.replace('_', '-').upper()}: no test bears its number in its name"]


@pytest.mark.parametrize("by", [r"# \g<0>", r"@pytest.mark.skip\n\g<0>", r'@pytest.mark.xfail(reason="x")\n\g<0>'])
def test_what_does_not_run_does_not_count(tree, by):
    if by.startswith("#"):
        for path in (tree / "tests" / "wire").glob("test_*.py"):
            if "def test_s0_4_" in path.read_text():
                path.write_text("\n".join("# " + line for line in path.read_text().splitlines()))
    else:
        changed(tree, r"^def test_s0_4_", by)
    assert "S0-4: no test bears its number in its name" in complaints(tree)


def test_what_tests_nothing_does_not_count(tree):
    changed(tree, r"^def test_s0_4_", "def of_s0_4_")
    (tree / "tests" / "wire" / "test_more.py").write_text('def test_s0_4_nothing():\n    """It holds."""\n    pass\n')
    assert "S0-4: no test bears its number in its name" in complaints(tree)


def test_numbers_are_written_in_one_way(tree):
    (tree / "tests" / "wire" / "test_more.py").write_text("def test_S0_4_shouted():\n    assert 1 + 1 == 2\n")
    [line] = complaints(tree)
    assert line.startswith("tests/wire/test_more.py:1: test_S0_4_shouted: a number is written in lower case")
