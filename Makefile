# codearts-build. GNU make; `make help` lists the targets. Every variable can be given on the command
# line: make LUA=luajit CC=clang CFLAGS=-O3 WERROR=1 PREFIX=/usr DESTDIR=/tmp/x DEPS=skip

LUA ?= lua5.4
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
# 1: a compiler warning ends the build, as in the checks.
WERROR ?= 0
# What is run: spec files or folders, and how many files at a time: most of what the specs do is waiting.
SPEC ?= spec
JOBS ?= 3
BUILD ?= build/$(LUA)

LINTS := luacheck stylua clang-format headers clang bsd analyzer clang-tidy cppcheck sizes
LUAS := lua5.1 lua5.2 lua5.3 lua5.4 luajit
# Of sid, so that a system may lack it; see its head.
LUA55 := .ci/lua5.5
CORE := $(BUILD)/codearts/build/core.so
ARCHIVE := $(BUILD)/libcodearts_build.a
SOURCES := $(sort $(wildcard csrc/cab/*.c csrc/lua/*.c))
HEADERS := $(sort $(wildcard csrc/cab/*.h csrc/lua/*.h))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
# What the specs bring in C.
SPEC_SOURCES := $(wildcard spec/support/*.c spec/units/*.c spec/proof/*.c spec/proof/fuzz/*.c)
C_FILES := $(SOURCES) $(HEADERS) $(wildcard spec/support/*.[ch] spec/units/*.[ch] bench/*.[ch] examples/*.[ch])
LUA_FILES := lua lazy.lua plugin compiler spec packaging $(wildcard bench examples)

all: $(CORE) $(ARCHIVE)

help:
	@echo 'make            build for LUA (lua5.4; or lua5.1, lua5.2, lua5.3, lua5.5, luajit)'
	@echo 'make nvim       build for Neovim, which then finds the module where it is'
	@echo 'make test       build, then run the specs (SPEC=spec/x_spec.lua: one of them)'
	@echo 'make quick      while working: build, lint of what changed, the fast specs that it concerns'
	@echo 'make demo       a real build in the local sandbox, from a Lua script'
	@echo 'make env        print the export lines that make the in-tree build loadable'
	@echo 'make install    PREFIX=/usr/local DESTDIR=; make uninstall takes it away again'
	@echo 'make check      everything that CI runs; parts: lint, asan, tsan, valgrind, torture, fuzz'
	@echo 'make coverage, make soak, make systems   see doc/testing.md'
	@echo 'make lint       parts: $(LINTS)'
	@echo 'make bench, make format, make rockspec, make clean'

# --- System packages, and what pkg-config and the interpreter say ---------------------------------

GROUP := $(if $(filter test demo mutants,$(MAKECMDGOALS)),test,build)
GROUP := $(or $(firstword $(filter bench coverage quick,$(MAKECMDGOALS))),$(GROUP))
GROUP := $(if $(filter valgrind fuzz $(LINTS),$(MAKECMDGOALS)),check,$(GROUP))
GROUP := $(if $(filter nvim,$(LUA)),nvim,$(GROUP))
# Packages are installed for these alone, which say so where they are described; others name what is missing.
DEPS ?= $(if $(filter test demo quick check bench coverage mutants,$(MAKECMDGOALS)),install,name)
PKG_CONFIG ?= pkg-config
CONFIGURE = DEPS='$(DEPS)' CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' LUA_CFLAGS='$(LUA_CFLAGS)' DEP_LIBS='$(DEP_LIBS)' \
  .ci/configure $(BUILD) $(GROUP) $(LUA)

# These goals need neither. The others do at once, so that nothing follows what they lack but one
# error; not where make is only to tell (-n, -q) or to touch.
PLAIN := help env clean nvim check lint format rockspec release deb systems asan tsan torture test-% valgrind-%
ifneq ($(filter-out $(PLAIN),$(or $(MAKECMDGOALS),all)),)
$(if $(TMPDIR),$(if $(wildcard $(TMPDIR)/.),,$(error TMPDIR=$(TMPDIR): there is no such folder)))
ifeq ($(strip $(foreach flag,n q t,$(findstring $(flag),$(firstword -$(MAKEFLAGS))))),)
$(if $(shell $(CONFIGURE) >&2 || echo no),$(error LUA=$(LUA): nothing was built))
endif
include $(wildcard $(BUILD)/config.mk)
endif

$(BUILD)/config.mk:
	@$(CONFIGURE)

# --- The module -----------------------------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  $(if $(filter 1,$(WERROR)),-Werror)
check lint $(LINTS): export WERROR := 1
# A level that is given stays, and without optimization there is none.
FORTIFY = $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,$(if \
  $(filter-out -O0,$(filter -O%,$(CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
HARDENING = -fstack-protector-strong $(FORTIFY)
ifdef SANITIZER
HARDENING := -fsanitize=$(SANITIZER) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
# -Icsrc: "cab/x.h" and "lua/x.h" are ours, <lua.h> is Lua's. On 32 bits some files have numbers (inodes)
# of 64.
OUR_CFLAGS = -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Icsrc $(WARNINGS) $(HARDENING) -pthread
MODULE_CFLAGS = $(OUR_CFLAGS) -fPIC $(NO_PLT) $(DEP_CFLAGS) $(LUA_CFLAGS)

# What differs between systems. Lua's own symbols come from the program that loads the module.
ifeq ($(shell uname -s),Darwin)
MODULE_LDFLAGS := -bundle -undefined dynamic_lookup
else
MODULE_LDFLAGS := -shared -Wl,-z,relro -Wl,-z,now
# Everything is bound at once, so calls of Lua and libcurl need no stubs: 1 % of a call.
NO_PLT := -fno-plt
endif
# Of glibc before 2.34 dlsym and pthread_once are in libraries of their own.
SYSTEM_LIBS := -pthread $(if $(filter Linux,$(shell uname -s)),-ldl)

# V=1 shows the commands themselves.
say = $(if $(V),,@echo '  $(1) $@'; )

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(HARDENING) $(MODULE_LDFLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(DEP_LIBS) $(SYSTEM_LIBS)

# Beside the Lua files, where Neovim's loader finds it in every layout of packages. Moved there: one that is
# loaded must not change. Four at once: managers of plugins give it no more than two minutes.
PLUGIN_CORE := lua/codearts/build/core.so
nvim:
	@$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j 4) LUA=nvim BUILD=build/nvim $(PLUGIN_CORE)

ifeq ($(LUA),nvim)
$(PLUGIN_CORE): $(CORE)
	@cp $< $@.new && mv -f $@.new $@
endif

# For programs that embed Lua and link the module in; see examples/embed.c.
$(ARCHIVE): $(OBJECTS)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $(OBJECTS)

$(BUILD)/obj/%.o: %.c $(BUILD)/config.mk
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(MODULE_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

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

# Specs and demo see a plain world: no variables of one Lua version, which would go before ours, no
# proxy on the way to loopback, nothing of this make for the ones that they start.
RUN = env $(foreach v,$(HIDDEN),-u $(v)) LUA=$(LUA) PATH="$(HOST_PATH)$$PATH" $(PATHS) $(CPATHS)
HIDDEN := LUA_INIT LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_PATH_5_5 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4 LUA_CPATH_5_5 \
  http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY \
  MAKEFLAGS MFLAGS MAKELEVEL BUILD SANITIZER CFLAGS SPEC JOBS BUSTED_FLAGS
BUSTED = $(LIMIT) $(LUA) spec/busted.lua $(BUSTED_FLAGS)

# The interpreter that carries a sanitizer's runtime; see its source.
ifdef SANITIZER
HOST := $(BUILD)/bin/$(LUA)
HOST_PATH := $(BUILD_DIR)/bin:
$(HOST): spec/support/interpreter.c $(BUILD)/config.mk
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(OUR_CFLAGS) $(LUA_CFLAGS) $(CFLAGS) -o $@ $< $(LUA_LIBS)
endif

# CHANGED=1: those that concern what changed since BASE; see spec/map.lua.
BASE ?= HEAD
ifdef CHANGED
SPEC = $(shell $(LUA) spec/map.lua specs $(BASE))
endif
SPECS = $(foreach s,$(SPEC),$(if $(filter %.lua,$(s)),$(s),$(sort $(wildcard $(s)/*_spec.lua $(s)/*/*_spec.lua))))
test: all $(HOST)
	@$(if $(SPEC),$(RUN) $(LUA) spec/run.lua -j $(JOBS) $(SPECS:%='$(BUSTED) %'),echo 'No spec concerns what changed since $(BASE).')

