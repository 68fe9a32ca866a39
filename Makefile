# codearts-build. GNU make; `make help` lists the targets. Every variable can be given on the command
# line: make LUA=luajit CC=clang CFLAGS=-O3 WERROR=0 PREFIX=/usr DESTDIR=/tmp/x DEPS=skip

LUA ?= lua5.4
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
# 0: a compiler warning does not end the build.
WERROR ?= 1
# What `make test` runs: a spec file or folder.
SPEC ?= spec
BUILD ?= build/$(LUA)

LUAS := lua5.1 lua5.2 lua5.3 lua5.4 luajit
CORE := $(BUILD)/codearts/build/core.so
ARCHIVE := $(BUILD)/libcodearts_build.a
SOURCES := $(sort $(wildcard csrc/cab/*.c csrc/lua/*.c))
HEADERS := $(sort $(wildcard csrc/cab/*.h csrc/lua/*.h))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
C_FILES := $(SOURCES) $(HEADERS) $(wildcard spec/support/*.[ch] bench/*.[ch] examples/*.[ch])
LUA_FILES := lua spec $(wildcard bench examples) codearts-build-scm-1.rockspec

all: $(CORE) $(ARCHIVE)

help:
	@echo 'make            build for LUA (default lua5.4; lua5.1, lua5.2, lua5.3, luajit)'
	@echo 'make test       build, then run the specs (SPEC=spec/x_spec.lua: one of them)'
	@echo 'make demo       a real build in the local sandbox, from a Lua script'
	@echo 'make env        print the export lines that make the in-tree build loadable'
	@echo 'make install    PREFIX=/usr/local DESTDIR='
	@echo 'make check      everything that CI runs; parts: lint asan tsan valgrind'
	@echo 'make bench      measure; make format: lay the sources out; make clean'

# --- System packages, and what pkg-config and the interpreter say ---------------------------------

# These goals need neither; the others read config.mk, whose rule sees to the packages first. Once
# it is made, that costs nothing.
ifneq ($(filter-out help env clean check lint format asan tsan,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/config.mk
endif

GROUP := $(if $(filter test demo bench valgrind,$(MAKECMDGOALS)),test,build)
ifneq ($(DEPS),skip)
$(BUILD)/config.mk: | $(BUILD)/deps.$(GROUP)
endif

$(BUILD)/deps.%: .ci/deps
	@.ci/deps $* $(LUA)
	@mkdir -p $(@D) && touch $@

# Some systems call it lua5.4, some lua-5.4.
$(BUILD)/config.mk: Makefile .ci/deps
	@mkdir -p $(@D)
	@pc=$(LUA); pkg-config --exists $$pc || pc=lua-$(LUA:lua%=%); { \
	  flags=`pkg-config --cflags $$pc` && echo "LUA_CFLAGS ?= $$flags" && \
	  flags=`pkg-config --libs $$pc` && echo "LUA_LIBS ?= $$flags" && \
	  flags=`pkg-config --cflags libcurl libcrypto` && echo "DEP_CFLAGS ?= $$flags" && \
	  flags=`pkg-config --libs libcurl libcrypto` && echo "DEP_LIBS ?= $$flags" && \
	  v=`$(LUA) -e 'print((_VERSION:gsub("Lua ", "")))'` && echo "LUA_VERSION ?= $$v"; } >$@.tmp
	@mv $@.tmp $@

# --- The module -----------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
ifneq ($(WERROR),0)
WARNINGS += -Werror
endif
HARDENING := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
ifdef SANITIZER
HARDENING := -fsanitize=$(SANITIZER) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
# -Icsrc: "cab/x.h" and "lua/x.h" are ours, <lua.h> is Lua's.
OUR_CFLAGS = -std=c11 -D_GNU_SOURCE -Icsrc $(WARNINGS) $(HARDENING) -pthread
MODULE_CFLAGS = $(OUR_CFLAGS) -fPIC -fvisibility=hidden $(DEP_CFLAGS) $(LUA_CFLAGS)

# What differs between systems. Lua's own symbols come from the program that loads the module. With
# nodelete a dlclose leaves the code where a thread of libcurl's resolver may still be running.
ifeq ($(shell uname -s),Darwin)
MODULE_LDFLAGS := -bundle -undefined dynamic_lookup
else
MODULE_LDFLAGS := -shared -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now
endif

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(HARDENING) $(MODULE_LDFLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(DEP_LIBS) -pthread

# For programs that embed Lua and link the module in; see examples/embed.c.
$(ARCHIVE): $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $(OBJECTS)

$(BUILD)/obj/%.o: %.c $(BUILD)/config.mk
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

# --- Running --------------------------------------------------------------------------------------

# Ours first, then the user's (less ours of an earlier time), then the defaults: the closing ";;".
others = $(if $(2),$(subst $(1);,,$(2);))
with_user = $(1);$(filter-out ;,$(subst ;;,;,$(subst ;;,;,$(call others,$(1),$(2)))));
BUILD_DIR := $(if $(filter /%,$(BUILD)),,$(CURDIR)/)$(BUILD)
PATHS = LUA_PATH='$(call with_user,$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua,$(LUA_PATH))'
CPATHS = LUA_CPATH='$(call with_user,$(BUILD_DIR)/?.so,$(LUA_CPATH))'

env:
	@echo "export $(PATHS)"
	@echo "export $(CPATHS)"

# Variables of one Lua version would go before ours, and a proxy has no place on loopback.
RUN = env -u LUA_PATH_5_2 -u LUA_PATH_5_3 -u LUA_PATH_5_4 -u LUA_CPATH_5_2 -u LUA_CPATH_5_3 \
  -u LUA_CPATH_5_4 -u LUA_INIT -u http_proxy -u https_proxy -u HTTPS_PROXY -u all_proxy -u ALL_PROXY \
  LUA=$(LUA) BUILD=$(BUILD) $(PATHS) $(CPATHS)
BUSTED = $(LUA) "$$(command -v busted)"

test: all
	@$(RUN) $(LUA) spec/run.lua '$(BUSTED) $(SPEC)'

demo: all
	@$(RUN) $(LUA) examples/demo.lua

.PHONY: all help env test demo
