-- Without a screen nothing is drawn, and everything else is the same.
function love.conf(t)
  t.window.title = "CodeArts Build"
  if os.getenv "SDL_VIDEODRIVER" == "dummy" then
    t.modules.window, t.modules.graphics = false, false
    t.modules.audio, t.modules.sound = false, false
  end
end
