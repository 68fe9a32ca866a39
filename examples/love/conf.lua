function love.conf(t)
  t.window.title = "CodeArts Build"
  t.modules.audio, t.modules.sound = false, false
end