# While working: builds, lints what changed, runs the fast specs that it concerns. Under 20 seconds.
quick: all
	@changed() { $(LUA) spec/map.lua $$1 $(BASE); }; \
	  c=`changed c` && lua=`changed lua` && specs=`changed fast` && \
	  $(RUN) $(LUA) spec/run.lua \
	    $${c:+"clang-format --dry-run -Werror $$c"} \
	    $${lua:+"luacheck -q --no-color $$lua"} \
	    "$(BUSTED) spec/layers_spec.lua $$specs"

# For editors: compile_commands.json.
compdb: all
	@{ echo '['; sep=; for f in $(SOURCES); do \
	  printf '%s{"directory": "%s", "file": "%s", "command": "%s"}\n' "$$sep" '$(CURDIR)' $$f \
	    '$(CC) $(MODULE_CFLAGS) -c '$$f; sep=,; done; echo ']'; } >compile_commands.json

demo: all
	@$(RUN) $(LUA) examples/demo.lua

# The picture of the README, from the real command; needs tmux.
picture: all
	@$(RUN) $(LUA) packaging/picture.lua

# --- Checks ---------------------------------------------------------------------------------------

SUBMAKE := $(MAKE) --no-print-directory
# Three parts at a time, the long ones first. DONE=test-lua5.4: leaves out parts that were run before. A
# spec file that hangs is named.
check: export JOBS = 2
check: export LIMIT = timeout --kill-after=10 600
check:
	@DEPS='$(DEPS)' .ci/deps check $(LUA)
	@$(LUA) spec/run.lua $(foreach l,$(LUAS),'$(SUBMAKE) -j2 LUA=$(l)') \
	  '$(LUA) spec/run.lua -j 3 $(foreach c,$(filter-out $(DONE),$(CHECKS)),"$(SUBMAKE) $(c)")'
