# Builds every cmd/NAME.c into build/bin/NAME on one library of libcommon/*/*.c.
# Sources are found by wildcard: a new file needs no line here.
# A line "#: text" says what comes below it, in make help.

#: where make install puts it all
PREFIX = /usr/local
#: and what comes before that, for packages
DESTDIR =
#: the compiler
CC = cc
OBJCOPY = $(shell $(CC) -print-prog-name=objcopy)
OPT = -O3 -g
# asserts are for whoever works on the code: check and the builds that give CFLAGS have them
#: optimisation and the processor that is compiled for
CFLAGS = $(OPT) -DNDEBUG
# Sets of kernels (base/cpu.h) that programs choose from when they start; all else is compiled for
# what CC compiles for: CFLAGS='-O3 -DNDEBUG -march=x86-64-v2' raises that. Sanitizers leave out the
# widest, which take them longest to compile.
#: sanitizers, as address,undefined: a build of its own
SAN =
# Decided once: in make deps all the compiler comes later, and what is to be built may not change then.
MACHINE := $(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m))
#: sets of kernels, of plain v3 v4 amx v4bf16
KERNELS = plain $(if $(filter x86_64%,$(MACHINE)),v3 $(if $(SAN),,v4 amx v4bf16))
# what only the checks build is built without a warning
WERROR = $(if $(SAN),-Werror)
DEMO = build/demo
PAPER = build/paper
JOBS := $(shell nproc)

PKGS = openblas msgpack libxxhash jansson libpcre2-8 libutf8proc zlib libzstd libcurl
#: the folder of what is built
BUILD = build$(if $(SAN),-$(SAN))
comma = ,

ifneq ($(filter -Ofast -ffast-math,$(CFLAGS)),)
$(error -Ofast and -ffast-math remove the checks for NaN: not supported)
endif
ifneq ($(filter-out plain v3 v4 amx v4bf16,$(KERNELS)),)
$(error KERNELS: there are plain, v3, v4, amx and v4bf16, and not: $(filter-out plain v3 v4 amx v4bf16,$(KERNELS)))
endif
ifeq ($(filter plain,$(KERNELS)),)
$(error KERNELS: plain is wanted in any case: KERNELS="plain $(KERNELS)")
endif
ifneq ($(filter amx v4bf16,$(KERNELS)),)
ifeq ($(filter v4,$(KERNELS)),)
$(error KERNELS: $(filter amx v4bf16,$(KERNELS)) has all but one product of v4: KERNELS="$(KERNELS) v4")
endif
endif

# each is asked for once, when it is wanted first
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

# -ffp-contract=off: nothing is fused that does not say so, so that all sets give the same bits
ALL_CFLAGS = -std=c11 -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=700 -D_GNU_SOURCE -DXXH_INLINE_ALL \
	-Ilibcommon -pthread \
	-Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-psabi \
	-fno-math-errno -ffp-contract=off $(CFLAGS) $(WERROR) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DFAULTS) \
	$(PKG_CFLAGS)
# --as-needed: a filter that calls no BLAS does not load OpenBLAS
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))
LIBS = $(PKG_LIBS) -lm

