-- Small worlds of keys, visited whole; `make keys-proof` visits the large ones.

local model = require "spec.proof.keys_model"
local proof = require "spec.proof.keys_proof"

describe("in every order of events, a key", function()
  local WORLDS = {
    ["has one build without a run id"] = proof.world(proof.callers("", ""), { attempts = 2 }),
    ["is not sent again before its fence"] = proof.world(
      proof.callers("", "resend"),
      { waits = 0 }
    ),
    ["is not sent again though a token may"] = proof.world(
      proof.callers("id token", "resend token"),
      { waits = 0, epochs = 1 }
    ),
    ["is sent again by one"] = proof.world(
      proof.callers("resend", "resend"),
      { waits = 0, epochs = 1 }
    ),
    ["survives answers that the store lost"] = proof.world(
      proof.callers("resend"),
      { calls = 2, faults = 1, waits = 0 }
    ),
    ["is not sent again where no build shows its run id"] = proof.world(
      proof.callers("resend", "resend"),
      { legible = false, waits = 0, epochs = 1 }
    ),
    ["has one set of arguments"] = proof.world(
      proof.callers("id", "id other"),
      { waits = 0, epochs = 1 }
    ),
    ["is honest when it is cancelled, though others write meanwhile"] = proof.world(
      proof.callers("id", ""),
      { stops = 1, waits = 0, epochs = 1 }
    ),
    ["is honest when its store fails, though others write meanwhile"] = proof.world(
      proof.callers("id", ""),
      { faults = 1, waits = 0, epochs = 1 }
    ),
    ["is honest when its store fails, though somebody else holds it"] = proof.world(
      proof.callers("", ""),
      { hold = true, faults = 1, epochs = 0 }
    ),
    ["is honest when it is cancelled"] = proof.world(
      proof.callers(""),
      { calls = 2, stops = 1, faults = 1, hold = true }
    ),
  }
  for name, world in pairs(WORLDS) do
    it(name, function()
      local states, violated, way = model.explore(world, 100000)
      assert.is_nil(violated, ("%s: %s"):format(tostring(violated), tostring(way)))
      assert.is_true(states > 100)
    end)
  end
end)
