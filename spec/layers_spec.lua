-- The plan of the house, compared with every #include and every require: data flows one way, and a
-- foreign library is seen by one room only. The tables here are the plan.

local read_file = require "spec.support.read_file"

-- C, below Lua: room -> rooms that it may use. "May use" is transitive; `error` and
-- `locale` are free to all.
local CAB = {
  buf = {},
  error = {},
  locale = {},
  clock = {},
  budget = { "clock" },
  timers = {},
  retry = {},
  nearest = {},
  classify = {},
  poller = {},
  pin = {},
  thread = {},
  worker = { "thread" },
  waker = { "crypto", "thread" },
  journal = { "buf", "descriptor", "held_signal", "list", "worker" },
  held_signal = {},
  list = {},
  sockets = {},
  hosts = { "buf", "list", "sockets" },
  crypto = { "buf" },
  url = { "buf", "escape" },
  endpoint = { "buf" },
  texts = { "buf" },
  identity = { "grams", "sign", "list" },
  options = { "endpoint", "identity", "retry" },
  escape = {},
  grams = {},
  secret = { "url", "endpoint", "texts", "escape" },
  pieces = { "buf", "escape", "grams", "secret" },
  sign = { "url", "crypto" },
  request = { "buf", "clock", "trust" },
  file_id = {},
  descriptor = {},
  pem = {},
  bundle = { "buf", "file_id", "pem" },
  anchors = { "bundle", "clock" },
  libssl = {},
  trust = { "anchors", "libssl" },
  curl_error = { "endpoint" },
  wire = { "list", "poller", "hosts", "libssl", "trust", "request" },
  receive = { "wire", "clock" },
  transfer = { "receive", "curl_error" },
  engine = { "transfer", "poller", "held_signal", "budget" },
  call = { "options", "engine", "sign", "classify", "timers", "worker", "texts" },
  trace = { "call" },
  states = { "trace" },
  client = { "states", "crypto", "budget" },
}

-- C, the binding: a name without a slash is of this wing. `compat` and `lua_error` are free to all,
-- too.
local LUA = {
  compat = {},
  utf8 = {},
  version = {},
  lua_error = { "utf8", "cab/pieces", "cab/secret" },
  lua_opts = { "utf8", "cab/url", "cab/nearest" },
  lua_vim = {},
  lua_buf = { "cab/buf" },
  lua_plain = { "cab/buf" },
  lua_mend = { "utf8", "cab/escape" },
  lua_json = { "lua_buf", "lua_mend", "lua_plain", "lua_vim", "utf8" },
  lua_file = { "lua_buf", "cab/crypto", "cab/descriptor", "cab/held_signal", "cab/texts" },
  lua_term = { "cab/clock", "cab/held_signal" },
  lua_journal = { "lua_buf", "cab/journal" },
  lua_sign = { "lua_buf", "lua_opts", "cab/sign" },
  lua_args = { "lua_opts", "lua_json" },
  lua_identity = { "lua_sign", "cab/client" },
  lua_headers = { "lua_opts", "utf8", "cab/pem", "cab/secret", "cab/texts" },
  lua_options = { "lua_headers", "lua_identity", "version", "cab/client", "cab/secret" },
  lua_secrets = { "lua_meta", "cab/client", "cab/secret" },
  lua_slots = {},
  lua_meta = { "lua_slots", "cab/call" },
  lua_body = { "lua_json", "lua_meta", "lua_opts", "lua_plain", "lua_secrets", "cab/call" },
  lua_outcome = { "lua_args", "lua_body", "lua_meta", "lua_identity", "cab/sign" },
  lua_client = { "lua_options", "lua_json", "cab/client" },
  lua_request = { "lua_options", "lua_outcome", "lua_file" },
  lua_call = { "lua_client", "lua_request", "lua_outcome", "lua_journal" },
  lua_step = { "lua_call", "lua_file" },
  lua_wait = { "lua_step" },
  lua_waker = { "lua_client", "cab/waker" },
  core = { "cab/pin", "lua_wait", "lua_waker", "lua_sign", "lua_term", "version" },
}
local FREE = { ["cab/error"] = true, ["cab/locale"] = true }
local FREE_IN_LUA = { compat = true, lua_error = true }