# libcommon/rloop is what is built on the library by others: it goes into libtraj.a; libcommon/mpi: see mpi
LIB_SRC := $(filter-out libcommon/rloop/% libcommon/mpi/%,$(wildcard libcommon/*/*.c))
TOOLS := $(patsubst cmd/%.c,%,$(wildcard cmd/*.c))
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
BENCHES := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
PIPELINES := $(notdir $(filter-out pipelines/variants,$(wildcard pipelines/*)))
VARIANTS := $(wildcard pipelines/variants/*)
EXAMPLES := $(filter-out %__pycache__ $(wildcard examples/*/results*),$(wildcard examples/*/* examples/*/results*/*))
MAN := $(wildcard man/*.[1-8])
LIB = $(BUILD)/libcommon.a
# Compiled once for each set: what is in tensor/, but for these
ONCE = blas half kernels quant
# These sets have a product in bf16 of their own, what calls it, and all else of v4 (tensor/kernel.h).
OWN_amx = libcommon/tensor/bf16amx.c
OWN_v4bf16 = libcommon/tensor/bf16vdp.c
OWN = $(OWN_amx) $(OWN_v4bf16)
ON_BF16 = libcommon/tensor/attention.c libcommon/tensor/kernelset.c
SET_SRC := $(filter-out $(ONCE:%=libcommon/tensor/%.c) $(OWN),$(wildcard libcommon/tensor/*.c))
LIB_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(SET_SRC) $(OWN),$(LIB_SRC))) \
	$(foreach s,$(KERNELS),$(patsubst %.c,$(BUILD)/%.$s.o,$(if $(OWN_$s),$(OWN_$s) $(ON_BF16),$(SET_SRC))))
FLAGS_v3 = -mavx2 -mfma
FLAGS_v4 = $(FLAGS_v3) -mavx512f -mavx512bw -mavx512dq -mavx512vl
FLAGS_vbmi = -mavx512vbmi -mavx512vbmi2 -mpopcnt -mbmi -mbmi2
FLAGS_amx = $(FLAGS_v4) -mamx-tile -mamx-bf16 -DKERNEL_REST=v4
FLAGS_v4bf16 = $(FLAGS_v4) -mavx512bf16 -DKERNEL_REST=v4

#: the tools and libtraj.a (the default)
all: $(TOOLS:%=$(BUILD)/bin/%) $(BUILD)/libtraj.a

# More than one process for a run (docs/SCALING.md): the module that the tools load under a launcher.
# It is built each time, since it may be for another MPI than the last one was.
#: the C compiler of the MPI that make mpi is for, as mpicc.mpich
MPICC = mpicc
MPI_MODULE = $(BUILD)/libexec/rloop/rloop-mpi.so

#: the module for runs of several processes
mpi:
	@mkdir -p $(dir $(MPI_MODULE))
	$(MPICC) -std=c11 -D_DEFAULT_SOURCE $(CFLAGS) -Wall -Wextra $(WERROR) -fPIC -shared $(LDFLAGS) \
		-Ilibcommon -o $(MPI_MODULE) libcommon/mpi/calls.c

units: $(UNITS:%=$(BUILD)/unit/%)

$(BUILD)/bin/%: $(BUILD)/cmd/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS)

# (a program of an older tree may have the name of a folder of this one)
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIB)
	@[ -d $(@D) ] || rm -f $(@D) 2>/dev/null; mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# libtraj.a: one object with all that it needs of libcommon, in which only what rloop/traj.h declares
# has a name, so that it clashes with nothing
API = libcommon/rloop/traj
TRAJ_PKGS = msgpack
VERSION = $(shell sed -n 's/^.define SUITE_VERSION "\(.*\)"/\1/p' libcommon/base/tool.h)

$(BUILD)/libtraj.a: $(BUILD)/$(API).o $(LIB) $(API).h
	@rm -f $@
	sed -n 's/^[a-z].*\b\(traj_[a-z_]*\)(.*/\1/p' $(API).h >$(@D)/libtraj.names
	$(CC) -r -nostdlib -o $(@D)/libtraj.o $(BUILD)/$(API).o $(LIB)
	$(OBJCOPY) --keep-global-symbols=$(@D)/libtraj.names $(@D)/libtraj.o
	$(AR) rcs $@ $(@D)/libtraj.o

$(BUILD)/unit/rloop/%: $(BUILD)/tests/unit/rloop/%.o $(BUILD)/libtraj.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libtraj.a $(shell pkg-config --libs $(TRAJ_PKGS)) -lm -lcmocka

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS)

# Asked once, so that the compiler need not say it of each file
$(BUILD)/libraries:
	@pkg-config --print-errors --exists $(PKGS) || \
		{ echo "libraries are missing ($(PKGS)): make deps installs them" >&2; exit 1; }
	@mkdir -p $(@D)
	@touch $@

# A fuzz target: with a main that replays files, or with libFuzzer's (see fuzz)
FUZZ_MAIN = $(BUILD)/tests/fuzz/common/replay.o
FUZZ_OBJ = $(BUILD)/tests/fuzz/common/fuzz.o $(filter %.o,$(FUZZ_MAIN))

fuzzers: $(FUZZERS:%=$(BUILD)/fuzz/%)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(FUZZ_OBJ) $(filter -%,$(FUZZ_MAIN)) $(LIB) $(LIBS)

$(BUILD)/tests/unit/%.o: ALL_CFLAGS += -Itests/unit/common

# A text that a module holds: each line of it as a C string
$(BUILD)/inc/%.inc: libcommon/%
	@mkdir -p $(@D)
	sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< >$@

$(BUILD)/libcommon/verify/code.o $(BUILD)/libcommon/view/page.o: ALL_CFLAGS += -I$(BUILD)/inc
$(BUILD)/libcommon/verify/code.o: $(BUILD)/inc/verify/program.py.inc
$(BUILD)/libcommon/view/page.o: $(BUILD)/inc/view/page.css.inc $(BUILD)/inc/view/page.js.inc

$(BUILD)/%.o: %.c | $(BUILD)/libraries
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define compile_set
$$(BUILD)/libcommon/tensor/%.$1.o: libcommon/tensor/%.c | $$(BUILD)/libraries
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(FLAGS_$1) -DKERNEL_SET=$1 -MMD -MP -c -o $$@ $$<
endef
$(foreach s,$(KERNELS),$(eval $(call compile_set,$s)))

$(BUILD)/libcommon/base/hashwide.o $(BUILD)/libcommon/base/jsonplainwide.o: ALL_CFLAGS += $(if $(filter v3,$(KERNELS)),-mavx2 -mbmi -mpopcnt)
$(BUILD)/libcommon/base/hashwidest.o $(BUILD)/libcommon/base/jsonplainwidest.o: ALL_CFLAGS += $(if $(filter v4,$(KERNELS)),$(FLAGS_v4) $(FLAGS_vbmi))
$(BUILD)/libcommon/base/cpu.o $(BUILD)/libcommon/tensor/kernels.o: ALL_CFLAGS += $(KERNELS:%=-DKERNELS_%)

-include $(LIB_OBJ:.o=.d) $(BUILD)/$(API).d $(TOOLS:%=$(BUILD)/cmd/%.d) $(UNITS:%=$(BUILD)/tests/unit/%.d) \
	$(BENCHES:%=$(BUILD)/tests/bench/%.d) $(FUZZERS:%=$(BUILD)/tests/fuzz/%.d)

# What Debian 12 needs to build, to test and to draw; nothing is done when all of it is there.
PACKAGES = gcc make libc6-dev pkg-config libopenblas-dev libmsgpack-dev libxxhash-dev \
	libjansson-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev libcmocka-dev bats clang \
	clang-format libclang-rt-14-dev shellcheck mandoc strace procps less locales bsdextrautils gnuplot-nox jq \
	datamash python3 python3-msgpack python3-xxhash bubblewrap zsh iproute2 openmpi-bin \
	libopenmpi-dev
SUDO = $(if $(filter-out 0,$(shell id -u)),sudo)

#: installs what Debian 12 needs to build, to test and to draw
deps:
	@missing=; for p in $(PACKAGES); do \
		dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || \
			missing="$$missing $$p"; done; \
	[ -z "$$missing" ] || { $(SUDO) apt-get update && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends $$missing; }

# Tests run with asserts, in a build of its own. The sanitizer build and the clang build, which has no
# asserts, are made by the checks of the same names.
CHECKED = build-check

#: all tests, in a build of their own
check:
	@$(MAKE) -s --no-print-directory -j$(JOBS) BUILD=$(CHECKED) CFLAGS='-O3 -g1' WERROR=-Werror all units fuzzers \
		$$(command -v $(MPICC) >/dev/null && echo mpi)
	@mkdir -p $(BUILD)
	@export BIN="$(CURDIR)/$(CHECKED)/bin" UNIT="$(CURDIR)/$(CHECKED)/unit" FUZZ="$(CURDIR)/$(CHECKED)/fuzz"; \
		RESULT=$(BUILD)/check.result tests/run

# What libFuzzer finds goes to tests/fuzz/findings
#: seconds of make fuzz for each target
T = 60

#: libFuzzer on every target
fuzz:
	@tests/fuzz/run.sh $(T)

#: the fast tests with sanitizers
check-san:
	@tests/run checks/san

#: check, and the tests that take too long for it
check-long: check
	@BIN="$(CURDIR)/$(CHECKED)/bin" tests/long.sh

#: branches that the tests reach
coverage:
	@tests/coverage.sh

# What a variable of this file holds, for scripts
print-%:
	@echo '$($*)'

benches: $(BENCHES:%=$(BUILD)/bench/%)

#: how fast; PEERS=1: beside PyTorch and others; ONLY="model rl": these of tests/bench/*.sh
bench: all benches
	@export PATH="$(abspath $(BUILD)/bin):$(abspath $(BUILD)/bench):$$PATH"; \
		for b in $(or $(ONLY:%=tests/bench/%.sh),$(wildcard tests/bench/*.sh)); do \
		bash $$b || exit; done

#: what bench PEERS=1 measures beside: the newest PyTorch, TRL and llama.cpp, into build/peers (gigabytes)
peers:
	python3 -m venv build/peers
	build/peers/bin/pip install -q --upgrade torch trl
	CMAKE_ARGS=-DLLAVA_BUILD=OFF build/peers/bin/pip install -q --upgrade llama-cpp-python

#: the loop against plain RL on generated problems: minutes
demo: all
	@export PATH="$(abspath $(BUILD)/bin):$$PATH"; examples/countdown/run.sh "$(DEMO)"

#: the comparisons of examples/paper/README.md, three kinds of problem: an hour or two on two processors
paper: all
	@export PATH="$(abspath $(BUILD)/bin):$$PATH"; for kind in countdown subset path; do \
		KIND=$$kind examples/paper/run.sh "$(PAPER)/$$kind" || exit; done

# of libtraj.a, below PREFIX
LIBDIR = lib
bindir = $(DESTDIR)$(PREFIX)/bin
libexecdir = $(DESTDIR)$(PREFIX)/libexec/rloop
docdir = $(DESTDIR)$(PREFIX)/share/doc/rloop
mandir = $(DESTDIR)$(PREFIX)/share/man
libdir = $(DESTDIR)$(PREFIX)/$(LIBDIR)
includedir = $(DESTDIR)$(PREFIX)/include
pythondir = $(DESTDIR)$(PREFIX)/lib/python3/dist-packages
completiondir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zshdir = $(DESTDIR)$(PREFIX)/share/zsh/site-functions

# of a file $f: programs are those that are programs here
MODE = $$([ -x $$f ] && echo 755 || echo 644)

#: installs under DESTDIR PREFIX what was built
install: all
	install -d "$(bindir)" "$(libexecdir)/variants" "$(docdir)"
	install $(TOOLS:%=$(BUILD)/bin/%) "$(bindir)"
	for f in $(PIPELINES:%=pipelines/%); do install -m $(MODE) $$f "$(libexecdir)" || exit; done
	ln -srf "$(libexecdir)/rloop" "$(bindir)/rloop"
	install -d "$(completiondir)"
	for t in $(TOOLS) rloop; do ln -srf "$(libexecdir)/completion.bash" "$(completiondir)/$$t" || exit; done
	install -d "$(zshdir)"
	ln -srf "$(libexecdir)/completion.zsh" "$(zshdir)/_rloop"
	install -m 644 README.md LICENSE "$(docdir)"
	install -D -m 644 -t "$(pythondir)" libcommon/stream/traj.py
	install -D -m 644 -t "$(includedir)/rloop" $(API).h
	install -D -m 644 -t "$(libdir)" $(BUILD)/libtraj.a
	install -d "$(libdir)/pkgconfig"
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: traj' 'Description: trajectory streams' \
		'Version: $(VERSION)' 'Requires: $(TRAJ_PKGS)' 'Cflags: -I$${prefix}/include' \
		'Libs: -L$${prefix}/$(LIBDIR) -ltraj -pthread -lm' >"$(libdir)/pkgconfig/traj.pc"
	install -d "$(docdir)/docs"
	install -m 644 $(wildcard docs/*.*) "$(docdir)/docs"
	[ ! -e $(MPI_MODULE) ] || install -m 644 $(MPI_MODULE) "$(libexecdir)"
	install -m 644 $(VARIANTS) "$(libexecdir)/variants"
	for f in $(EXAMPLES); do install -D -m $(MODE) -t "$(docdir)/$$(dirname $$f)" $$f || exit; done
	for m in $(MAN); do install -D -m 644 -t "$(mandir)/man$${m##*.}" $$m || exit; done

#: takes that away again
uninstall:
	for t in $(TOOLS) rloop; do rm -f "$(bindir)/$$t" "$(completiondir)/$$t" || exit; done
	for m in $(MAN); do rm -f "$(mandir)/man$${m##*.}/$${m##*/}" || exit; done
	rm -f "$(zshdir)/_rloop"
	rm -f "$(pythondir)/traj.py" "$(pythondir)"/__pycache__/traj.*.pyc
	rm -f "$(libdir)/libtraj.a" "$(libdir)/pkgconfig/traj.pc" "$(includedir)/rloop/traj.h"
	rm -rf "$(libexecdir)" "$(docdir)"

#: removes all builds
clean:
	rm -rf build build-*

#: this text
help:
	@awk '/^#: / { text = substr($$0, 4); next } \
		text == "" { next } \
		/^[A-Z]+ *=/ { sub(/ *=.*/, "="); set = set sprintf("  %-14s %s\n", $$1, text) } \
		/^[a-z-]+:/ { sub(/:.*/, ""); make = make sprintf("  make %-12s %s\n", $$1, text) } \
		{ text = "" } \
		END { printf "%s\nVariables, as make PREFIX=/opt/rloop install:\n%s", make, set }' Makefile

# What belongs to the sources: what git knows, or in an unpacked tarball all but what was built
DIST = rloop-$(VERSION)
SOURCES = { if [ -e .git ]; then git ls-files -z; else \
	find . -path './build*' -prune -o -type f -printf '%P\0' | sort -z; fi; }

#: the sources as build/rloop-VERSION.tar.gz; the same bytes of the same sources
dist:
	@mkdir -p $(BUILD)
	@$(SOURCES) >$(BUILD)/sources
	@when=$$(git log -1 --format=@%ct 2>/dev/null || stat -c @%Y Makefile); \
	tar --null -T $(BUILD)/sources --transform 's,^,$(DIST)/,' --sort=name --format=gnu \
		--owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw --mtime="$$when" \
		-I 'gzip -9n' -cf $(BUILD)/$(DIST).tar.gz.part
	@mv $(BUILD)/$(DIST).tar.gz.part $(BUILD)/$(DIST).tar.gz
	@echo $(BUILD)/$(DIST).tar.gz

# The folder of the packages that make deb builds
DEB = $(BUILD)/deb

#: packages for Debian, in build/deb (debhelper is wanted)
deb: dist
	rm -rf $(DEB)
	mkdir -p $(DEB)
	tar -xzf $(BUILD)/$(DIST).tar.gz -C $(DEB)
	cd $(DEB)/$(DIST) && cp -r docs/packages/debian . && dpkg-buildpackage -b -us -uc
	@ls $(DEB)/*.deb

TARGETS = all mpi units fuzzers benches deps check check-long check-san coverage fuzz bench peers demo paper \
	install uninstall clean help dist deb

.PHONY: $(TARGETS)
.SECONDARY:
