# The test equipment; see doc/testing.md. Included by the Makefile.

CHECKS += fuzz keys-proof
C_FILES += $(wildcard spec/proof/*.[ch] spec/proof/fuzz/*.[ch])

# Several Lua states at once: what ThreadSanitizer is for.
tsan: SPEC += spec/threads_spec.lua

# --- One build per key ---------------------------------------------------------------------------------

# Every order of events in a model of keys, and keyed starts that end at each of their system calls.
# `make keys-proof DEEP=1`: three actors, too, and all system calls; hours.
keys-proof:
	@$(SUBMAKE) LUA=luajit keys-proof-run
keys-proof-run: all
	@$(RUN) $(LUA) spec/run.lua '$(LUA) spec/proof/keys_kill.lua $(if $(DEEP),all)' \
	  '$(LUA) spec/proof/keys_proof.lua $(if $(DEEP),3)'
.PHONY: keys-proof keys-proof-run

# --- Failing allocations ---------------------------------------------------------------------------

# CASE=run MODE=lua N=17 runs one of them.
TORTURE := $(BUILD)/torture
$(TORTURE): spec/proof/torture.c spec/proof/torture_server.c spec/proof/torture_server.h $(ARCHIVE)
	$(call say,LD)$(CC) $(OUR_CFLAGS) -Ispec/proof $(LUA_CFLAGS) $(CFLAGS) -o $@ $(filter %.c %.a,$^) \
	  $(foreach f,malloc calloc realloc free curl_global_init,-Wl,--wrap=$(f)) \
	  -Wl,-E $(LUA_LIBS) $(DEP_LIBS) -lm

torture-run: $(TORTURE)
	@$(RUN) ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:handle_abort=1 \
	  UBSAN_OPTIONS=print_stacktrace=1 $(TORTURE) spec/proof/torture.lua $(CASE) $(MODE) $(N)

torture:
	@$(SUBMAKE) torture-run SANITIZER=address,undefined BUILD=build/torture-$(LUA) CFLAGS='-O1 -g'
torture-%:
	@$(SUBMAKE) torture LUA=$*

.PHONY: torture torture-run

# --- Hostile input ---------------------------------------------------------------------------------

# libFuzzer, so clang. Each target for FUZZ_SECONDS, two at a time; 0 only replays the corpus, which
# is one folder a target under spec/proof/corpus.
FUZZ_SECONDS ?= 10
FUZZ := answer args endpoint head ini secret url
FUZZ_SANITIZER := fuzzer,address,undefined
# The engine's place is taken by a stub.
FUZZ_LINK_answer := -Wl,--wrap=cab_transfer_answer

fuzz_seconds = $(if $(filter 0,$(FUZZ_SECONDS)),-runs=0,-max_total_time=$(FUZZ_SECONDS))
FUZZERS := $(FUZZ:%=$(BUILD)/fuzz-%)
$(FUZZERS): $(BUILD)/fuzz-%: spec/proof/fuzz/%.c spec/proof/fuzz/fuzz.h $(OBJECTS)
	$(call say,LD)$(CC) $(OUR_CFLAGS) -fsanitize=$(FUZZ_SANITIZER) $(LUA_CFLAGS) $(DEP_CFLAGS) $(CFLAGS) \
	  -o $@ $< $(OBJECTS) $(FUZZ_LINK_$*) -Wl,-E $(LUA_LIBS) $(DEP_LIBS) -lm

# What is new goes to build; merge it into the corpus with -merge=1.
fuzz-run: $(FUZZERS)
	@$(RUN) $(LUA) spec/run.lua -j 2 $(foreach f,$(FUZZ),'mkdir -p $(BUILD)/new-$(f); \
	  ASAN_OPTIONS=detect_stack_use_after_return=1 $(BUILD)/fuzz-$(f) $(fuzz_seconds) -timeout=10 \
	  -max_len=2048 -verbosity=0 -print_final_stats=1 -artifact_prefix=$(BUILD)/ \
	  $(if $(filter 0,$(FUZZ_SECONDS)),,$(BUILD)/new-$(f)) spec/proof/corpus/$(f) 2>&1')

fuzz:
	@$(SUBMAKE) fuzz-run CC=clang SANITIZER=fuzzer-no-link,address,undefined \
	  BUILD=build/fuzz-$(LUA) CFLAGS='-O1 -g'

.PHONY: fuzz fuzz-run

# --- Coverage --------------------------------------------------------------------------------------

# What specs, torture and the fuzz targets' corpora reach together. C by gcov, Lua by a hook.
COVERAGE_DIR := $(BUILD_DIR)/lua
# What is asked of the real build: gcov adds symbols and opens files.
NOT_COVERAGE := --filter-out="core%.so" --filter-out="opens nothing"
REPLAYS := $(FUZZ:%=$(BUILD)/replay-%)
$(REPLAYS): $(BUILD)/replay-%: spec/proof/fuzz/%.c spec/proof/fuzz/replay.c spec/proof/fuzz/fuzz.h $(OBJECTS)
	$(call say,LD)$(CC) $(OUR_CFLAGS) $(LUA_CFLAGS) $(DEP_CFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) \
	  $(call FUZZ_OBJECTS,$*) $(FUZZ_LINK_$*) -Wl,-E $(LUA_LIBS) $(DEP_LIBS) -lm

coverage-run: all $(TORTURE) $(REPLAYS)
	@mkdir -p $(COVERAGE_DIR)
	@$(RUN) COVERAGE_DIR=$(COVERAGE_DIR) LUA_INIT=@$(CURDIR)/spec/proof/coverage.lua \
	  $(LUA) spec/run.lua '$(BUSTED) $(NOT_COVERAGE) $(SPEC)'; specs=$$?; \
	  $(RUN) $(TORTURE) spec/proof/torture.lua | tail -n 1; \
	  for f in $(FUZZ); do $(RUN) $(BUILD)/replay-$$f spec/proof/corpus/$$f/* || exit 1; done; \
	  $(LUA) spec/proof/coverage.lua $(BUILD)/obj $(COVERAGE_DIR) && exit $$specs

coverage:
	@rm -rf build/coverage-$(LUA)/lua; find build/coverage-$(LUA) -name '*.gcda' -delete 2>/dev/null; \
	  $(SUBMAKE) coverage-run BUILD=build/coverage-$(LUA) HARDENING= CFLAGS='-O0 -g --coverage -DCOVERAGE'

.PHONY: coverage coverage-run

# --- Broken guards ---------------------------------------------------------------------------------

# With LuaJIT, which is through the specs soonest.
mutants:
	@$(RUN) LUA=luajit luajit spec/proof/mutants.lua '$(MUTANT)'

.PHONY: mutants

# --- Endurance -------------------------------------------------------------------------------------

SOAK_SECONDS ?= 600
soak: all
	@$(RUN) SOAK_SECONDS=$(SOAK_SECONDS) $(LUA) spec/proof/soak.lua

.PHONY: soak

# --- What was built --------------------------------------------------------------------------------

# The module shows nothing but its entry, and the hardening that the flags ask for is in it.
CHECKS += symbols
symbols: $(CORE)
	@test "`nm -D --defined-only $(CORE) | sed 's/.* //'`" = luaopen_codearts_build_core
	@readelf -lW $(CORE) | grep -q GNU_RELRO && readelf -dW $(CORE) | grep -q BIND_NOW
	@readelf -lW $(CORE) | grep 'GNU_STACK.*RW ' >/dev/null && ! readelf -dW $(CORE) | grep -q TEXTREL
	@nm -D $(CORE) | grep -q __stack_chk_fail && nm -D $(CORE) | grep -q '_chk@'

# Nothing newer than the oldest libcurl is used without looking for it: the sources compile as if
# the header were 7.80's, where every newer name is unknown.
CHECKS += oldest-libcurl
oldest-libcurl: $(BUILD)/config.mk
	@mkdir -p $(BUILD)/curl-7.80/curl
	@{ echo '#include_next <curl/curl.h>'; \
	  echo '#undef LIBCURL_VERSION_NUM'; echo '#define LIBCURL_VERSION_NUM 0x075000'; \
	  echo '#pragma GCC poison $(NEWER_THAN_7_80)'; } >$(BUILD)/curl-7.80/curl/curl.h
	@for f in $(SOURCES); do $(CC) -I$(BUILD)/curl-7.80 -include curl/curl.h $(filter-out -Werror,$(MODULE_CFLAGS)) \
	  -fsyntax-only -Wno-pedantic -w $$f || exit 1; done
NEWER_THAN_7_80 := CURLOPT_QUICK_EXIT CURLOPT_PROTOCOLS_STR CURLOPT_REDIR_PROTOCOLS_STR \
  CURLOPT_MIME_OPTIONS CURLOPT_SSH_HOSTKEYFUNCTION CURLOPT_SSH_HOSTKEYDATA CURLOPT_WS_OPTIONS \
  CURLOPT_CA_CACHE_TIMEOUT CURLOPT_HAPROXY_CLIENT_IP CURLOPT_SERVER_RESPONSE_TIMEOUT_MS \
  CURLOPT_TCP_KEEPCNT CURLOPT_ECH CURLOPT_UPLOAD_FLAGS CURLINFO_CAPATH CURLINFO_CAINFO \
  CURLINFO_CONN_ID CURLINFO_XFER_ID CURLINFO_QUEUE_TIME_T CURLINFO_USED_PROXY \
  CURLINFO_POSTTRANSFER_TIME_T CURLINFO_EARLYDATA_SENT_T CURLMOPT_NETWORK_CHANGED \
  CURLE_UNRECOVERABLE_POLL CURLE_TOO_LARGE CURLE_ECH_REQUIRED CURLU_PUNYCODE CURLU_PUNY2IDN \
  CURLU_GET_EMPTY CURLU_NO_GUESS_SCHEME CURLUE_TOO_LARGE curl_easy_header curl_easy_nextheader \
  curl_ws_recv curl_ws_send curl_ws_meta curl_multi_get_handles curl_multi_waitfds \
  curl_multi_get_offt curl_easy_ssls_import curl_easy_ssls_export curl_global_trace curl_url_dup

# The specs that depend on libcurl, with the newest one that Debian's backports have; where these
# cannot be had it says so.
CHECKS += newest-libcurl
newest-libcurl:
	@LUA=$(LUA) .ci/newest-libcurl

# By hand: builds, demo and specs on other systems; SYSTEM=sid is one of them.
systems:
	@.ci/systems $(SYSTEM)

.PHONY: systems symbols oldest-libcurl newest-libcurl
