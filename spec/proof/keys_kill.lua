--- make keys-kill: ends a keyed start at each of its system calls, or has the call fail, then runs it again
--- and counts the builds at the sandbox. Needs strace. `all` as the argument takes every system call that
--- the store and the engine make; else those that change or tell something. The last line is
--- `N passed, N failed`.
local keyed = require "spec.support.keyed"

local ALL = (arg or {})[1] == "all"
local FEW = "mkdir flock fsync fdatasync pwrite64 connect sendto recvfrom"
local MANY = FEW
  .. " openat fstat newfstatat fstatfs pread64 ftruncate dup faccessat faccessat2 close futex"
  .. " clone3 epoll_ctl epoll_wait epoll_pwait poll read write getsockopt socket shutdown"
local FAILING = "mkdir flock fsync fdatasync pwrite64"
  .. (ALL and " pread64 ftruncate openat" or "")
local MOST = ALL and 400 or 12

local passed, failed, killed = 0, 0, 0

local function check(world, what)
  local ok, problem = pcall(world.settle, world)
  passed, failed = passed + (ok and 1 or 0), failed + (ok and 0 or 1)
  if not ok then
    print(what .. ": " .. tostring(problem))
    io.stdout:flush()
  end
end

local function kill(world, call)
  for n = 1, MOST do
    world:fresh()
    local text = world:run {
      prefix = ("strace -f -qq -o /dev/null -e trace=%s -e inject=%s:signal=KILL:when=%d"):format(
        call,
        call,
        n
      ),
    }
    if text:find "^build" then
      return -- it came to its end before
    end
    killed = killed + 1
    check(world, ("killed at %s %d"):format(call, n))
  end
end

local function fail(world, call, code)
  for n = 1, MOST do
    world:fresh()
    local text = world:run {
      prefix = ("strace -f -qq -o /dev/null -e trace=%s -e inject=%s:error=%s:when=%d"):format(
        call,
        call,
        code,
        n
      ),
    }
    if text:find "^build" and n > 3 then
      return
    end
    local of_others = call == "openat" or call == "pread64" and text == "" -- by which programs are loaded
    if not text:find "^build" and not text:find "^key\tstore\tnot_started" and not of_others then
      failed = failed + 1
      print(("%s at %s %d: %s"):format(code, call, n, text))
    end
    check(world, ("%s at %s %d"):format(code, call, n))
  end
end

local world = keyed.start()
for call in (ALL and MANY or FEW):gmatch "%S+" do
  local before = killed
  kill(world, call)
  print(("%-12s killed at %d places"):format(call, killed - before))
  io.stdout:flush()
end
for call in FAILING:gmatch "%S+" do
  for _, code in ipairs { "ENOSPC", "EIO" } do
    fail(world, call, code)
  end
end
world:stop()
print(("%d kills\n%d passed, %d failed"):format(killed, passed, failed))
os.exit(failed == 0 and passed > 0 and 0 or 1)
