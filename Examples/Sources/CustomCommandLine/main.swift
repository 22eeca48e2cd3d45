// A captcha-cli of one's own, with a callback added: `swift run -c release CustomCommandLine train --config train.yaml`
//
// All commands are there, `--help` included, and a configuration may name `stop_at_target` like any stock callback.

import CLI
import StopAtTarget

var plugins = Plugins()
plugins.callbacks.registerStopAtTarget()
CaptchaCommand.runAndExit(plugins: plugins)
