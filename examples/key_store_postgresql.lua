-- A key store in PostgreSQL, to be copied: at most one build per key for all who use one database.
--
--     local store = dofile("key_store_postgresql.lua")("host=db.example.com dbname=builds user=builder")
--     local client = build.new { key_store = store }
--     client:run(args, { key = "release-1.4.2" })
--
-- A password stands best in the file that PGPASSFILE names (else ~/.pgpass), not in the program.
--
-- Needs LuaSQL (Debian: lua-sql-postgres), and blocks while the database works. The promise is that of the
-- database: fsync must be on, and after a fail-over it holds only with synchronous replication.

local luasql = require "luasql.postgres"

local TABLE = [[CREATE TABLE IF NOT EXISTS build_keys (
  key text PRIMARY KEY, version bigint NOT NULL, record text NOT NULL)]]

return function(source)
  local environment, connection = luasql.postgres(), nil

  -- Answers the rows of a statement, each value a text. What goes wrong is raised: then the library reads the
  -- record again, over a new connection, and sends nothing unless it finds its own.
  local function query(statement, ...)
    if not connection then
      connection = environment:connect(source)
      if not connection then
        -- What libpq says may repeat pieces of the source, where a password may stand.
        error("PostgreSQL: no connection; psql, given the same source, tells why", 0)
      end
      assert(connection:execute "SET synchronous_commit = on")
      assert(connection:execute "SET client_min_messages = warning")
      assert(connection:execute(TABLE))
    end
    local texts = {}
    for i, value in ipairs { ... } do
      texts[i] = "'" .. connection:escape(value) .. "'"
    end
    local cursor, problem = connection:execute(statement:format((unpack or table.unpack)(texts)))
    if not cursor then
      pcall(connection.close, connection)
      connection = nil
      error("PostgreSQL: " .. tostring(problem), 0)
    end
    local row = cursor:fetch({}, "a")
    cursor:close()
    return row
  end

  local store = {}

  -- A version is the number and the text, in one: numbers come again when an old backup is restored.
  function store.get(key)
    local row = query("SELECT record, version FROM build_keys WHERE key = %s", key)
    if row then
      return row.record, row.version .. " " .. row.record
    end
  end

  function store.put(key, text, version)
    local row
    if version then
      local number, there = version:match "^(%d+) (.*)$"
      row = query(
        "UPDATE build_keys SET record = %s, version = version + 1"
          .. " WHERE key = %s AND version = %s AND record = %s RETURNING version",
        text,
        key,
        number,
        there
      )
    else
      row = query(
        "INSERT INTO build_keys VALUES (%s, 1, %s) ON CONFLICT DO NOTHING RETURNING version",
        key,
        text
      )
    end
    if row then
      return row.version .. " " .. text
    end
    return nil, store.get(key) -- somebody was first
  end

  return store
end
