# make install and make uninstall; see README.md. Included by the Makefile.

# 5.4, 5.1, … or luajit: what tells apart the commands, archives and .pc files of several Luas.
LUA_NAME = $(if $(filter luajit%,$(notdir $(LUA))),luajit,$(LUA_VERSION))
SHARE = $(PREFIX)/share/lua/$(LUA_VERSION)
LIBDIR ?= $(PREFIX)/lib
LUA_LIBDIR ?= $(LIBDIR)/lua/$(LUA_VERSION)
BIN = $(PREFIX)/bin
INCLUDE = $(PREFIX)/include/codearts-build
DOC = $(PREFIX)/share/doc/codearts-build
# Where the manual and the completions of the shells are looked for.
MAN = $(PREFIX)/share/man/man1
BASH = $(PREFIX)/share/bash-completion/completions
ZSH = $(PREFIX)/share/zsh/site-functions
FISH = $(PREFIX)/share/fish/vendor_completions.d

COMMAND = codearts-build-$(LUA_NAME)
INSTALLED_ARCHIVE = $(LIBDIR)/libcodearts_build-$(LUA_NAME).a
PC = $(LIBDIR)/pkgconfig/codearts-build-$(LUA_NAME:5.%=lua5.%).pc
DOCS = README.md CHANGELOG.md LICENSE $(shell find doc examples -type f ! -name '.*')
completion = $(PATHS) $(LUA) -e 'io.write(require("codearts.build.cli.completion").scripts.$(1))'
LIBRARY_VERSION = $(shell sed -n 's/^return "\(.*\)"/\1/p' lua/codearts/build/version.lua)
# From one folder to another below PREFIX, so that the tree may be moved.
from = $(shell realpath -m --relative-to='$(1)' '$(2)')

install: install-module install-command install-doc install-c

install-module: all
	@for f in `cd lua && find . -name '*.lua'`; do \
	  install -D -m 644 lua/$$f "$(DESTDIR)$(SHARE)/$$f" || exit 1; done
	install -D -m 755 $(CORE) "$(DESTDIR)$(LUA_LIBDIR)/codearts/build/core.so"

# It runs under this Lua and finds the modules that it came with. The plain name is of the Lua that came first.
install-command: all
	@install -d "$(DESTDIR)$(BIN)" "$(DESTDIR)$(BASH)" "$(DESTDIR)$(ZSH)" "$(DESTDIR)$(FISH)"
	@{ sed -e 's|^lua=$$|lua=$(notdir $(LUA))|' -e '/^]]$$/q' bin/codearts-build; \
	  echo 'local function find_modules()'; \
	  echo 'local bin = arg[0]:match "^(.*)/[^/]*$$"'; \
	  echo 'local share, lib = bin .. "/$(call from,$(BIN),$(SHARE))/", bin .. "/$(call from,$(BIN),$(LUA_LIBDIR))/"'; \
	  echo 'package.path = share .. "?.lua;" .. share .. "?/init.lua;" .. package.path'; \
	  echo 'package.cpath = lib .. "?.so;" .. package.cpath'; \
	  echo 'end'; \
	  sed -n '/^-- The command, wherever/,$$p' bin/codearts-build; } >$(BUILD)/$(COMMAND).$$PPID && \
	  install -m 755 $(BUILD)/$(COMMAND).$$PPID "$(DESTDIR)$(BIN)/$(COMMAND)" && \
	  rm $(BUILD)/$(COMMAND).$$PPID
	@cd "$(DESTDIR)$(BIN)" && { [ -e codearts-build ] || ln -sf $(COMMAND) codearts-build; }
	@install -d "$(DESTDIR)$(MAN)"
	@$(PATHS) $(LUA) -e 'require("codearts.build.cli.manual").write "$(DESTDIR)$(MAN)"'
	@$(call completion,bash) >"$(DESTDIR)$(BASH)/codearts-build"
	@$(call completion,zsh) >"$(DESTDIR)$(ZSH)/_codearts-build"
	@$(call completion,fish) >"$(DESTDIR)$(FISH)/codearts-build.fish"

install-doc:
	@for f in $(DOCS); do install -D -m 644 $$f "$(DESTDIR)$(DOC)/$$f" || exit 1; done

# For programs that link the core in.
install-c: all
	install -D -m 644 $(ARCHIVE) "$(DESTDIR)$(INSTALLED_ARCHIVE)"
	install -D -m 644 csrc/lua/core.h "$(DESTDIR)$(INCLUDE)/lua/core.h"
	@install -d "$(DESTDIR)$(dir $(PC))"
	@{ echo 'prefix=$${pcfiledir}/$(call from,$(dir $(PC)),$(PREFIX))'; \
	  echo 'libdir=$${pcfiledir}/..'; \
	  echo; \
	  echo 'Name: codearts-build for Lua $(LUA_NAME)'; \
	  echo 'Description: Runs Huawei Cloud CodeArts Build jobs from Lua; the core as an archive to link in'; \
	  echo 'Version: $(LIBRARY_VERSION)'; \
	  echo 'Requires: $(LUA_PC) libcurl libcrypto'; \
	  echo 'Cflags: -I$${prefix}/include/codearts-build'; \
	  echo 'Libs: -L$${libdir} -lcodearts_build-$(LUA_NAME) -lm $(SYSTEM_LIBS)'; } >"$(DESTDIR)$(PC)"

# What several Luas share goes with the last of them. LuaJIT and Lua 5.1 share their modules, too.
SIBLING = $(if $(filter 5.1,$(LUA_VERSION)),$(wildcard $(addprefix $(DESTDIR)$(BIN)/codearts-build-,$(filter-out $(LUA_NAME),5.1 luajit))))
uninstall:
	rm -f "$(DESTDIR)$(BIN)/$(COMMAND)" "$(DESTDIR)$(INSTALLED_ARCHIVE)" "$(DESTDIR)$(PC)"
	$(if $(SIBLING),,rm -rf "$(DESTDIR)$(SHARE)/codearts/build" "$(DESTDIR)$(LUA_LIBDIR)/codearts/build" \
	  "$(DESTDIR)$(SHARE)/codearts/health.lua")
	@cd "$(DESTDIR)$(BIN)" && [ -e codearts-build ] || { rm -f codearts-build; \
	  for other in codearts-build-*; do if [ -e "$$other" ]; then ln -s "$$other" codearts-build && break; fi; done; }
	@[ -e "$(DESTDIR)$(BIN)/codearts-build" ] || rm -rf "$(DESTDIR)$(INCLUDE)" "$(DESTDIR)$(DOC)" \
	  "$(DESTDIR)$(MAN)"/codearts-build.1 "$(DESTDIR)$(MAN)"/codearts-build-*.1 "$(DESTDIR)$(BASH)/codearts-build" \
	  "$(DESTDIR)$(ZSH)/_codearts-build" "$(DESTDIR)$(FISH)/codearts-build.fish"
	@for folder in "$(SHARE)" "$(LUA_LIBDIR)"; do rmdir "$(DESTDIR)$$folder/codearts" 2>/dev/null || :; done

.PHONY: install install-module install-command install-doc install-c uninstall
