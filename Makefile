# SPDX-License-Identifier: GPL-2.0-or-later
# `make help` lists the targets. What a target does beyond a compile is in scripts/.

.DEFAULT_GOAL := all

B       := build
PREFIX  ?= /usr/local
CC      ?= cc
CLANG   ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
ARCH    := $(shell $(CC) -print-multiarch)

WARN    := -Wall -Wextra -Werror
CFLAGS  ?= -O2 -g
GUEST_CFLAGS  ?= -O2
GUEST_LDFLAGS ?= -static -s
SAN     := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HDR     := $(B)/hdr/libhdr_histogram.a
CFLAGS_ALL := -std=gnu17 $(WARN) $(CPPFLAGS) -D_GNU_SOURCE -I$(B)/bpf -I$(B)/hdr/include -I$(B)/proto -I. -Icollect -MMD -MP
LIBS    := $(HDR) -l:libbpf.a -lelf -lz -ldeflate -ljansson -lsqlite3 -lprotobuf-c -lcap -lseccomp -lcapstone -lmicrohttpd -lncursesw -lm

BPF     := $(patsubst bpf/%.bpf.c,$(B)/bpf/%.skel.h,$(wildcard bpf/*.bpf.c))
SRC     := $(wildcard loader/*.c collect/*/*.c) guest/wire.c # the agent's frames, which the port reads
GUEST   := $(wildcard guest/*.c)
GUESTOBJ := $(patsubst %.c,$(B)/guest-obj/%.o,$(GUEST) collect/base/options.c)
LIBEU   := $(B)/guest-obj/libeu.a
PROTO   := $(B)/proto/perfetto.pb-c
OBJ     := $(SRC:%.c=$(B)/obj/%.o) $(B)/obj/perfetto.pb-c.o
SANOBJ  := $(patsubst %.c,$(B)/san/%.o,$(sort $(SRC) $(GUEST))) $(B)/san/perfetto.pb-c.o
UNIT    := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
METER_C := $(wildcard meter/*.c) collect/base/options.c collect/base/out.c $(wildcard collect/event/*.c) $(wildcard collect/log/*.c)
METER   := $(METER_C:%.c=$(B)/obj/%.o)
METER_PKG := spice-client-glib-2.0 gio-2.0 spice-protocol libpng
METER_PURE := meter/wire.c meter/count.c meter/clip.c meter/samples.c meter/target.c # no GLib
MAN     := $(wildcard docs/man/*.[178])
COMPLETION := $(addprefix $(B)/completion/,bash zsh fish)

CPPCHECK := cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -I. -Icollect -I$(B)/bpf --include=scripts/cppcheck.h
CHECKED := $(patsubst %.c,$(B)/cppcheck/%.ok,$(sort $(SRC) $(GUEST) $(METER_C)))

FUZZOBJ := $(patsubst %.c,$(B)/fuzzobj/%.o,$(filter-out %/main.c,$(sort $(SRC) $(GUEST))) $(METER_PURE)) $(B)/fuzzobj/perfetto.pb-c.o

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help all guest deps stack stack-spice deb packages packages-rpm install check ci lint cppcheck tidy docs check-unit check-docs check-probes \
        check-spice check-stack check-vm torture fuzz fuzz-smoke demo demo-clean pictures experiment experiments batch results results-check \
        bench clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

all: $(B)/spicetap $(B)/spicetap-meter $(B)/spicetap-guest ## spicetap, its client, and the agent for the guest
guest: $(B)/spicetap-guest ## the agent alone: one static binary for any guest
deps: ## install what building, tracing and testing needs (Debian packages; root)
	scripts/deps.sh
stack: ## the traced spice-server and QEMU, into build/stack
	scripts/stack.sh all
stack-spice: ## the traced spice-server alone, for a stock QEMU
	scripts/stack.sh spice
deb: ## a libspice-server1 package with the probes, into build/deb
	scripts/deb.sh
packages: ## spicetap and spicetap-guest as packages, into build/packages; SUITE=... one of bookworm, trixie (root)
	scripts/packages.sh build $(SUITE)
packages-rpm: ## the same as RPMs, built on Debian without Fedora's libraries: a check of the spec; SUITE=... (root)
	scripts/packages.sh rpm $(SUITE)

demo: deps all ## run a QXL guest with a client, record it, print what happened
	scripts/demo.sh
experiment: $(if $(NAME),deps stack all) ## NAME=... [DURATION=s]: run and record a guest, into runs/; without NAME list them
	scripts/experiment.sh $(NAME) $(if $(DURATION),duration=$(DURATION)) $(SET)
experiments: $(if $(LIST),,deps stack all) ## make the runs that results/ lacks; LIST=1 lists them, ONLY='PATTERN...' DURATION=s
	ONLY="$(ONLY)" DURATION="$(DURATION)" scripts/experiments.sh $(if $(LIST),--list)
batch: $(if $(NAME),$(if $(LIST)$(DRY),,deps stack all)) ## NAME=...: make a batch block by block, into runs/batches/; LIST=1, DRY=1
	scripts/batch.sh $(if $(LIST),--list) $(if $(DRY),--dry-run) $(NAME)
results: ## make results/README.md and the marked tables of docs/ from results/*/
	scripts/results.py pages results
results-check:
	@scripts/results.py check results
pictures: ## RUN=...: the pictures of docs/tutorial.md again, from a run of the demo
	scripts/pictures.sh $(RUN)
demo-clean: ## remove build/, the cache and the demo's runs
	scripts/demo.sh clean
bench: stack all ## measure what tracing costs, as ratios within one run
	tests/bench/bench

check: deps ## run every test; the last line counts them
	scripts/check.sh
check-unit: $(UNIT)
	@scripts/run-unit.sh $^
torture: stack all ## attack the recorder for an hour, SECONDS=N changes that
	tests/stack/torture --vm $(or $(SECONDS),3600)
fuzz-smoke: $(FUZZ)
	@scripts/fuzz.sh smoke $^
fuzz: $(FUZZ) ## run every fuzz target, FUZZ_SECONDS (600) each; findings stay in build/fuzz
	@for f in $^; do scripts/fuzz.sh run $$f $(or $(FUZZ_SECONDS),600) || exit 1; done
lint: $(BPF) ## check what can be checked without running anything
	@scripts/lint.sh
cppcheck: $(CHECKED)
# clang-tidy, for each file whose object is newer than its last check.
TIDY    := $(patsubst %.c,$(B)/tidy/%,$(sort $(SRC) $(GUEST) $(METER_C)))
TIDY_RUN = @mkdir -p $(@D) && clang-tidy-14 --quiet $< -- $(filter-out -MMD -MP,$(CFLAGS_ALL)) $(1) 2> $@.log && touch $@
tidy: $(TIDY)
$(B)/tidy/guest/%: guest/%.c $(B)/guest-obj/guest/%.o .clang-tidy
	$(call TIDY_RUN)
$(B)/tidy/meter/%: meter/%.c $(B)/obj/meter/%.o .clang-tidy
	$(call TIDY_RUN,$$(pkg-config --cflags $(METER_PKG)))
$(B)/tidy/%: %.c $(B)/obj/%.o .clang-tidy
	$(call TIDY_RUN)
docs: $(B)/spicetap
	$(B)/spicetap events --markdown > docs/dev/events.md

install: all $(COMPLETION) ## spicetap, its man pages and completions, below PREFIX
	install -D -m 0755 $(B)/spicetap $(DESTDIR)$(PREFIX)/bin/spicetap
	install -D -m 0755 $(B)/spicetap-guest $(DESTDIR)$(PREFIX)/lib/spicetap/spicetap-guest
	install -D -m 0644 guest/spicetap-guest.service $(DESTDIR)$(PREFIX)/lib/spicetap/spicetap-guest.service
	install -D -m 0644 packaging/spicetap-metrics.service $(DESTDIR)$(PREFIX)/lib/spicetap/spicetap-metrics.service
	install -D -m 0755 $(B)/spicetap-meter $(DESTDIR)$(PREFIX)/bin/spicetap-meter
	for m in $(MAN); do install -D -m 0644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
	install -D -m 0644 $(B)/completion/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/spicetap
	install -D -m 0644 $(B)/completion/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_spicetap
	install -D -m 0644 $(B)/completion/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/spicetap.fish
clean: ## remove build/
	rm -rf $(B)

# ---- how things are made -------------------------------------------------------------

# The rooms that every event passes: together, so that the compiler sees their small functions across files.
HOT := event log clock run model replay table
$(foreach room,$(HOT),$(eval $(B)/obj/collect/$(room)/%.o: CFLAGS_ALL += -O3 -flto=auto))

$(B)/spicetap: $(OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/completion/%: $(B)/spicetap
	@mkdir -p $(@D)
	$< completion $* > $@

# Static, so that any guest can run it; a distribution without the static libraries sets GUEST_LDFLAGS. Without
# paths of this machine, so that the same tree makes the same binary. pkg-config names what libelf.a needs: libzstd on Debian 13, not on 12.
$(B)/spicetap-guest: $(GUESTOBJ) $(LIBEU)
	$(CC) $(GUEST_LDFLAGS) -Wl,--gc-sections -o $@ $(GUESTOBJ) -l:libbpf.a $$(pkg-config --static --libs libelf) $(LIBEU) \
		-lz -ldeflate -ljansson

$(LIBEU): $(B)/guest-obj/guest/static/search_tree.o
	$(AR) rcD $@ $^

$(B)/guest-obj/%.o: %.c Makefile | $(BPF)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. $(CFLAGS_ALL) -c $< -o $@

$(B)/spicetap-meter: $(METER)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs $(METER_PKG)) -ldeflate -ljansson -pthread

$(B)/obj/meter/%.o: meter/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CFLAGS_ALL) $$(pkg-config --cflags $(METER_PKG)) -c $< -o $@

$(B)/bpf/%.bpf.o: bpf/%.bpf.c bpf/events.def bpf/events.h $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(CLANG) -target bpf -D__TARGET_ARCH_x86 -O2 -g -ffile-prefix-map=$(CURDIR)=. $(WARN) -I/usr/include/$(ARCH) -I. -c $< -o $@

$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(PROTO).c $(PROTO).h &: collect/table/perfetto.proto
	@mkdir -p $(@D)
	protoc --c_out=$(@D) -I$(<D) $<

$(B)/%/perfetto.pb-c.o: $(PROTO).c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -I$(B)/proto -c $< -o $@

# What `spicetap report` writes into its pages.
UPLOT := $(B)/uplot/uPlot.iife.min.js
$(UPLOT): scripts/uplot.sh
	scripts/uplot.sh
$(foreach kind,obj san fuzzobj,$(B)/$(kind)/collect/report/html_page.o): $(UPLOT) collect/report/lanes.js collect/report/report.js collect/report/report.css
$(foreach kind,obj san fuzzobj,$(B)/$(kind)/collect/report/html_page.o): private CFLAGS_ALL += -Wa,-I$(B)/uplot,-Icollect/report

$(HDR): scripts/hdr.sh
	scripts/hdr.sh

$(B)/obj/%.o: %.c Makefile | $(BPF) $(HDR) $(PROTO).h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CFLAGS_ALL) -c $< -o $@