-- Foreign headers: their beginning -> files that may see them. endpoint lets libcurl take URLs
-- apart, so that what is checked is what libcurl will connect to; it moves no byte.
local FOREIGN_HEADERS = {
  ["curl/"] = {
    ["cab/engine.c"] = true,
    ["cab/wire.h"] = true,
    ["cab/trust.c"] = true,
    ["cab/libssl.c"] = true,
    ["cab/curl_error.c"] = true,
    ["cab/endpoint.c"] = true,
  },
  ["openssl/"] = {
    ["cab/crypto.c"] = true,
    ["cab/bundle.h"] = true,
    ["cab/bundle.c"] = true,
    ["cab/anchors.h"] = true,
    ["cab/anchors.c"] = true,
    ["cab/libssl.h"] = true,
  },
  ["sys/epoll"] = { ["cab/poller.c"] = true, ["cab/waker.c"] = true },
  ["sys/event"] = { ["cab/poller.c"] = true, ["cab/waker.c"] = true },
  ["dlfcn"] = { ["cab/pin.c"] = true, ["cab/libssl.c"] = true },
}

-- Words that these files alone, or none, may hold.
local WORDS = {
  { "clock_gettime", "cab/clock.c" },
  { "gettimeofday", "cab/clock.c" },
  {
    "curl_easy_",
    "cab/engine.c",
    "cab/transfer.c",
    "cab/receive.c",
    "cab/trust.c",
    "cab/libssl.c",
    "cab/curl_error.c",
  },
  { "curl_easy_perform" },
  { "curl_multi_", "cab/engine.c" },
  { "EVP_", "cab/crypto.c" },
  { "lua_rawlen", "lua/compat.h" },
  { "lua_objlen", "lua/compat.h" },
  { "getenv" },
  -- What the program's locale has a say in.
  { "nl_langinfo", "cab/locale.h" },
  { "strtod(", "cab/locale.c" },
  { " strerror(", "cab/locale.c" },
  { "%.*g", "cab/locale.c" },
  { "%g" },
  { "strcasecmp" },
  { "strncasecmp" },
  { "strcasestr" },
  { "strcoll" },
  { "isspace" },
  { "isalnum" },
  { "isalpha" },
  { "isprint" },
  { "tolower" },
  { "toupper" },
  { "strftime" },
  { "luaL_ref" },
  { "curl_global_cleanup" },
  { "atexit" },
}

