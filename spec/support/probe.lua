--- probe.c, compiled when a spec first asks for it.
return require("spec.support.native").module("probe")
