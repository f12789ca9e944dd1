# SPDX-License-Identifier: MIT
"""gdb commands for xylem's fibers:  gdb -x scripts/gdb/xylem.py -p PID  (or a core file)

xylem fibers                 every fiber that waits or is about to go on, with its call chain
xylem fiber N [COMMAND…]     a gdb command (default: bt) as if fiber N ran; a live process only

Parked fibers have their registers on their own stacks, laid out by core/fiber/switch_*.S; the chain
is walked by frame pointers, which all of xylem keeps, so it works on core files too.
"""
import gdb

STATES = ("idle", "running", "parked", "ready")
# Where xyi_switch() left what matters: offset in words from the saved stack pointer.
X86_64 = {"pc": 6, "fp": 5, "words": 7,
          "registers": ("r15", "r14", "r13", "r12", "rbx", "rbp", "rip")}
ARM64 = {"pc": 11, "fp": 10, "words": 20,
         "registers": tuple("x%d" % n for n in range(19, 31))}


def word(address):
    return int(gdb.Value(address).cast(gdb.lookup_type("unsigned long").pointer()).dereference())


def layout():
    return ARM64 if "aarch64" in gdb.selected_frame().architecture().name() else X86_64


def fibers():
    """The fibers in use, oldest first, each as a gdb.Value."""
    fiber_type = gdb.lookup_type("struct xyi_fiber")
    offset = next(f.bitpos // 8 for f in fiber_type.fields() if f.name == "all")
    head = gdb.parse_and_eval("&xyi_fibers_all")
    node = head["next"]
    while node != head:
        fiber = gdb.Value(int(node) - offset).cast(fiber_type.pointer())
        if STATES[int(fiber["state"])] != "idle":
            yield fiber
        node = node["next"]


def saved(fiber):
    """(pc, frame pointer) of a fiber that is not running."""
    point = fiber["point"]
    if "context" in [f.name for f in point.type.fields()]:  # built with -DXYI_UCONTEXT
        registers = point["context"]["uc_mcontext"]["gregs"]
        return int(registers[16]), int(registers[10])
    at, where = int(point["sp"]), layout()
    return word(at + 8 * where["pc"]), word(at + 8 * where["fp"])


def chain(fiber):
    pc, frame = saved(fiber)
    low = int(fiber["stack"]["bytes"])
    high = low + int(fiber["stack"]["size"])
    while pc:
        yield pc
        if not low <= frame < high - 8:
            return
        pc, frame = word(frame + 8), word(frame)


def place(pc):
    """function (file:line), looked up inside the call, not behind it."""
    block = gdb.block_for_pc(pc - 1)
    while block and not block.function:
        block = block.superblock
    name = block.function.name if block else gdb.execute("info symbol %d" % pc, to_string=True)
    line = gdb.find_pc_line(pc - 1)
    source = " (%s:%d)" % (line.symtab.filename, line.line) if line.symtab else ""
    return name.strip() + source


def text(slice_):
    length = int(slice_["len"])
    return slice_["at"].string(length=length) if length else ""


def describe(number, fiber):
    words = ["fiber %d at %#x, %s" % (number, int(fiber), STATES[int(fiber["state"])])]
    if int(fiber["timer"]["at"]):
        words.append("until %d ms" % int(fiber["timer"]["due_ms"]))
    if int(fiber["cancelled"]):
        words.append("cancelled")
    for name in ("module", "host", "stream"):
        if text(fiber["scope"][name]):
            words.append("%s %s" % (name, text(fiber["scope"][name])))
    return ", ".join(words)


class Xylem(gdb.Command):
    """Commands for the xylem server."""

    def __init__(self):
        super().__init__("xylem", gdb.COMMAND_STACK, prefix=True)


class Fibers(gdb.Command):
    """Lists the fibers in use with their call chains."""

    def __init__(self):
        super().__init__("xylem fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        count = 0
        for count, fiber in enumerate(fibers(), 1):
            print(describe(count, fiber))
            if STATES[int(fiber["state"])] == "running":
                print("    (see bt)")
                continue
            for depth, pc in enumerate(chain(fiber)):
                print("    #%-2d %s" % (depth, place(pc)))
        print("%d fibers in use" % count)


class Fiber(gdb.Command):
    """xylem fiber N [COMMAND…]: runs COMMAND (default bt) with the registers of a parked fiber."""

    def __init__(self):
        super().__init__("xylem fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        number, _, command = argument.partition(" ")
        fiber = dict(enumerate(fibers(), 1)).get(int(number))
        if fiber is None or STATES[int(fiber["state"])] == "running":
            raise gdb.GdbError("no parked fiber of that number")
        if "sp" not in [f.name for f in fiber["point"].type.fields()]:
            raise gdb.GdbError("not with a build that switches by ucontext")
        where, at = layout(), int(fiber["point"]["sp"])
        names = list(where["registers"]) + ["sp"] + (["pc"] if where is ARM64 else [])
        gdb.execute("frame 0", to_string=True)
        before = {name: int(gdb.parse_and_eval("$" + name).cast(
            gdb.lookup_type("unsigned long"))) for name in names}
        values = {name: word(at + 8 * i) for i, name in enumerate(where["registers"])}
        values["sp"] = at + 8 * where["words"]
        if where is ARM64:
            values["pc"] = values["x30"]
        try:
            for name in names:
                gdb.execute("set var $%s = %d" % (name, values[name]))
            gdb.execute(command or "bt")
        finally:
            gdb.execute("frame 0", to_string=True)
            for name in names:
                gdb.execute("set var $%s = %d" % (name, before[name]))


Xylem()
Fibers()
Fiber()