-- Lua: room -> its modules as patterns, rooms that it may use, foreign modules that it may load.
local ROOMS = {
  core = { modules = { "core" }, uses = {} },
  load = { modules = { "load_error" }, uses = {} },
  small = {
    modules = {
      "ascii",
      "coroutines",
      "nginx_request",
      "version",
      "ini",
      "calendar",
      "ids",
      "unicode",
      "base64",
    },
    uses = {},
    foreign = { "ffi", "thread%.exdata" }, -- LuaJIT's
  },
  shown = { modules = { "shown" }, uses = { "core", "small" } },
  problems = { modules = { "problem", "check", "inherited" }, uses = { "core", "small" } },
  file = { modules = { "atomic_file" }, uses = { "core" } },
  config = {
    modules = { "config", "regions", "regions_file" },
    uses = { "core", "small", "shown" },
    foreign = { "yaml" }, -- lyaml's parser
  },
  token_store = {
    modules = { "token_store", "token_store%..+" },
    uses = { "core", "small", "shown" },
  },
  sign_in = {
    modules = { "sign_in", "sign_in%..+" },
    uses = { "core", "small", "shown", "problems", "calls", "config", "token_store" },
  },
  operations = {
    modules = { "operations%..+", "types" },
    uses = { "core", "small", "problems", "file" },
  },
  meta = { modules = { "meta" }, uses = { "core" } },
  calls = {
    modules = { "client%.call", "client%.task", "client%.cancelled", "client%.pause" },
    uses = { "core", "small", "problems" },
  },
  lifecycle = {
    modules = { "lifecycle", "lifecycle%..+" },
    uses = { "core", "small", "problems", "meta", "operations" },
  },
  reconcile = {
    modules = { "reconcile", "reconcile%..+" },
    uses = { "core", "small", "problems", "meta", "lifecycle" },
  },
  key_store = {
    modules = { "key_store", "key_store%..+" },
    uses = { "core", "small", "shown", "calls", "sign_in" },
  },
  keys = {
    modules = { "keys%..+" },
    uses = { "core", "small", "problems", "meta", "calls", "reconcile" },
  },
  client = {
    modules = {
      "client",
      "client%.auth",
      "client%.mask",
      "client%.reconciler",
      "client%.run_all",
      "client%.self",
      "client%.waiting",
      "shapes",
    },
    uses = {
      "core",
      "small",
      "problems",
      "meta",
      "config",
      "calls",
      "sign_in",
      "lifecycle",
      "reconcile",
      "keys",
      "key_store",
    },
  },
  facade = {
    modules = { "" },
    uses = { "core", "load", "meta", "client", "key_store" },
    foreign = { "cjson" },
  },
  hosts = {
    modules = { "hosts%..+", "luv", "resty" },
    uses = { "core", "small", "problems", "facade" },
    foreign = { "luv", "ngx%..+" },
  },
  -- Neovim: the client in its loop, and what is to be seen of it.
  editor = {
    modules = { "nvim", "nvim%..+" },
    uses = {
      "core",
      "small",
      "problems",
      "meta",
      "facade",
      "hosts",
      "config",
      "key_store",
      "lifecycle",
      "command",
    },
  },
  -- A service, and no part of the client: it could not test it otherwise.
  sandbox = {
    modules = { "sandbox", "sandbox%..+" },
    uses = {},
    foreign = { "cjson", "cqueues", "cqueues%..+", "http%..+", "openssl%..+" },
  },
  command = {
    modules = { "cli", "cli%..*" },
    uses = {
      "core",
      "small",
      "shown",
      "meta",
      "facade",
      "config",
      "operations",
      "calls",
      "lifecycle",
      "reconcile",
      "sandbox",
      "key_store",
      "keys",
    },
    foreign = { "argparse" },
  },
}