$(B)/san/%.o: %.c Makefile | $(BPF) $(HDR) $(PROTO).h
	@mkdir -p $(@D)
	$(CC) -O1 -g $(SAN) $(CFLAGS_ALL) -c $< -o $@

# A module of QEMU's.
$(B)/tests/test_loader_attach: $(B)/tests/qemu/hw-display-test.so
$(B)/tests/qemu/%.so: tests/unit/module.c
	@mkdir -p $(@D)
	$(CC) -O2 -fPIC -shared $(WARN) -o $@ $<

# The relay needs no SPICE library, but GLib's TLS.
RELAY := $(patsubst %,$(B)/san/meter/%.o,relay line connect tls count wire samples)
$(B)/tests/test_relay: $(RELAY)
$(B)/tests/test_relay: private LIBS += $$(pkg-config --libs gio-2.0)

$(B)/san/meter/%.o: meter/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -O1 -g $(SAN) $(CFLAGS_ALL) $$(pkg-config --cflags $(METER_PKG)) -c $< -o $@

$(B)/tests/%: tests/unit/%.c $(filter-out %/main.o,$(SANOBJ)) | $(BPF)
	@mkdir -p $(@D)
	$(CC) -O1 -g $(SAN) $(CFLAGS_ALL) -o $@ $< $(filter %.o,$^) $(LIBS) -lcmocka

