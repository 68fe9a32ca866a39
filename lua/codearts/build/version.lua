--- The version of the library, alone in a file so that asking for it loads nothing else.
return "0.1.0"
