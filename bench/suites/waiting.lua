-- How late the verdict of a wait is, and the looks it takes, beside one look every three seconds. Nothing is timed: the service is
-- simulated, on a clock that only counts, so the figures are the same on every machine.

local report = require "bench.report"
local waiting = require "spec.support.waiting"

local MEDIANS = { 30, 60, 120, 300, 600, 1800 }
local LATENCY = 0.1 -- seconds of an answer
local DELAY, DELAY_MOST = 2, 4 -- seconds: half of the verdicts, and 95 % of them

return function(bench)
  local builds = bench.quick and 100 or 500
  local rows, late, latest, looks, half = {}, 0, 0, 0, 0
  for index, median in ipairs(MEDIANS) do
    local ours, plain = waiting.measure(median, builds, { latency = LATENCY, seed = index })
    local share = ours.looks / plain.looks
    rows[index] = {
      ("%d s"):format(median),
      ("%.1f s"):format(ours.median),
      ("%.1f s"):format(ours.most),
      ("%.0f"):format(ours.looks),
      ("%.1f s"):format(plain.median),
      ("%.1f s"):format(plain.most),
      ("%.0f"):format(plain.looks),
      ("%.2f"):format(share),
    }
    late, latest, looks =
      math.max(late, ours.median), math.max(latest, ours.most), math.max(looks, share)
    half = median >= 120 and math.max(half, share) or half
  end
  report.show("Verdicts of a wait: how late, and for how many looks", {
    "median of the job",
    "half",
    "95 %",
    "looks",
    "every 3 s: half",
    "95 %",
    "looks",
    "ours of these",
  }, rows)
  report.target("half of the verdicts, s late at most", late, "<=", DELAY)
  report.target("95 % of the verdicts, s late at most", latest, "<=", DELAY_MOST)
  report.target("looks, of one every 3 s", looks, "<=", 1)
  report.target("the same from 2 min on", half, "<=", 0.5)
end
