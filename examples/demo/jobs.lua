-- The job of the demo: a small C project that is compiled, tested and packed. A sandbox that is started with this file runs it; what may
-- stand here tells doc/sandbox.md.

job {
  id = "demojob0000000000000000000000001",
  name = "demo",
  source = ".",
  parameters = {
    codeBranch = "main",
    RUN_ID = "", -- for clients that mark their runs
    NUMBER = "2024", -- what the program is asked at the end
    DEFECT = "no", -- "yes" breaks the code, so that the tests fail, "compile" so that it does not compile
    SIGNING_KEY = { default = "not-a-real-key", secret = true },
  },
  packages = { "roman-$BUILDNUMBER.tar.gz" },
  steps = {
    step {
      name = "Compile",
      run = [[
      echo "Branch $codeBranch, commit ${COMMIT_ID:-(newest)}, build $BUILDNUMBER"
      case $DEFECT in yes) DEFINES=-DDEFECT ;; compile) DEFINES=-DDEFECT=2 ;; esac
      make DEFINES="${DEFINES:-}"
    ]],
    },
    step { name = "Unit test", run = [[
      make check
    ]] },
    step {
      name = "Pack",
      run = [[
      ./roman "$NUMBER"
      mkdir dist
      cp roman dist/
      tar -czf "roman-$BUILDNUMBER.tar.gz" dist
      ls -l "roman-$BUILDNUMBER.tar.gz"
    ]],
    },
  },
}
