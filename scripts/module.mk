# SPDX-License-Identifier: MIT
# Builds a xylem module out of tree, from the .c files of a folder:
#
#   make -f $(pkg-config --variable=modulemk xylem) [MODULE=name] [all|check|install|clean]
#
# or, in a Makefile of the module's own: include $(shell pkg-config --variable=modulemk xylem)
# MODULE is the name in XY_MODULE(name, …), the folder's unless said otherwise. LIBS adds libraries.
# A header of that name declares the module's own hooks and is installed beside xylem's.
XYLEM_KIT := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
PKG_CONFIG ?= pkg-config
MODULE ?= $(notdir $(CURDIR))
CFLAGS ?= -O2 -g
WARN ?= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
        -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough

xylem-value = $(shell $(PKG_CONFIG) --variable=$(1) xylem)
MODULE_CFLAGS := -std=gnu17 -fPIC -fvisibility=hidden -fno-omit-frame-pointer -fstack-protector-strong \
        -fstack-clash-protection $(if $(findstring clang,$(CC)),,-fno-gnu-unique) \
        $(shell $(PKG_CONFIG) --cflags xylem)
# No start files: nothing of a module runs when it is opened or closed. One name is shown: xy_module.
MODULE_LDFLAGS := -shared -nostartfiles -Wl,--version-script=$(XYLEM_KIT)/module.map \
        -Wl,--no-undefined -Wl,-z,relro,-z,now
MODULE_LIBS := $(shell $(PKG_CONFIG) --libs xylem)
MODULE_OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))

.PHONY: all check install clean
all: $(MODULE).so
$(MODULE).so: $(MODULE_OBJECTS) $(XYLEM_KIT)/module.map
	$(CC) $(MODULE_LDFLAGS) $(LDFLAGS) -o $@ $(MODULE_OBJECTS) $(MODULE_LIBS) $(LIBS)
%.o: %.c
	$(CC) $(MODULE_CFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<
check: $(MODULE).so
	$(XYLEM_KIT)/check-module $(MODULE).so
install: $(MODULE).so
	install -D -m 0644 $(MODULE).so "$(DESTDIR)$(call xylem-value,moduledir)/$(MODULE).so"
	$(if $(wildcard $(MODULE).h),install -D -m 0644 $(MODULE).h "$(DESTDIR)$(call xylem-value,headerdir)/$(MODULE).h")
clean:
	rm -f $(MODULE).so $(MODULE_OBJECTS) $(MODULE_OBJECTS:.o=.d)

-include $(MODULE_OBJECTS:.o=.d)
