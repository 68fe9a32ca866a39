-- For lazy.nvim, which would take the rockspec otherwise.
return { "codearts-build", build = "make nvim" }
