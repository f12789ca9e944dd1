# Builds xylem. `make help` lists the targets. Variants live side by side:
#   make BUILD=build-asan SAN=address,undefined     make BUILD=build-tsan SAN=thread CC=clang
BUILD  ?= build
CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib
RUNDIR ?= /run
KITDIR := $(PREFIX)/share/xylem
VERSION := 0.1.0

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
        -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough $(WERROR)
OPT  ?= -O2
HARDEN := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fstack-clash-protection
CFLAGS ?= -g
PACKAGES := libevent gnutls expat yaml-0.1 libidn nettle hogweed jansson
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES))
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=undefined -DXYI_SANITIZED)
ALL_CFLAGS := -std=gnu17 $(OPT) $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) -fPIC -fno-omit-frame-pointer \
        -fno-semantic-interposition -pthread -D_GNU_SOURCE -I. -Iinclude -MMD -MP \
        -DXYI_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
ALL_LDFLAGS := $(SANFLAGS) -Wl,-z,relro,-z,now -pthread $(LDFLAGS)

PROGRAMS := core/server/xylemd.c core/server/xylemctl.c
CORE := $(filter-out $(PROGRAMS),$(wildcard core/*/*.c core/*/*.S))
OBJECTS := $(patsubst %,$(BUILD)/%.o,$(basename $(CORE)))
# A storage driver is core/store/drivers/NAME.c, with NAME_*.c where one file is not enough.
DRIVER_PARTS := $(wildcard core/store/drivers/*.c)
DRIVERS := $(patsubst core/store/drivers/%.c,$(BUILD)/drivers/%.so,\
        $(foreach part,$(DRIVER_PARTS),$(if $(findstring _,$(notdir $(part))),,$(part))))
# A module is modules/NAME.c, or modules/NAME/*.c where one file is not enough. A folder without
# module.c is a part that the modules link which name it in MODULE_PARTS_NAME.
MODULE_PARTS_mam := archives
MODULE_PARTS_muc_mam := archives room_access
MODULE_PARTS_removal_sync := room_access
MODULE_PARTS_retract := removals
MODULE_PARTS_retract_muc := removals
MODULES := $(patsubst modules/%.c,$(BUILD)/modules/%.so,$(wildcard modules/*.c)) \
           $(patsubst modules/%/,$(BUILD)/modules/%.so,$(dir $(wildcard modules/*/module.c)))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH_PARTS := tests/bench/client.c tests/bench/meter.c tests/bench/crowd.c
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out $(BENCH_PARTS),$(wildcard tests/bench/*.c)))
WIRE := $(patsubst tests/wire/%.c,$(BUILD)/wire/%,$(wildcard tests/wire/*.c))
LIB := $(BUILD)/libxylem.so.1

.PHONY: all help test unit bench fuzz wire crash format check install clean
all: $(LIB) $(BUILD)/xylemd $(BUILD)/xylemctl $(DRIVERS) $(MODULES)
help:
	@echo "make            server, tools, library, drivers, modules into $(BUILD)/"
	@echo "make test       everything ./scripts/test runs, without installing packages"
	@echo "make bench      load figures beside other servers (docs/performance.md)"
	@echo "make format     clang-format; make check: layers, module hygiene, format, sizes"
	@echo "make install    DESTDIR= PREFIX=$(PREFIX)"

$(LIB): $(OBJECTS) core/libxylem.map
	$(CC) -shared -Wl,-soname,libxylem.so.1 -Wl,--version-script=core/libxylem.map \
	  -Wl,-Bsymbolic-functions $(if $(SAN),,-Wl,--no-undefined) $(ALL_LDFLAGS) -o $@ $(OBJECTS) $(PKG_LIBS) -ldl
	ln -sf libxylem.so.1 $(BUILD)/libxylem.so
$(BUILD)/xylemd $(BUILD)/xylemctl: $(BUILD)/%: $(BUILD)/core/server/%.o $(LIB)
	$(CC) $(ALL_LDFLAGS) -Wl,-rpath,'$$ORIGIN:$$ORIGIN/../lib' -o $@ $< -L$(BUILD) -lxylem $(PKG_LIBS)
DRIVER_LIBS_sqlite := -lsqlite3
DRIVER_LIBS_pgsql := -lpq
$(BUILD)/core/store/drivers/%.o: ALL_CFLAGS += -fvisibility=hidden $(shell pkg-config --cflags libpq)
.SECONDEXPANSION:
.SECONDARY:
driver-objects = $(patsubst %.c,$(BUILD)/%.o,$(filter core/store/drivers/$(1).c core/store/drivers/$(1)_%,$(DRIVER_PARTS)))
$(BUILD)/drivers/%.so: $$(call driver-objects,$$*) $(LIB)
	@mkdir -p $(@D)
	$(CC) -shared $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -L$(BUILD) -lxylem $(DRIVER_LIBS_$*)

# A module exports xy_module and nothing else, and has no start files: nothing of it runs at loading.
MODULE_CFLAGS := -fvisibility=hidden $(if $(findstring clang,$(CC)),,-fno-gnu-unique)
MODULE_LDFLAGS := -shared -nostartfiles -Wl,--version-script=modules/module.map $(if $(SAN),,-Wl,--no-undefined)
$(BUILD)/modules/%.o: modules/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -c -o $@ $<
MODULE_LIBS_audit := -lhogweed -lnettle
module-objects = $(patsubst %.c,$(BUILD)/%.o,$(if $(wildcard modules/$(1)/module.c),$(wildcard \
  $(foreach folder,$(1) $(MODULE_PARTS_$(1)),modules/$(folder)/*.c)),modules/$(1).c))
$(BUILD)/modules/%.so: $$(call module-objects,$$*) modules/module.map $(LIB)
	$(CC) $(MODULE_LDFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -L$(BUILD) -lxylem $(MODULE_LIBS_$*)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(BUILD)/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

TEST_LIBS := -L$(BUILD) -lxylem -Wl,-rpath,'$$ORIGIN/..' $(PKG_LIBS)
$(BUILD)/tests/%: tests/unit/%.c tests/unit/harness.h $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(TEST_LIBS) $(TEST_LIBS_$*)
# The loader's tests load small modules in variants: NAME-N.so is tests/unit/modules/NAME.c with
# -DVARIANT=N, named NAME.so when a test puts it into a module path.
TEST_VARIANTS := plain-1 plain-2 plain-3 definer-1 definer-2 listener-1 listener-2 wide-1 load-1 \
  $(foreach n,1 2 3 4,first-$n second-$n) keeper-1 keeper-2 keeper-3 \
  $(foreach n,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16,misfit-$n)
TEST_MODULES := $(TEST_VARIANTS:%=$(BUILD)/tests/modules/%.so)
$(BUILD)/tests/modules/%.so: tests/unit/modules/$$(firstword $$(subst -, ,$$*)).c tests/unit/modules/probe.h modules/module.map $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -DVARIANT=$(lastword $(subst -, ,$*)) $(MODULE_LDFLAGS) \
	  $(ALL_LDFLAGS) -o $@ $< -L$(BUILD) -lxylem
$(BUILD)/tests/test_hooks $(BUILD)/tests/test_loader $(BUILD)/tests/test_reload: $(TEST_MODULES) tests/unit/bus.h
$(BUILD)/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< $(TEST_LIBS)
$(BUILD)/bench/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) $(TEST_LIBS)
$(BUILD)/bench/load: tests/bench/client.c tests/bench/meter.c
$(BUILD)/bench/rooms: $(BENCH_PARTS)
$(BUILD)/wire/%: tests/wire/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(WIRE_LIBS_$*)
WIRE_LIBS_strophe_client := -lstrophe
# Preloaded into the server and its database by the crash campaign; never with a sanitizer of its own.
$(BUILD)/crash/%.so: tests/crash/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(OPT) $(CFLAGS) $(WARN) -D_GNU_SOURCE -fPIC -pthread -shared -o $@ $<
# Modules that only tests load; found by XYLEM_MODULES.
WIRE_MODULES := $(patsubst tests/wire/modules/%.c,$(BUILD)/wire/modules/%.so,$(wildcard tests/wire/modules/*.c))
$(BUILD)/wire/modules/%.so: tests/wire/modules/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -shared $(ALL_LDFLAGS) -o $@ $< -L$(BUILD) -lxylem

unit: all $(UNIT)
	tests/run-unit $(BUILD)
fuzz: $(FUZZ)
wire: $(WIRE) $(WIRE_MODULES) $(BUILD)/crash/faults.so
crash: $(BUILD)/crash/faults.so
test:
	tests/run
bench: all $(BENCH) $(BUILD)/tests/test_hooks
	tests/bench/run $(BUILD)
format:
	clang-format-14 -i $$(git ls-files '*.c')
check:
	scripts/check-layers
	scripts/check-read-paths
	scripts/check-requirements
	scripts/check-sizes
	scripts/check-format
	scripts/check-module $(MODULES)
clean:
	rm -rf $(BUILD)

# What a packager needs. An installed configuration is never overwritten; its paths are absolute.
# The kit builds modules out of tree: make -f $$(pkg-config --variable=modulemk xylem)
INSTALL := install -D -m 0644
install: all
	install -D -m 0755 $(BUILD)/xylemd "$(DESTDIR)$(PREFIX)/sbin/xylemd"
	install -D -m 0755 $(BUILD)/xylemctl "$(DESTDIR)$(PREFIX)/bin/xylemctl"
	install -D -m 0755 scripts/xylem-verify "$(DESTDIR)$(PREFIX)/bin/xylem-verify"
	$(INSTALL) $(LIB) "$(DESTDIR)$(LIBDIR)/libxylem.so.1"
	ln -sf libxylem.so.1 "$(DESTDIR)$(LIBDIR)/libxylem.so"
	for file in $(DRIVERS); do $(INSTALL) $$file "$(DESTDIR)$(LIBDIR)/xylem/drivers/$${file##*/}" || exit; done
	for file in $(MODULES); do $(INSTALL) $$file "$(DESTDIR)$(LIBDIR)/xylem/modules/$${file##*/}" || exit; done
	for file in include/xylem/*.h; do $(INSTALL) $$file "$(DESTDIR)$(PREFIX)/$$file" || exit; done
	$(INSTALL) scripts/module.mk "$(DESTDIR)$(KITDIR)/module.mk"
	$(INSTALL) modules/module.map "$(DESTDIR)$(KITDIR)/module.map"
	for tool in check-module new-module; do \
	  install -D -m 0755 scripts/$$tool "$(DESTDIR)$(KITDIR)/$$tool" || exit; done
	install -d "$(DESTDIR)$(LIBDIR)/pkgconfig"
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))' \
	  'includedir=$${prefix}/include' 'headerdir=$${includedir}/xylem' 'moduledir=$${libdir}/xylem/modules' \
	  'kit=$${prefix}/share/xylem' 'modulemk=$${kit}/module.mk' '' 'Name: xylem' \
	  'Description: What modules of the XMPP server xylem are built with' 'Version: $(VERSION)' \
	  'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lxylem' >"$(DESTDIR)$(LIBDIR)/pkgconfig/xylem.pc"
	install -d "$(DESTDIR)$(SYSCONFDIR)/xylem/conf.d" "$(DESTDIR)$(PREFIX)/share/man/man5"
	sed -e 's|^data_dir: data|data_dir: $(STATEDIR)/xylem|' -e 's|path: data/|path: $(STATEDIR)/xylem/|' \
	  -e 's|^control: |control: $(RUNDIR)/xylem/|' config/xylem.yaml >"$(DESTDIR)$(KITDIR)/xylem.yaml"
	test -e "$(DESTDIR)$(SYSCONFDIR)/xylem/xylem.yaml" || \
	  $(INSTALL) "$(DESTDIR)$(KITDIR)/xylem.yaml" "$(DESTDIR)$(SYSCONFDIR)/xylem/xylem.yaml"
	$(BUILD)/xylemd --man >"$(DESTDIR)$(PREFIX)/share/man/man5/xylem.yaml.5"
	for page in $(wildcard docs/man/*.[0-9]); do \
	  $(INSTALL) $$page "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}" || exit; done
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	sed -e 's|@sbindir@|$(PREFIX)/sbin|' -e 's|@sysconfdir@|$(SYSCONFDIR)|' config/xylemd.service \
	  >"$(DESTDIR)$(PREFIX)/lib/systemd/system/xylemd.service"

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
