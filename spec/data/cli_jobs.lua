-- Jobs for the specs of the command line. GATE names a file that a step waits for, so that a spec decides when it goes on.

local wait_for_gate = [[
  echo waiting
  while [ -n "$GATE" ] && [ ! -e "$GATE" ]; do sleep 0.02; done
  echo going on
]]

job {
  id = "goodjob0000000000000000000000001",
  name = "good",
  parameters = { GATE = "", codeBranch = "main", WORD = "" },
  steps = {
    step {
      name = "Prepare",
      run = "echo branch $codeBranch word $WORD tag ${GIT_TAG:-none} commit ${COMMIT_ID:-none}",
    },
    step { name = "编译程序", run = wait_for_gate },
    step { name = "Pack", run = "printf 'a line \\033[31mred\\033[0m\\n'" },
  },
}

job {
  id = "badjob00000000000000000000000001",
  name = "bad",
  parameters = { GATE = "" },
  steps = {
    step { name = "Prepare", run = "echo fine" },
    step { name = "Test", run = wait_for_gate .. "echo 'test 7 failed'; exit 3" },
    step { name = "Pack", run = "echo never" },
  },
}
