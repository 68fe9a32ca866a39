-- Breaks one guard of the library after the other, in a copy of the tree, and wants a spec to go red
-- for each: `make mutants`, `make mutants MUTANT=token` for those with the word in their names. The
-- last line is `N passed, N failed`.
--
-- A mutant is one text of a file that another one replaces. One that is not there exactly once fails:
-- whoever changes a guard changes its row. The name is what could happen then. That the specs are green
-- with every guard in its place is what `make test` says.

local MUTANTS = {
  {
    name = "a POST that libcurl repeats on another connection of the pool",
    file = "csrc/cab/transfer.c",
    find = "if (a->let_out > 1 && a->once) {",
    replace = "if (false) {",
    specs = "at_most_once",
  },
  {
    name = "a request on a connection that carries another one, and one at a time",
    file = "csrc/cab/transfer.c",
    find = "(one == NULL || !one->ready || (one->requests > 0 && !one->shared))",
    replace = "one == NULL",
    specs = "reused",
  },
  {
    name = "calls that wait within libcurl, where their time runs",
    file = "csrc/cab/hosts.c",
    find = "if (hosts->connections >= hosts->max_connections) {",
    replace = "if (hosts->max_connections == 0) {",
    specs = "connections",
  },
  {
    name = "a POST that libcurl repeats on a new connection",
    file = "csrc/cab/transfer.c",
    find = "if (t->attempt.once && t->attempt.let_out > 0) {",
    replace = "if (false) {",
    specs = "at_most_once",
  },
  {
    name = "a POST on a kept connection that its server has ended",
    file = "csrc/cab/sockets.c",
    find = "if (port_of(one) == port && has_ended(one->fd, plain || one->in_turn)) {",
    replace = "if (false && has_ended(one->fd, plain)) {",
    specs = "reused",
  },
  {
    name = "a POST that is tried again after some of it was sent",
    file = "csrc/cab/classify.c",
    find = "(ending->op == CAB_OP_READ || !ending->sent)) {",
    replace = "true) {",
    specs = "at_most_once",
  },
  {
    name = "a POST that is tried again after a 5xx",
    file = "csrc/cab/classify.c",
    find = "{CAB_SAYS_NOTHING, 500, 599, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_NEVER,",
    replace = "{CAB_SAYS_NOTHING, 500, 599, CAB_OUTCOME_UNKNOWN, CAB_AGAIN_LATER,",
    specs = "at_most_once",
  },
  {
    name = "an outcome that is softened to not_started",
    file = "csrc/cab/classify.c",
    find = "v.outcome = CAB_OUTCOME_UNKNOWN;",
    replace = "v.outcome = CAB_OUTCOME_NOT_STARTED;",
    specs = "at_most_once",
  },
  {
    name = "a redirect after a start that is taken for a refusal",
    file = "csrc/cab/classify.c",
    find = "{CAB_SAYS_NOTHING, 307, 308,",
    replace = "{CAB_SAYS_NOTHING, 303, 308,",
    specs = "refusals",
  },
  {
    name = "a gateway's code from after it has forwarded",
    file = "csrc/cab/classify.c",
    find = "{602, 602, false},",
    replace = "{601, 602, false},",
    specs = "refusals",
  },
  {
    name = "a gateway's code that another answer quotes",
    file = "csrc/lua/lua_body.c",
    find = "cab_code_says(code, is_gateway_form(L, top))",
    replace = "cab_code_says(code, true)",
    specs = "refusals",
  },
  {
    name = "an answer that tells more than it is read for",
    file = "csrc/lua/lua_plain.c",
    find = "if (left == 0 && p < end && *p == '}' && skip_blanks(p + 1, end) == end) {",
    replace = "if (left == 0) {",
    specs = "result",
  },
  {
    name = "a refusal that is believed though it tells of a build",
    file = "csrc/lua/lua_body.c",
    find = "if (refusal && kind == LCAB_ANSWER_RUN && a->body.len > 0 && tells_of_build(a->body.data)) {",
    replace = "if (refusal && kind == LCAB_ANSWER_RUN && a->body.len == 0) {",
    specs = "refusals",
  },
  {
    name = "a request that goes out after its limit",
    file = "csrc/cab/transfer.c",
    find = "if (a->let_out == 0 && a->ends_ms <= cab_clock_ms()) {",
    replace = "if (false) {",
    specs = "time",
  },
  {
    name = "a Retry-After that outlasts the deadline",
    file = "csrc/cab/retry.c",
    find = "return delay < limit ? delay : -1;",
    replace = "return delay;",
    specs = "retry",
  },
  {
    name = "secrets that are not masked",
    file = "csrc/cab/secret.c",
    find = "s->text[s->count++] = text;",
    replace = "(void)text;",
    specs = "secrets",
  },
  {
    name = "pieces of secrets in a text that is thought to show none",
    file = "csrc/cab/pieces.c",
    find = "cab_grams_follow(known, SHORT_PIECE, text, len)",
    replace = "cab_grams_follow(known, 2 * SHORT_PIECE, text, len)",
    specs = "units",
  },
  {
    name = "secrets that come back escaped",
    file = "csrc/cab/secret.c",
    find = "} else if (match_escape(at, end, s, first, &u)) {",
    replace = "} else if (match_escape(at, end, s, first, &u) && false) {",
    specs = "secrets",
  },
  {
    name = "blanks within a secret that are skipped without end",
    file = "csrc/cab/secret.c",
    find = "#define MOST_SKIPPED 16",
    replace = "#define MOST_SKIPPED 1000000",
    specs = "units",
  },
  {
    name = "pieces of secrets that are not masked",
    file = "csrc/cab/pieces.c",
    find = "marks[i / 8] |= (unsigned char)(1 << i % 8);",
    replace = "(void)marks;",
    specs = "secrets",
  },
  {
    name = "secrets that stay in freed memory",
    file = "csrc/cab/buf.c",
    find = "set(p, 0, len);",
    replace = "(void)set;",
    specs = "wiping",
  },
  {
    name = "an answer of any size",
    file = "csrc/cab/transfer.c",
    find = ".max_body = r->max_body,",
    replace = ".max_body = (size_t)-1,",
    specs = "at_most_once",
  },
  {
    name = "a head of any size",
    file = "csrc/cab/receive.c",
    find = "if (a->head_total > CAB_MAX_HEAD_BYTES) {",
    replace = "if (false) {",
    specs = "at_most_once",
  },
  {
    name = "a compressed answer",
    file = "csrc/cab/receive.c",
    find = "if (is_encoded(line, len)) {",
    replace = "if (false) {",
    specs = "at_most_once",
  },
  {
    name = "a token that a redirect takes elsewhere",
    file = "csrc/cab/transfer.c",
    find = "SET(CURLOPT_FOLLOWLOCATION, 0L);",
    replace = "SET(CURLOPT_FOLLOWLOCATION, 1L); SET(CURLOPT_UNRESTRICTED_AUTH, 1L);",
    specs = "hardening",
  },
  {
    name = "a token that leaves the machine over plain http",
    file = "csrc/lua/lua_options.c",
    find = "if (!ep->https && !ep->loopback && !allow_http) {",
    replace = "if (false) {",
    specs = "hardening",
  },
  {
    name = "a token that goes to another plain address",
    file = "csrc/lua/lua_request.c",
    find = "if (c->elsewhere.base != NULL && !c->elsewhere.https &&",
    replace = "if (false &&",
    specs = "hardening",
  },
  {
    name = "a certificate of an unknown authority",
    file = "csrc/cab/trust.c",
    find = "{CURLOPT_SSL_VERIFYPEER, trust->insecure ? 0L : 1L},",
    replace = "{CURLOPT_SSL_VERIFYPEER, 0L},",
    specs = "tls",
  },
  {
    name = "a certificate of another host",
    file = "csrc/cab/trust.c",
    find = "{CURLOPT_SSL_VERIFYHOST, trust->insecure ? 0L : 2L},",
    replace = "{CURLOPT_SSL_VERIFYHOST, 0L},",
    specs = "tls",
  },
  {
    name = "the system's authorities beside the one that is named",
    file = "csrc/cab/trust.c",
    find = "} else if (!is_named(trust)) {",
    replace = "} else {",
    specs = "tls",
  },
  {
    name = "an authority that is trusted no more, by a session from before",
    file = "csrc/cab/trust.c",
    find = "anchors->changed && check->resumes;",
    replace = "false;",
    specs = "trust",
  },
  {
    name = "a file of authorities that has changed",
    file = "csrc/cab/bundle.c",
    find = "cab_file_id_same(&bundle->id, id)",
    replace = "true",
    specs = "trust",
  },
  {
    name = "a folder of authorities that has changed",
    file = "csrc/cab/anchors.c",
    find = "cab_file_id_same(folder_id, &anchors->folder_id)",
    replace = "true",
    specs = "trust",
  },
  {
    name = "arguments that are not UTF-8",
    file = "csrc/lua/lua_args.c",
    find = "return lcab_utf8_valid(t->data, t->len);",
    replace = "return true;",
    specs = "args",
  },
  {
    name = "line breaks and NULs in headers",
    file = "csrc/lua/lua_opts.c",
    find = "(blank && (c == ' ' || c == '\\t' || c >= 0x80));",
    replace = "blank;",
    specs = "options",
  },
  {
    name = "a job_id of other characters",
    file = "csrc/lua/lua_args.c",
    find = "!are_alphanumeric(text, LCAB_JOB_ID_LEN)",
    replace = "false",
    specs = "args",
  },
  {
    name = "a forked child that cleans up on its parent's connections",
    file = "csrc/cab/client.c",
    find = "if (cab_client_forked(c)) {\n        /* Cleaning up",
    replace = "if (false) {\n        /* Cleaning up",
    specs = "fork",
  },
  {
    name = "a forked child that breaks off its parent's stream",
    file = "csrc/cab/client.c",
    find = "if (cab_client_forked(c)) { /* the poller is the parent's */",
    replace = "if (false) {",
    specs = "fork",
  },
  {
    name = "a callback that steps",
    file = "csrc/lua/lua_step.c",
    find = [[if (lcab_client_is_busy(u)) {
        lcab_usage_error(L, "step", LCAB_NOT_IN_CALLBACK);]],
    replace = [[if (false) {
        lcab_usage_error(L, "step", LCAB_NOT_IN_CALLBACK);]],
    specs = "async",
  },
  {
    name = "a callback that starts a build which it must not wait for",
    file = "csrc/lua/lua_wait.c",
    find = "if (lcab_client_is_busy(u)) { /* said before anything is sent */",
    replace = "if (false) {",
    specs = "async",
  },
  {
    name = "two processes that sign in at once",
    file = "lua/codearts/build/token_store/file.lua",
    find = 'local lock, problem = core.file.lock(path .. ".lock")',
    replace = "local lock, problem = core.file.lock(os.tmpname())",
    specs = "sign_in token_store",
  },
  {
    name = "a token store that others can read",
    file = "lua/codearts/build/token_store/file.lua",
    find = "return about.mine and about.mode % 64 == 0",
    replace = "return true",
    specs = "token_store",
  },
  {
    name = "a build of somebody else that is taken for the call's own",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = "if text == ascii.lower(run_id) then",
    replace = 'if text ~= "" then',
    specs = "reconcile",
  },
  {
    name = "a masked value that is taken for another one",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = 'or text:find("*", 1, true) then',
    replace = "then",
    specs = "reconcile",
  },
  {
    name = "a part of the id that is taken for another value",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = 'return not may_be_made_of(text, ascii.lower(run_id)) and "other" or nil',
    replace = 'return "other"',
    specs = "reconcile",
  },
  {
    name = "builds that show no id and count for nothing",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = 'or open[1] and "hidden")',
    replace = ")",
    specs = "reconcile",
  },
  {
    name = "a list that was not read to its end, taken for a proof",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = 'not facts.whole and "list"',
    replace = 'false and "list"',
    specs = "reconcile",
  },
  {
    name = "the local clock in place of the service's",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = "return math.min(date - passed, began.utc)",
    replace = "return began.utc",
    specs = "reconcile",
  },
  {
    name = "a frozen machine's clock in place of the time of day",
    file = "lua/codearts/build/reconcile/judge.lua",
    find = "return math.min(date - passed, began.utc)",
    replace = "return date - passed",
    specs = "reconcile",
  },
  {
    name = "pages that end with a short one",
    file = "lua/codearts/build/reconcile/listing.lua",
    find = "return (total or pages) and had >= (total or 0) and index >= (pages or 0)",
    replace = "return #page.rows < 100",
    specs = "reconcile",
  },
  {
    name = "pages that moved while they were read",
    file = "lua/codearts/build/reconcile/listing.lua",
    find = 'and told and "whole" or "pages") or nil',
    replace = 'and "whole" or "whole") or nil',
    specs = "reconcile",
  },
  {
    name = "a second reading that proves whatever it says",
    file = "lua/codearts/build/reconcile/listing.lua",
    find = "(pending and strike_out(pending, seen))",
    replace = "pending",
    specs = "reconcile",
  },
  {
    name = "pages without a total, taken for all",
    file = "lua/codearts/build/reconcile/listing.lua",
    find = "index == 2 and #page.rows == 0",
    replace = "true",
    specs = "reconcile",
  },
  {
    name = "a list that is asked for by the local clock",
    file = "lua/codearts/build/reconcile/look.lua",
    find = "if guess.from > span.from + SLACK or guess.to < span.to - SLACK then",
    replace = "if false then",
    specs = "reconcile",
  },
  {
    name = "the date of the last answer in place of the first",
    file = "lua/codearts/build/reconcile/look.lua",
    find = "list.date = list.date or page and date or nil",
    replace = "list.date = date",
    specs = "reconcile",
  },
  {
    name = "another endpoint's builds that prove an absence",
    file = "lua/codearts/build/reconcile/look.lua",
    find = "    elsewhere = strange,\n",
    replace = "",
    specs = "reconcile_asks",
  },
  {
    name = "a key that is sent again after a look at another endpoint",
    file = "lua/codearts/build/keys/transition.lua",
    find = "    and event.endpoint == kept.endpoint\n",
    replace = "",
    specs = "reconcile_asks",
  },
  {
    name = "a lost start that is asked for as somebody else",
    file = "lua/codearts/build/client/reconciler.lua",
    find = '"codearts.build.reconcile"(client, err, more, own)',
    replace = '"codearts.build.reconcile"(client, err, more)',
    specs = "reconcile_asks",
  },
  {
    name = "a run_id that replaces a parameter of the caller",
    file = "csrc/lua/lua_args.c",
    find = "if (a->position == 0 && b->position > 0) {",
    replace = "if (a->position == 0 && b->position > 0) { continue;",
    specs = "args",
  },
  {
    name = "a key's next attempt without a swap",
    file = "csrc/cab/client.c",
    find = "if (call->asks_admission && !call->admitted) {",
    replace = "if (call->asks_admission && !call->admitted && call->attempts == 0) {",
    specs = "admission",
  },
  {
    name = "a key's attempt with credentials from after its admission",
    file = "csrc/cab/client.c",
    find = "if (!call->admitted && !take_credentials(c, call, now_ms)) {",
    replace = "if (!take_credentials(c, call, now_ms)) {",
    specs = "admission",
  },
  {
    name = "a key's attempt that is signed with another date",
    file = "csrc/cab/call.c",
    find = "call->admitted ? call->admitted_at : cab_clock_utc()",
    replace = "call->admitted ? cab_clock_utc() : cab_clock_utc()",
    specs = "admission",
  },
  {
    name = "a key's request before its record is on the disk",
    file = "csrc/cab/journal.c",
    find = " && fdatasync(j->fd) == 0 &&",
    replace = " &&",
    specs = "keys_races",
  },
  {
    name = "a key's record in a file that somebody replaced",
    file = "csrc/cab/journal.c",
    find = "j->inode == there.st_ino;",
    replace = "true;",
    specs = "journal",
  },
  {
    name = "a key's record in a file that went while it was synced",
    file = "csrc/cab/journal.c",
    find = "(!ok || is_current(j, &size));",
    replace = "true;",
    specs = "units",
  },
  {
    name = "a key's record in a folder that a power cut forgets",
    file = "csrc/cab/journal.c",
    find = "sync_above(folder)) && fsync(folder) == 0;",
    replace = "sync_above(folder));",
    specs = "keys_races",
  },
  {
    name = "a key's record in a folder that who died before left unsynced",
    file = "csrc/cab/journal.c",
    find = "(j->placed || sync_folders(j->folder));",
    replace = "(a->at > 0 || sync_folders(j->folder));",
    specs = "units",
  },
  {
    name = "a key's record that was read back though it was not synced",
    file = "csrc/cab/journal.c",
    find = "if (j->broken) { /* what",
    replace = "if (false) { /* what",
    specs = "keys_races",
  },
  {
    name = "a key's torn record that swallows the next",
    file = "csrc/cab/journal.c",
    find = "ok && (size_t)mine->st_size != j->end &&",
    replace = "ok && (j->end = (size_t)mine->st_size, false) &&",
    specs = "journal",
  },
  {
    name = "a key that is free because nothing was found",
    file = "lua/codearts/build/keys/transition.lua",
    find = "    and event.date > clear_at(kept, call.settle)\n",
    replace = "",
    specs = "keys_model",
  },
  {
    name = "a key that is sent again though its list cannot tell",
    file = "lua/codearts/build/keys/transition.lua",
    find = 'and event.verdict == "none_found"',
    replace = 'and event.verdict ~= "started"',
    specs = "keys_model",
  },
  {
    name = "a key's build without the swap that makes it so",
    file = "lua/codearts/build/keys/transition.lua",
    find = "  if event.done then\n    call.nonce",
    replace = '  if event.done or pending == "adopt" then\n    call.nonce',
    specs = "keys_model",
  },
  {
    name = "a key's attempt after a swap that somebody else won",
    file = "lua/codearts/build/keys/transition.lua",
    find = "  if event.done then\n    call.nonce",
    replace = '  if event.done or pending == "send" then\n    call.nonce',
    specs = "keys_model",
  },
  {
    name = "a key that is free after what was sent again was refused",
    file = "lua/codearts/build/keys/transition.lua",
    find = "elseif is_mine(kept, call) and not call.resend then",
    replace = "elseif is_mine(kept, call) then",
    specs = "keys_races",
  },
  {
    name = "a key with a run id and without one, taken for the same",
    file = "lua/codearts/build/keys/record.lua",
    find = "elseif kept.run_id_parameter ~= arguments.run_id_parameter then",
    replace = "elseif false then",
    specs = "keys",
  },
  {
    name = "a key that is left open by who was cancelled",
    file = "lua/codearts/build/keys/transition.lua",
    find = '      return { do_ = "drop" }\n    end\n    call.sent',
    replace = '      return { do_ = "fail", reason = "cancelled", outcome = "not_started" }\n    end\n    call.sent',
    specs = "keys_faults",
  },
  {
    name = "a key that is left open by a client that was closed",
    file = "lua/codearts/build/key_store/file.lua",
    find = "known all the same\n    return work:run()",
    replace = "known all the same\n    error(call, 0)",
    specs = "keys_twice",
  },
  {
    name = "a loop that waits for the disk of a key",
    file = "lua/codearts/build/key_store/file.lua",
    find = "elseif waits and client.core:is_still() then",
    replace = "elseif true then",
    specs = "keys",
  },
  {
    name = "a run with a key whose disk holds up other calls",
    file = "lua/codearts/build/key_store/file.lua",
    find = "elseif waits and client.core:is_still() then",
    replace = "elseif waits then",
    specs = "keys",
  },
  {
    name = "a key that is left in doubt by who was interrupted",
    file = "lua/codearts/build/keys/flow.lua",
    find = "  if known.is_mine(kept, facts) then\n    local result",
    replace = "  if false then\n    local result",
    specs = "keys_interrupt",
  },
  {
    name = "a wait for a flow that Ctrl-C broke off",
    file = "lua/codearts/build/client.lua",
    find = "local lost = still and next(self.tasks) and",
    replace = "local lost = false and",
    specs = "keys_interrupt",
  },
  {
    name = "a key's build that was found, told as not started",
    file = "lua/codearts/build/keys/transition.lua",
    find = 'elseif pending == "adopt" then',
    replace = "elseif false then",
    specs = "keys_told",
  },
  {
    name = "a key's record that a line of a log is written over",
    file = "csrc/cab/descriptor.h",
    find = "if (fd < 0 || fd > STDERR_FILENO) {",
    replace = "if (fd < 0 || fd >= 0) {",
    specs = "keys_told",
  },
  {
    name = "a key in two clusters of etcd",
    file = "lua/codearts/build/key_store/etcd_gateway.lua",
    find = "if cluster ~= self.cluster then",
    replace = "if false then",
    specs = "keys_etcd",
  },
}

local COPY = "build/mutants"
-- WERROR=0: what a guard used may be left unused.
local MAKE = "cd %s && timeout 300 make -s LUA=%s BUILD=build CFLAGS=-O1 WERROR=0 DEPS=skip %s"

--- What a command prints, and whether it succeeded.
local function output_of(command)
  local pipe = assert(io.popen(("{ %s\n} 2>&1; echo $?"):format(command)))
  local text, status = pipe:read("*a"):match "^(.-)(%d+)\n$"
  pipe:close()
  return text, status == "0"
end

local function must(command)
  local text, ok = output_of(command)
  return ok or error(command .. ":\n" .. text, 0)
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
end

local function make(goals)
  return output_of(MAKE:format(COPY, os.getenv "LUA" or "lua5.4", goals))
end

local function build()
  local text, ok = make "-j2"
  return ok or error("it does not compile:\n" .. text, 0)
end

--- Runs specs until an example fails. Answers that one; nil when all is green.
local function red_example(specs)
  local files = specs:gsub("%S+", "spec/%0_spec.lua")
  local text, green = make(("test BUSTED_FLAGS='-o TAP --no-keep-going' SPEC='%s'"):format(files))
  if green then
    return nil
  end
  local example = ("\n" .. text):match "\nnot ok %d+ %- ([^\n]*)"
  return example or error("the specs did not come to an end:\n" .. text, 0)
end

--- The text with the guard broken.
local function broken(mutant, text)
  local first, last = text:find(mutant.find, 1, true)
  if not first or text:find(mutant.find, last + 1, true) then
    error(("%s must hold exactly once: %s"):format(mutant.file, mutant.find), 0)
  end
  return text:sub(1, first - 1) .. mutant.replace .. text:sub(last + 1)
end

--- Answers the example that notices; raises when none does.
local function try(mutant)
  local path = COPY .. "/" .. mutant.file
  local text = read(path)
  write(path, broken(mutant, text))
  local ok, example = pcall(function()
    build()
    return red_example(mutant.specs) or error("no example of these notices: " .. mutant.specs, 0)
  end)
  write(path, text)
  return ok and example or error(example, 0)
end

local function chosen(word)
  local list = {}
  for _, mutant in ipairs(MUTANTS) do
    if mutant.name:find(word, 1, true) then
      list[#list + 1] = mutant
    end
  end
  return list
end

must(("rm -rf %s && mkdir -p %s"):format(COPY, COPY))
must("tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C " .. COPY)
local list = chosen(arg[1] or "")
assert(#list > 0, "no mutant has this in its name")
build()
local passed, failed = 0, 0
for _, mutant in ipairs(list) do
  local ok, what = pcall(try, mutant)
  passed, failed = passed + (ok and 1 or 0), failed + (ok and 0 or 1)
  print(("%s: %s\n    %s"):format(ok and "noticed" or "NOT NOTICED", mutant.name, what))
  io.stdout:flush()
end
must("rm -r " .. COPY)
print(("%d passed, %d failed"):format(passed, failed))
os.exit(passed > 0 and failed == 0 and 0 or 1)
