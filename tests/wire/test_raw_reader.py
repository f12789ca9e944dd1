# SPDX-License-Identifier: MIT
"""Who can get at content past the reader that applies a message's state (S1-7): nobody among the modules,
but two that name their purpose. From the object files: what is not imported is not called."""
import re
import subprocess

import pytest

from conftest import TOP

pytestmark = [pytest.mark.xylem, pytest.mark.once]
# By privilege, with a purpose that is on record before anything is shown.
PRIVILEGED = {"hold", "retract_admin"}
# Content as everybody gets it: state applied, tombstones in place of what was taken back.
FILTERED = {"xy_archive_read", "xy_archive_read_ids"}
RAW = "xyi_message_read"


def names(file, which):
    done = subprocess.run(["nm", "-D", f"--{which}-only", str(file)], capture_output=True, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def modules(build):
    found = {path.stem: names(path, "undefined") for path in (build / "modules").glob("*.so")}
    assert {"mam", "hold", "retract"} <= set(found)
    return found


def test_s1_7_no_module_calls_the_raw_reader(build, modules):
    assert RAW in names(build / "libxylem.so.1", "defined"), "the raw reader has another name: say it here"
    private = {name: sorted(n for n in imports if n.startswith("xyi_")) for name, imports in modules.items()}
    assert not {name: found for name, found in private.items() if found}


def test_s1_7_who_reads_by_privilege_is_known(modules):
    assert {name for name, imports in modules.items() if "xy_privileged_read" in imports} == PRIVILEGED


def test_s1_7_no_purpose_is_left_open():
    """Each call names one: a constant, or what the administrator said, which its command refuses to do without."""
    calls = []
    for path in (TOP / "modules").rglob("*.c"):
        calls += [(path.parent.name, c) for c in re.findall(r"xy_privileged_read\(([^;]*)\);", path.read_text())]
    assert {module for module, _ in calls} == PRIVILEGED
    for module, arguments in calls:
        purpose = arguments.split(",")[1].strip()
        assert "purpose" in purpose.lower(), (module, arguments)


def test_s1_7_the_public_interface_has_no_other_way_to_content(build):
    """What hands out stanzas from the store is one of these; whoever adds one decides here whether it is filtered."""
    headers = "\n".join(p.read_text() for p in (TOP / "include" / "xylem").glob("*.h"))
    public = {n for n in names(build / "libxylem.so.1", "defined") if n.startswith("xy_")}
    read = {n for n in public if re.search(r"_(read|recall|fetch|export|content|body|text_of)(_|$)", n)}
    without_content = {"xy_evidence_read", "xy_hold_read", "xy_scope_read", "xy_session_reads_archive", "xy_sql_read_values",
                       "xy_withdrawn_read"}
    assert {n for n in read if re.search(rf"\b{n}\b", headers)} - FILTERED - without_content == {"xy_privileged_read"}


def test_s1_7_a_module_that_tries_is_refused(build, tmp_path, make_server):
    """Neither accepted by the check of the tree nor loaded."""
    source = tmp_path / "peeking.c"
    source.write_text("#include <xylem/xylem.h>\n"
                      f"extern int {RAW}(void);\n"
                      "static xy_status start(XY_SELF)\n{\n"
                      f"    return {RAW}() ? XY_OK : XY_BROKEN;\n"
                      "}\nXY_MODULE(peeking, .about = \"Reads past the reader.\", XY_START(start));\n")
    folder = build / "wire" / "modules"
    module = tmp_path / "peeking.so"
    subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fPIC", "-fvisibility=hidden", "-shared", "-nostartfiles",
                    f"-I{TOP}/include", f"-Wl,--version-script={TOP}/modules/module.map", "-o", module, source,
                    f"-L{build}", "-lxylem"], check=True)
    done = subprocess.run([TOP / "scripts" / "check-module", module], capture_output=True, text=True)
    assert done.returncode != 0 and RAW in done.stdout, done.stdout
    server = make_server(start=False, modules={"peeking": True})
    environment = {**server.environment(), "XYLEM_MODULES": f"{tmp_path}:{folder}"}
    done = subprocess.run([server.build / "xylemd", "-c", server.config_file, "--check"], capture_output=True, text=True,
                          env=environment)
    assert done.returncode != 0 and "peeking" in done.stdout + done.stderr, done.stderr
