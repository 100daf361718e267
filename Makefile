# SPDX-License-Identifier: GPL-2.0-or-later
# Plain targets; `make help` lists them. What a target does beyond a compile stands in scripts/.

.DEFAULT_GOAL := all

B       := build
PREFIX  ?= /usr/local
CC      ?= cc
CLANG   ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
ARCH    := $(shell $(CC) -print-multiarch)

WARN    := -Wall -Wextra -Werror
CFLAGS  ?= -O2 -g
SAN     := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_ALL := -std=gnu17 $(WARN) -D_GNU_SOURCE -I$(B)/bpf -I. -MMD -MP
LIBS    := -l:libbpf.a -lelf -lz -ljansson -lcap -lm

BPF     := $(patsubst bpf/%.bpf.c,$(B)/bpf/%.skel.h,$(wildcard bpf/*.bpf.c))
SRC     := $(wildcard loader/*.c collect/*.c)
OBJ     := $(SRC:%.c=$(B)/obj/%.o)
SANOBJ  := $(SRC:%.c=$(B)/san/%.o)
UNIT    := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
MAN     := $(wildcard docs/man/*.[17])

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help all deps stack stack-spice deb install check ci lint docs check-unit check-docs check-probes \
        check-spice check-stack check-vm fuzz-smoke demo demo-clean bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

all: $(B)/spicetap ## spicetap itself
deps: ## install what building, tracing and testing needs (Debian packages; root)
	scripts/deps.sh
stack: ## the traced spice-server and QEMU, into build/stack
	scripts/stack.sh all
stack-spice: ## the traced spice-server alone, for a stock QEMU
	scripts/stack.sh spice
deb: ## a libspice-server1 package with the probes, into build/deb
	scripts/deb.sh

demo: deps stack all ## a QXL guest, a client, a minute recorded, what happened
	scripts/demo.sh
demo-clean: ## remove what the demo, the builds and the cache left
	scripts/demo.sh clean
bench: stack all ## what tracing costs, as ratios within one run
	tests/bench/bench

check: deps ## every test; the last line counts them
	scripts/check.sh
check-unit: $(UNIT)
	@scripts/run-unit.sh $^
fuzz-smoke: $(FUZZ)
	@scripts/fuzz.sh smoke $^
lint: $(BPF)
	@scripts/lint.sh $(SRC)
docs: $(B)/spicetap
	$(B)/spicetap events --markdown > docs/events.md

install: all ## spicetap and its man pages, below PREFIX
	install -D -m 0755 $(B)/spicetap $(DESTDIR)$(PREFIX)/bin/spicetap
	for m in $(MAN); do install -D -m 0644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
clean: ## remove build/
	rm -rf $(B)

# ---- how things are made -------------------------------------------------------------

$(B)/spicetap: $(OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c bpf/events.def bpf/events.h $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	$(CLANG) -target bpf -D__TARGET_ARCH_x86 -O2 -g $(WARN) -I/usr/include/$(ARCH) -I. -c $< -o $@

$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(B)/obj/%.o: %.c Makefile | $(BPF)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CFLAGS_ALL) -c $< -o $@

$(B)/san/%.o: %.c Makefile | $(BPF)
	@mkdir -p $(@D)
	$(CC) -O1 -g $(SAN) $(CFLAGS_ALL) -c $< -o $@

$(B)/tests/%: tests/unit/%.c $(filter-out $(B)/san/collect/main.o,$(SANOBJ)) | $(BPF)
	@mkdir -p $(@D)
	$(CC) -O1 -g $(SAN) $(CFLAGS_ALL) -o $@ $< $(filter %.o,$^) $(LIBS) -lcmocka

$(B)/fuzz/%: tests/fuzz/%.c $(wildcard collect/*.c collect/*.h bpf/events.def) | $(BPF)
	@mkdir -p $(@D)
	$(CLANG) -O1 -g -fsanitize=fuzzer,address,undefined $(filter-out -MMD -MP,$(CFLAGS_ALL)) \
		-o $@ $< $(filter-out collect/main.c,$(SRC)) $(LIBS)

-include $(OBJ:.o=.d) $(SANOBJ:.o=.d) $(UNIT:=.d)
