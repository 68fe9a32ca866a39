--- codearts-build sandbox: runs the local build service in this process until it is told to end.
return function(values)
  local sandbox = require "codearts.build.sandbox"
  return sandbox.serve { jobs = values.jobs, host = values.host, port = values.port } or 0
end
