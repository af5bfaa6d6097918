.PHONY: demo test lint completions ci

demo:  ## Install, then deploy the example app on this machine
	script/demo

test:  ## The whole test suite
	script/test

lint:  ## Style, format and types
	script/lint

completions:  ## Write the shells' completion scripts anew
	script/completions

ci:  ## Everything, as the build does it
	.ci/run