CHECKS := mutants asan torture torture-lua5.1 lint $(LUAS:%=test-%) test-lua5.5 tsan valgrind-lua5.4 valgrind-luajit demo

test-%:
	@$(SUBMAKE) test LUA=$* $(if $(SPEC),SPEC='$(SPEC)')
all_but = $(filter-out $(foreach s,$(1),spec/$(s)_spec.lua),$(sort $(wildcard spec/*_spec.lua spec/*/*_spec.lua)))
# They drive LÖVE, Neovim and nginx, which have a Lua of their own: two of ours do for that.
OF_HOSTS := host_love host_nvim host_resty host_resty_callbacks host_resty_wake nvim_builds nvim_help nvim_install nvim_lists nvim_secrets nvim_waits
# What takes long, and asks the servers, the core or the system rather than Lua: 5.4 and LuaJIT are enough.
OF_SYSTEM := chaos cli_output cli_page cli_shells cli_terminal fault_server gateways keys_etcd keys_model large_body locale \
  odd_answers packaging proxy schedule secrets_build trust verdict
test-lua5.1 test-lua5.2 test-lua5.3: SPEC = $(call all_but,$(OF_HOSTS) $(OF_SYSTEM))
# What is packed is built as users build it, without a sanitizer; the command does in the core what the others do.
# Texts in which secrets are looked for have a fuzz target. In a process that forks while a thread of it allocates, gcc's
# sanitizer waits for ever in the child for a lock of its own, now and then.
asan: SPEC = $(call all_but,$(OF_HOSTS) cli_% keys_model locale packaging secrets secrets_build surroundings)
# For it there is no luv and no LuaSQL.
test-lua5.5: SPEC = $(call all_but,$(OF_HOSTS) $(OF_SYSTEM) host_luv keys_hosts keys_interrupt keys_postgresql refused)
test-lua5.5:
	@$(LUA55) $(SUBMAKE) test LUA=lua5.5 DEPS=skip SPEC='$(SPEC)'

# A finding is mended or, with its reason, excepted where it is.
lint:
	@$(LUA) spec/run.lua $(foreach l,$(LINTS),'$(SUBMAKE) -s $(l)')

# Of other versions these say nothing, but in CI, which brings them.
TIDY_LUA := 2.5.2
TIDY_C := 14.
STYLUA ?= $(if $(filter 1,$(NO_SKIPS)),$(PINNED_STYLUA),$(or $(wildcard $(PINNED_STYLUA)),stylua))
PINNED_STYLUA := build/tools/node_modules/.bin/stylua
each = printf '%s\n' $(1) | xargs -P 2 -I{}

luacheck:
	luacheck -q --no-color $(LUA_FILES) bin/codearts-build

stylua: $(filter $(PINNED_STYLUA),$(STYLUA))
	.ci/pinned $(TIDY_LUA) $(STYLUA) --check $(LUA_FILES)
	sed '1,/^]]$$/d' bin/codearts-build | .ci/pinned $(TIDY_LUA) $(STYLUA) --check -

