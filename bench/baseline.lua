-- What one sequential call over HTTP with a token of 2,560 bytes takes more than bare libcurl:
-- instructions, and misses of first-level caches of 32 KiB for data and for instructions (code);
-- `traced`: where the answer has an X-Request-Id.
-- `bench/check.lua` refuses what is a tenth above; a change that is worth it changes this too.
return {
  ["lua5.4"] = {
    http = { instructions = 7500, data = 615, code = 815 },
    traced = { instructions = 8400 },
  },
  luajit = {
    http = { instructions = 4500, data = 500, code = 730 },
    traced = { instructions = 5800 },
  },
}
