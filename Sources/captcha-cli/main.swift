import CLI

CaptchaCommand.runAndExit(Array(CommandLine.arguments.dropFirst()))
