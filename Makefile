# SPDX-License-Identifier: MIT
# One archive a folder, two programs over them; `make help` lists what to ask for.
#
#	make			build/driftfs, build/driftdb
#	make BUILD=build-clang CC=clang
#
# Everything is found by wildcard: dropping a file in is the whole registration.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 20

CFLAGS ?= -O2 -g
# Sanitizers and the like; asan, tsan and fuzz set it.
SANITIZE ?=
PKG_CONFIG ?= pkg-config

ALL_CFLAGS = -std=gnu2x -D_GNU_SOURCE -Wall -Wextra -Werror -I. -pthread $(CFLAGS) $(SANITIZE)
ALL_LDFLAGS = -pthread $(LDFLAGS) $(SANITIZE)

# A library's headers are seen by the folder that is its home, and by no other.
engine_packages := msgpack libzstd jansson libcrypto
query_packages := sqlite3 libpcre2-8
fs_packages := fuse3
tools_packages := libpq libedit

package_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
package_libs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
engine_libs := $(call package_libs,$(engine_packages)) -llmdb
query_libs := $(call package_libs,$(query_packages))
fs_libs := $(call package_libs,$(fs_packages))
tools_libs := $(call package_libs,$(tools_packages))

folders := engine query fs tools
mains := tools/driftfs.c tools/driftdb.c
tests_cflags := $(call package_cflags,libpq)
$(foreach folder,$(folders),$(eval $(folder)_cflags := $$(call package_cflags,$$($(folder)_packages))))
$(foreach folder,$(folders),$(eval $(folder)_objects := \
	$$(patsubst %.c,$(BUILD)/%.o,$$(filter-out $(mains),$$(wildcard $(folder)/*.c)))))

engine_stack := $(BUILD)/engine.a
query_stack := $(BUILD)/query.a $(engine_stack)
fs_stack := $(BUILD)/fs.a $(query_stack)
tools_stack := $(BUILD)/tools.a $(query_stack)
engine_stack_libs := $(engine_libs) -lm
query_stack_libs := $(query_libs) $(engine_stack_libs)
fs_stack_libs := $(fs_libs) $(query_stack_libs)
tools_stack_libs := $(tools_libs) $(query_stack_libs)

programs := $(BUILD)/driftfs $(BUILD)/driftdb
unit_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
bats_helpers := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bats/*.c))
benches := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
fuzzers := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))

# $(1): a unit test's name. The folder whose file it tests: the lowest that has one
# of that name, so test_row is engine/row.c; test_fs_row is fs/row.c.
folder_of = $(firstword $(foreach folder,$(folders),$(if \
	$(filter test_$(folder)_%,$(1)),$(folder))) \
	$(foreach folder,$(folders),$(if \
	$(wildcard $(folder)/$(patsubst test_%,%,$(1)).c),$(folder))) engine)

ifeq ($(V),)
quiet = @printf '  %-5s %s\n' $(1) $(2);
else
quiet =
endif

# $(1): objects and libraries. What runs meanwhile keeps the program it started.
link = $(call quiet,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@.new $(1) && mv -f $@.new $@

.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

all: $(programs) ## build the two programs (the default)

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | \
		awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# ---- Building ---------------------------------------------------------------

# Holds the compiler and its flags; objects are made anew when they change.
flags_now := $(CC) $(ALL_CFLAGS)
flags_file := $(BUILD)/flags
ifneq ($(flags_now),$(shell cat $(flags_file) 2>/dev/null))
$(shell mkdir -p $(BUILD) && printf '%s\n' '$(flags_now)' >$(flags_file))
endif

$(BUILD)/%.o: %.c $(flags_file)
	$(call quiet,CC,$<)mkdir -p $(@D) && \
	$(CC) $(ALL_CFLAGS) $($(firstword $(subst /, ,$<))_cflags) -MMD -MP -c -o $@ $<

define archive
$(BUILD)/$(1).a: $($(1)_objects) $(wildcard $(1))
	$$(call quiet,AR,$$@)rm -f $$@ && $(AR) rcs $$@ $($(1)_objects)
endef
$(foreach folder,$(folders),$(eval $(call archive,$(folder))))

$(BUILD)/driftfs: $(BUILD)/tools/driftfs.o $(fs_stack)
	$(call link,$^ $(fs_stack_libs))

$(BUILD)/driftdb: $(BUILD)/tools/driftdb.o $(tools_stack)
	$(call link,$^ $(tools_stack_libs))

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $$($$(call folder_of,$$*)_stack)
	$(call link,$^ $($(call folder_of,$*)_stack_libs) -lcmocka)

$(BUILD)/tests/bats/%: $(BUILD)/tests/bats/%.o
	$(call link,$<)

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(query_stack)
	$(call link,-fsanitize=fuzzer $^ $(query_stack_libs))

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(query_stack)
	$(call quiet,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(query_stack_libs)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- Testing ----------------------------------------------------------------

test: ## install what is missing, build, run every test
	@tools/bootstrap
	@$(MAKE) --no-print-directory check

# The manual too: tests install it side by side, and would make it side by side.
check: $(programs) $(unit_tests) $(bats_helpers) $$(man_pages)
	@tests/run $(BUILD)

check-units: $(unit_tests)
	@tests/run $(BUILD) units

check-concurrent: $(programs) $(unit_tests) $(bats_helpers)
	@TAGS=concurrent tests/run $(BUILD)

asan: ## every test under AddressSanitizer and UBSan (build-asan/)
	@tools/bootstrap
	@$(MAKE) --no-print-directory BUILD=build-asan CFLAGS='-O1 -g' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		check

tsan: ## units and concurrent tests under ThreadSanitizer (build-tsan/)
	@tools/bootstrap
	@$(MAKE) --no-print-directory BUILD=build-tsan CFLAGS='-O1 -g' \
		SANITIZE='-fsanitize=thread -fno-omit-frame-pointer' check-concurrent

fuzz: ## each fuzz target for FUZZ_SECONDS (build-fuzz/, clang)
	@tools/bootstrap clang
	@$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang CFLAGS='-O1 -g' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
		run-fuzzers

run-fuzzers: $(fuzzers)
	@for fuzzer in $(fuzzers); do \
		tests/fuzz/run $$fuzzer $(FUZZ_SECONDS) || exit 1; \
	done

# The mount's bench is of several files, and runs the programs.
mount_bench := $(BUILD)/tests/bench/mount/bench
mount_bench_objects := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/mount/*.c))

$(mount_bench_objects): ALL_CFLAGS += $(fs_cflags)
$(mount_bench): $(mount_bench_objects)
	$(call link,$^ $(fs_libs))

store_bench := $(BUILD)/tests/bench/store/bench
store_bench_objects := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/store/*.c))

$(store_bench): $(store_bench_objects) $(engine_stack)
	$(call link,$^ $(query_stack_libs))

soak: ## the tests that draw numbers, at scale (tests/soak; long)
	@tools/bootstrap
	@$(MAKE) --no-print-directory all $(unit_tests) $(bats_helpers)
	@tests/soak $(BUILD)

planted: ## plant known bugs in a copy of the tree, and see the tests find them
	@CC="$(CC)" tests/planted/run

bench: ## the engine and its queries beside SQLite: medians of five
	@tools/bootstrap
	@$(MAKE) --no-print-directory all $(store_bench) $(benches) $(mount_bench)
	@for bench in $(store_bench) tests/bench/ingest $(benches) $(mount_bench); do \
		BENCH_BUILD=$(BUILD) BENCH_DIR=$(BUILD)/bench $$bench || exit 1; \
	done

demo: ## install what is missing, build, show it on this repository's history
	@tools/bootstrap
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)

# ---- Manual pages -----------------------------------------------------------

man_pages := $(patsubst %.scd,$(BUILD)/%,$(wildcard docs/man/*.scd))

man: $(man_pages) ## build the manual pages (scdoc)

$(BUILD)/docs/man/%: docs/man/%.scd tools/manual $(BUILD)/driftdb
	$(call quiet,MAN,$@)mkdir -p $(@D) && tools/manual $(BUILD)/driftdb $< | \
		scdoc >$@.new && mv -f $@.new $@

# ---- Installing -------------------------------------------------------------

bindir = $(DESTDIR)$(PREFIX)/bin
sbindir = $(DESTDIR)/sbin
bash_dir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zsh_dir = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
mandir = $(DESTDIR)$(PREFIX)/share/man
unitdir = $(DESTDIR)$(if $(filter /usr,$(PREFIX)),,$(PREFIX))/lib/systemd/system
# $(1): pages of any section. Where each is installed.
man_place = $(foreach page,$(1),$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))

install: $(programs) man ## install to PREFIX (/usr/local), staged under DESTDIR
	install -d $(bindir) $(sbindir) $(unitdir)
	install -m 755 $(programs) $(bindir)
	ln -sf $(PREFIX)/bin/driftfs $(sbindir)/mount.fuse.driftfs
	ln -sf $(PREFIX)/bin/driftfs $(sbindir)/mount.driftfs
	for page in $(man_pages); do \
		install -D -m 644 $$page $(mandir)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	for helper in mount.fuse.driftfs mount.driftfs; do \
		install -d $(mandir)/man8 && \
		ln -sf ../man1/driftfs.1 $(mandir)/man8/$$helper.8 || exit 1; \
	done
	install -d $(bash_dir) $(zsh_dir)
	for name in driftdb driftfs; do \
		install -m 644 tools/completions/$$name.bash $(bash_dir)/$$name && \
		install -m 644 tools/completions/_$$name $(zsh_dir) || exit 1; \
	done
	sed 's|@bindir@|$(PREFIX)/bin|' 'tools/systemd/driftfs@.service' \
		>'$(unitdir)/driftfs@.service'
	chmod 644 '$(unitdir)/driftfs@.service'

uninstall: ## take away what install put there
	rm -f $(bindir)/driftfs $(bindir)/driftdb $(call man_place,$(man_pages)) \
		$(mandir)/man8/mount.fuse.driftfs.8 $(mandir)/man8/mount.driftfs.8 \
		$(sbindir)/mount.fuse.driftfs $(sbindir)/mount.driftfs \
		$(addprefix $(bash_dir)/,driftdb driftfs) \
		$(addprefix $(zsh_dir)/,_driftdb _driftfs) \
		'$(unitdir)/driftfs@.service'

deb: ## build a Debian package of this tree into BUILD (debhelper)
	@tools/bootstrap debhelper
	@tools/deb $(BUILD)

# ---- Care -------------------------------------------------------------------

sources = $(wildcard $(addsuffix /*.[ch],$(folders) tests/unit tests/bats tests/fuzz tests/bench))
all_packages = $(foreach folder,$(folders),$($(folder)_packages))

format: ## clang-format every source
	@tools/bootstrap clang-format
	clang-format -i $(sources)

lint: ## clang-tidy, cppcheck and shellcheck; clean or it fails
	@tools/bootstrap clang clang-tidy cppcheck shellcheck
	@clang-tidy --quiet --warnings-as-errors='*' $(wildcard $(addsuffix /*.c,$(folders))) \
		-- -std=gnu2x -D_GNU_SOURCE -I. $(call package_cflags,$(all_packages)) 2>&1 | \
		{ ! grep -vE '^[0-9]+ warnings? (generated|treated)|^$$'; }
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -D_GNU_SOURCE -I. \
		--enable=warning,performance,portability \
		--suppressions-list=.cppcheck $(folders)
	@shellcheck -x tools/bootstrap tools/deb tools/demo tools/manual tools/git-events tests/run tests/soak \
		tests/fuzz/run tests/planted/run .ci/run tests/bats/*.bash tools/completions/*.bash
	@! grep -nE '^[[:space:]]*! ' tests/bats/*.bats # fails no test: say "fails COMMAND"

clean: ## remove every build directory
	rm -rf build build-asan build-tsan build-fuzz $(BUILD)

.PHONY: all help test check check-units check-concurrent asan tsan fuzz soak planted bench \
	run-fuzzers demo man install uninstall deb format lint clean
