# SPDX-License-Identifier: MIT
"""New editions of the project's own modules, for tests of their replacement:

    renew = edition.of(server, "csi")       # the server has not been started yet
    renew()                                 # other bytes, same code: the next reload replaces it
"""
import shutil


def of(server, *modules):
    folder = server.directory / "editions"
    folder.mkdir()
    for module in modules:
        shutil.copy(server.build / "modules" / f"{module}.so", folder)
    inherited = server.environment
    server.environment = lambda: {**inherited(), "XYLEM_MODULES": f"{folder}:{inherited()['XYLEM_MODULES']}"}

    def renew():
        for module in modules:
            made = folder / f"{module}.new"
            made.write_bytes((folder / f"{module}.so").read_bytes() + b"\0")  # behind what ELF describes
            made.rename(folder / f"{module}.so")

    return renew
