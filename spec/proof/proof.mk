# The test equipment; see doc/testing.md. Included by the Makefile.

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