local function files(command)
  local pipe = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  assert(#list > 0, command)
  return list
end

-- Everything that is reached from `name` in a table of name -> names.
local function closure(names_of, name, seen)
  seen = seen or {}
  for _, other in ipairs(names_of(name)) do
    if not seen[other] then
      seen[other] = true
      closure(names_of, other, seen)
    end
  end
  return seen
end

describe("a plan", function()
  it("with a circle is noticed", function()
    local plan = { a = { "b" }, b = { "c" }, c = { "a" }, d = { "a" } }
    local function uses(name)
      return plan[name]
    end
    assert.is_true(closure(uses, "a").a)
    assert.is_nil(closure(uses, "d").d)
  end)
end)

local function c_names(name)
  local room = name:match "^cab/(.+)$"
  if not room then
    return assert(LUA[name], "no room " .. name)
  end
  local names = {}
  for i, other in ipairs(assert(CAB[room], "no room " .. name)) do
    names[i] = "cab/" .. other
  end
  return names
end

describe("the plan of the C code", function()
  local sources = files "ls csrc/*/*.[ch]"

  it("has a row for each room, and a room for each row", function()
    local seen = {}
    for _, path in ipairs(sources) do
      local wing, name = path:match "^csrc/(%w+)/([%w_]+)%.[ch]$"
      assert((wing == "cab" and CAB or LUA)[name], path .. " is not in the plan")
      seen[wing .. "/" .. name] = true
    end
    for wing, rows in pairs { cab = CAB, lua = LUA } do
      for name in pairs(rows) do
        assert(seen[wing .. "/" .. name], wing .. "/" .. name .. " does not exist")
      end
    end
  end)

  it("is kept by every include of ours", function()
    for _, path in ipairs(sources) do
      local wing, name = path:match "^csrc/(%w+)/([%w_]+)%."
      local allowed = closure(c_names, wing == "cab" and "cab/" .. name or name)
      for included in read_file(path):gmatch '#%s*include%s+"([^"]+)%.h"' do
        local room = included:gsub("^lua/", "")
        local is_free = FREE[room] or (wing == "lua" and FREE_IN_LUA[room])
        local itself = included == wing .. "/" .. name
        assert(
          allowed[room] or is_free or itself,
          ("%s must not include %s.h"):format(path, included)
        )
      end
    end
  end)

  it("goes one way", function()
    for wing, rows in pairs { cab = CAB, lua = LUA } do
      for name in pairs(rows) do
        local room = wing == "cab" and "cab/" .. name or name
        assert(not closure(c_names, room)[room], room .. " leads back to itself")
      end
    end
  end)

  it("calls one type by one letter below Lua", function()
    local type_of, letter_of = {}, {}
    for _, path in ipairs(files "ls csrc/cab/*.[ch]") do
      local text = read_file(path):gsub("/%*.-%*/", "")
      for name, letter in text:gmatch "%f[%w_](cab_[%w_]+)%s+%**(%l)%f[^%w_]" do
        type_of[letter] = type_of[letter] or name
        letter_of[name] = letter_of[name] or letter
        assert(type_of[letter] == name, ("%s: %s is a %s"):format(path, letter, type_of[letter]))
        assert(letter_of[name] == letter, ("%s: a %s is %s"):format(path, name, letter_of[name]))
      end
    end
  end)

  it("lets one room see a foreign library", function()
    for _, path in ipairs(sources) do
      local file = path:match "^csrc/(.+)$"
      for included in read_file(path):gmatch "#%s*include%s+<([^>]+)>" do
        for prefix, allowed in pairs(FOREIGN_HEADERS) do
          assert(
            included:sub(1, #prefix) ~= prefix or allowed[file],
            ("%s must not include <%s>"):format(path, included)
          )
        end
        assert(
          not (included == "lua.h" or included == "lauxlib.h" or included == "lualib.h")
            or file:find "^lua/",
          path .. " must not know Lua"
        )
        assert(included ~= "lualib.h", path .. " must not open Lua's libraries")
      end
    end
  end)

  it("keeps certain words to certain files", function()
    for _, path in ipairs(sources) do
      local text = read_file(path):gsub("/%*.-%*/", "")
      for _, row in ipairs(WORDS) do
        local allowed = not text:find(row[1], 1, true)
        for i = 2, #row do
          allowed = allowed or path == "csrc/" .. row[i]
        end
        assert(allowed, ("%s has %s"):format(path, row[1]))
      end
    end
  end)

  it("tells the wings apart by name", function()
    for _, path in ipairs(sources) do
      local text = read_file(path):gsub("/%*.-%*/", "")
      if path:find "^csrc/cab/" then
        assert(not text:find "lua_State" and not text:find "lcab_", path .. " knows Lua")
      else
        assert(not text:find "lua_State%s*%*%s*[%w_]+;", path .. " keeps a lua_State")
      end
    end
  end)

  it("hides what each header declares, but for the entry point", function()
    local outward = { ["csrc/lua/core.h"] = true, ["csrc/lua/compat.h"] = true } -- ours, and Lua's
    for _, path in ipairs(files "ls csrc/*/*.h") do
      local text = read_file(path):gsub("/%*.-%*/", "")
      local before, hidden =
        text:match "^(.-)#pragma GCC visibility push%(hidden%)(.*)#pragma GCC visibility pop\n"
      -- Other people's names must not be hidden.
      assert(not (hidden or ""):find "#include", path .. " includes after it began to hide")
      assert(
        outward[path] or not (before or text):find "\n[%a_][%w_ %*]*%b();",
        path .. " needs #pragma GCC visibility push(hidden) and pop around what it declares"
      )
    end
  end)

  it("guards each header by its own name", function()
    for _, path in ipairs(files "ls csrc/*/*.h") do
      local text = read_file(path)
      local guard, again = text:match "#ifndef ([%w_]+)\n#define ([%w_]+)\n"
      local name = path:match "([%w_]+)%.h$":upper()
      assert.equal(guard, again, path)
      assert(guard:match("_" .. name .. "_H$"), path .. " is guarded by " .. tostring(guard))
    end
  end)
end)

-- The room of a module of ours.
local function room_of(module)
  local name = module == "codearts.build" and "" or module:match "^codearts%.build%.(.*)$"
  for room, row in pairs(ROOMS) do
    for _, pattern in ipairs(row.modules) do
      if name and name:find("^" .. pattern .. "$") then
        return room
      end
    end
  end
end

local function module_of(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

-- The modules that a file names in a require or a pcall of it, comments left out.
local function required(path)
  local text = read_file(path):gsub("%-%-%[%[.-%]%]", ""):gsub("%-%-[^\n]*", "")
  local names = {}
  for name in text:gmatch "%f[%w_]require%s*[%(,]?%s*[\"']([%w_.]+)[\"']" do
    names[#names + 1] = name
  end
  return names
end

describe("the plan of the Lua code", function()
  local sources = files "find lua -name '*.lua' | sort"

  it("has a room for each module", function()
    for _, path in ipairs(sources) do
      local module = module_of(path)
      if module:find "^codearts%.build" then
        assert(room_of(module), module .. " is not in the plan")
      end
    end
  end)

  it("is kept by every require", function()
    for _, path in ipairs(sources) do
      local module = module_of(path)
      local room = room_of(module)
      local row = ROOMS[room]
        or {
          uses = {
            "core",
            "small",
            "facade",
            "editor",
            "command",
            "config",
            "sign_in",
            "key_store",
          },
          foreign = { "health" },
        } -- the editor's own files
      for _, name in ipairs(required(path)) do
        local theirs, fine = room_of(name), false
        for _, used in ipairs(row.uses) do
          fine = fine or used == theirs
        end
        for _, pattern in ipairs(row.foreign or {}) do
          fine = fine or name:find("^" .. pattern .. "$") ~= nil
        end
        fine = fine
          or (theirs ~= nil and theirs == room)
          or (room == nil and name:find "^codearts%." ~= nil)
        assert(fine, ("%s must not require %s"):format(module, name))
      end
    end
  end)

  it("goes one way", function()
    local function uses(room)
      return assert(ROOMS[room], "no room " .. room).uses
    end
    for room in pairs(ROOMS) do
      assert(not closure(uses, room)[room], room .. " leads back to itself")
    end
  end)

  it("writes no date by os.date, which fails after 2038 where time_t has 32 bits", function()
    for _, path in ipairs(sources) do
      local text = read_file(path):gsub("%-%-[^\n]*", "")
      assert(not text:find "os%.date", path .. " has os.date")
    end
  end)

  -- The sandbox is a process of its own, which asks for no locale.
  it(
    "asks the locale for nothing: no class of letters, no fraction, no letter's other case",
    function()
      local words = {
        "%%[alpuwALPSUWC]",
        "%%%.?%d*[eEfgG]",
        ":lower%(",
        ":upper%(",
        "os%.date",
        "os%.time",
      }
      for _, path in ipairs(sources) do
        local number = 0
        for line in (read_file(path):gsub("%-%-[^\n]*", "") .. "\n"):gmatch "(.-)\n" do
          number = number + 1
          local found
          for _, word in ipairs(words) do
            found = found or line:find(word)
          end
          if line:find "[:.]g?match" or line:find "[:.]find" or line:find "[:.]gsub" then
            found = found or (not line:find "format" and line:find "%%[csgS]")
          end
          local own = path:find("/sandbox", 1, true) or path:find("/ascii.lua", 1, true)
          local shown = line:find("ascii.decimal(", 1, true)
          assert(own or shown or not found, ("%s:%d: %s"):format(path, number, line))
        end
      end
    end
  )

  it("lets no module change another", function()
    for _, path in ipairs(sources) do
      local text = read_file(path):gsub("%-%-[^\n]*", "")
      if path:find "build/init%.lua$" then -- which takes out what did not load
        text = text:gsub("package%.loaded%[[^%]]*%] = nil\n", "")
      end
      assert(
        not text:find "require%s*%(?%s*[\"'][%w_.]+[\"']%s*%)?%s*%.%s*[%w_]+%s*=[^=]",
        path .. " writes into a module"
      )
      assert(
        not text:find "package%.loaded%s*%[.-%]%s*=[^=]",
        path .. " writes into package.loaded"
      )
    end
  end)
end)
