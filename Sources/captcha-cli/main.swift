import CLI

CaptchaCommand.runAndExit()