$(B)/fuzzobj/%.o: %.c Makefile | $(BPF) $(HDR) $(PROTO).h
	@mkdir -p $(@D)
	$(CLANG) -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(CFLAGS_ALL) $$(pkg-config --cflags spice-protocol) -c $< -o $@

$(B)/fuzz/%: tests/fuzz/%.c $(FUZZOBJ) | $(BPF)
	@mkdir -p $(@D)
	$(CLANG) -O1 -g -fsanitize=fuzzer,address,undefined $(CFLAGS_ALL) $$(pkg-config --cflags spice-protocol) \
		-o $@ $< $(FUZZOBJ) $(WRAP:%=-Wl,--wrap=%) $(LIBS)

$(B)/fuzz/fuzz_guest_session: private WRAP := bundle_log_numbered bundle_log_close tap_write tap_write_loss \
	tap_writer_flush tap_writer_bytes tap_writer_close

# The object's dependency file names the headers: a changed one makes a new object, and a new check.
$(B)/cppcheck/guest/%.ok: guest/%.c $(B)/guest-obj/guest/%.o scripts/cppcheck.h
	@mkdir -p $(@D)
	$(CPPCHECK) $< && touch $@

$(B)/cppcheck/%.ok: %.c $(B)/obj/%.o scripts/cppcheck.h
	@mkdir -p $(@D)
	$(CPPCHECK) $< && touch $@

-include $(OBJ:.o=.d) $(METER:.o=.d) $(GUESTOBJ:.o=.d) $(SANOBJ:.o=.d) $(RELAY:.o=.d) $(FUZZOBJ:.o=.d) $(UNIT:=.d) $(FUZZ:=.d)
