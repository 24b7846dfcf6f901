# Builds every cmd/NAME.c into build/bin/NAME on one library of libcommon/*/*.c.
# Sources are found by wildcard: a new file needs no line here.

PREFIX = /usr/local
DESTDIR =
CC = cc
ARCH = native
CFLAGS = -O3 -g
SAN =

PKGS = openblas msgpack libxxhash jansson libpcre2-8 libutf8proc
BUILD = build$(if $(SAN),-$(SAN))
comma = ,

ifneq ($(filter -Ofast -ffast-math,$(CFLAGS)),)
$(error -Ofast and -ffast-math remove the checks for NaN: not supported)
endif

# -ffp-contract=fast: a*b+c may become one fma; nothing else of fast-math
ALL_CFLAGS = -std=c11 -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=700 -D_GNU_SOURCE -Ilibcommon -pthread \
	-Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-psabi \
	-fno-math-errno -ffp-contract=fast -march=$(ARCH) $(CFLAGS) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	$(shell pkg-config --cflags $(PKGS))
# --as-needed: a filter that calls no BLAS does not load OpenBLAS
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS) $(if $(SAN),-fsanitize=$(SAN))
LIBS = $(shell pkg-config --libs $(PKGS)) -lm

LIB_SRC := $(wildcard libcommon/*/*.c)
TOOLS := $(patsubst cmd/%.c,%,$(wildcard cmd/*.c))
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
LIB = $(BUILD)/libcommon.a
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o)

all: $(TOOLS:%=$(BUILD)/bin/%)

units: $(UNITS:%=$(BUILD)/unit/%)

$(BUILD)/bin/%: $(BUILD)/cmd/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(LIB_OBJ:.o=.d) $(TOOLS:%=$(BUILD)/cmd/%.d) $(UNITS:%=$(BUILD)/tests/unit/%.d)

clean:
	rm -rf build build-*

.PHONY: all units clean
.SECONDARY:
