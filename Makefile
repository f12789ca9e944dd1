# Builds xylem. `make help` lists the targets. Variants live side by side:
#   make BUILD=build-asan SAN=address,undefined     make BUILD=build-tsan SAN=thread CC=clang
BUILD  ?= build
CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
SYSCONFDIR ?= /etc
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
# A module is modules/NAME.c, or modules/NAME/*.c where one file is not enough.
MODULES := $(patsubst modules/%.c,$(BUILD)/modules/%.so,$(wildcard modules/*.c)) \
           $(patsubst modules/%/,$(BUILD)/modules/%.so,$(dir $(wildcard modules/*/module.c)))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(filter-out %/client.c,$(wildcard tests/bench/*.c)))
WIRE := $(patsubst tests/wire/%.c,$(BUILD)/wire/%,$(wildcard tests/wire/*.c))
LIB := $(BUILD)/libxylem.so.1

.PHONY: all help test unit bench fuzz wire format check install clean
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

MODULE_CFLAGS := -fvisibility=hidden -fno-gnu-unique
MODULE_CFLAGS := $(if $(findstring clang,$(CC)),-fvisibility=hidden,$(MODULE_CFLAGS))
MODULE_LIBS_sasl := -lnettle
MODULE_LIBS_disco := -lnettle
MODULE_LIBS_vcard := -lnettle
$(BUILD)/modules/%.o: modules/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(MODULE_CFLAGS) -c -o $@ $<
module-objects = $(patsubst %.c,$(BUILD)/%.o,$(if $(wildcard modules/$(1)/module.c),$(wildcard modules/$(1)/*.c),modules/$(1).c))
$(BUILD)/modules/%.so: $$(call module-objects,$$*) $(LIB)
	$(CC) -shared $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -L$(BUILD) -lxylem $(MODULE_LIBS_$*)

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
$(BUILD)/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< $(TEST_LIBS)
$(BUILD)/bench/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) $(TEST_LIBS)
$(BUILD)/bench/load: tests/bench/client.c
$(BUILD)/wire/%: tests/wire/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(WIRE_LIBS_$*)
WIRE_LIBS_strophe_client := -lstrophe

unit: all $(UNIT)
	tests/run-unit $(BUILD)
fuzz: $(FUZZ)
wire: $(WIRE)
test:
	tests/run
bench: all $(BENCH)
	tests/bench/run $(BUILD)
format:
	clang-format-14 -i $$(git ls-files '*.c' '*.h')
check:
	scripts/check-layers
	scripts/check-sizes
	scripts/check-format
	for m in $(BUILD)/modules/*.so; do scripts/check-module $$m || exit 1; done
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