# Short rooms: see its head.
sizes:
	$(LUA) spec/support/sizes.lua `find csrc lua plugin compiler bin spec bench examples packaging -name '*.[ch]' -o -name '*.lua'`

clang-format:
	.ci/pinned $(TIDY_C) clang-format --dry-run -Werror $(C_FILES)

# Each header compiles alone.
headers:
	for h in $(HEADERS); do $(CC) $(MODULE_CFLAGS) -fsyntax-only -x c $$h || exit 1; done

clang:
	clang $(MODULE_CFLAGS) -fsyntax-only $(SOURCES) $(SPEC_SOURCES)

# What the BSDs and macOS compile, as far as headers of Linux and stubs go; NetBSD has types of its own.
bsd:
	clang $(MODULE_CFLAGS) -U__linux__ -Ispec/support/bsd -fsyntax-only $(SOURCES)
	clang $(MODULE_CFLAGS) -U__linux__ -D__NetBSD__ -Ispec/support/bsd -fsyntax-only $(SOURCES)

analyzer:
	$(call each,$(SOURCES)) gcc $(MODULE_CFLAGS) -O1 -fanalyzer -c -o /dev/null {}

# One file a run: with several, version 14 takes every va_list for uninitialized.
clang-tidy:
	$(call each,$(SOURCES) $(SPEC_SOURCES)) clang-tidy --quiet {} -- $(filter-out -Werror,$(MODULE_CFLAGS)) 2>/dev/null

cppcheck:
	cppcheck -q --error-exitcode=1 --inline-suppr --std=c11 --suppress=missingIncludeSystem \
	  --enable=warning,performance,portability -Icsrc csrc $(SPEC_SOURCES)

format: $(PINNED_STYLUA)
	.ci/pinned $(TIDY_LUA) $(PINNED_STYLUA) $(LUA_FILES)
	.ci/pinned $(TIDY_C) clang-format -i $(C_FILES)

# The rockspec's list of files; a spec compares it with the disk.
rockspec:
	@$(LUA) spec/support/rockspec.lua

$(PINNED_STYLUA):
	@npm install --loglevel=error --no-save --prefix build/tools @johnnymorganz/stylua-bin@$(TIDY_LUA)

# A representative part, for the slow ones.
tsan valgrind: SPEC := $(wildcard $(foreach s,args async retry sign_in,spec/$(s)_spec.lua))

# The specs with an instrumented module in an instrumented interpreter. LuaJIT keeps pointers in ways
# that LeakSanitizer does not know.
asan:
	@ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1$(if \
	    $(filter luajit,$(LUA)),:detect_leaks=0) \
	  UBSAN_OPTIONS=print_stacktrace=1 \
	  $(SUBMAKE) test SPEC='$(SPEC)' SANITIZER=address,undefined BUILD=build/asan-$(LUA) CFLAGS='-O1 -g'

tsan:
	@TSAN_OPTIONS=halt_on_error=1 \
	  $(SUBMAKE) test SPEC='$(SPEC)' SANITIZER=thread BUILD=build/tsan-$(LUA) CFLAGS='-O1 -g'

# LuaJIT with its compiler off: valgrind cannot follow machine code that comes and goes.
valgrind: all
	@$(RUN) $(LUA) spec/run.lua 'valgrind -q --error-exitcode=1 --leak-check=full \
	  --errors-for-leak-kinds=definite $(LUA) $(if $(filter luajit,$(LUA)),-joff) \
	  spec/busted.lua $(SPEC)'

valgrind-%:
	@$(SUBMAKE) valgrind LUA=$*

# The test equipment.
include $(wildcard spec/proof/*.mk)

bench: all
	@$(RUN) $(LUA) bench/run.lua
	@$(RUN) $(LUA) bench/longest_step.lua

# Instructions, so that it can be a check.
CHECKS += bench-check
bench-check: all
	@$(RUN) $(LUA) bench/check.lua

# --- Installing -----------------------------------------------------------------------------------

include packaging/install.mk

# make release VERSION=0.1.0: see its head.
release:
	@packaging/release $(VERSION) $(URL)

# Debian packages of what is committed: see its head.
deb:
	@packaging/deb

clean:
	rm -rf build $(PLUGIN_CORE)

.PHONY: all help env nvim test quick picture compdb release deb demo check lint $(LINTS) format rockspec asan tsan valgrind bench bench-check clean
.DELETE_ON_ERROR:
