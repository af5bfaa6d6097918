.PHONY: demo test lint ci

demo:  ## Install, then deploy the example app on this machine
	script/demo

test:  ## The whole test suite
	script/test

lint:  ## Style, format and types
	script/lint

ci:  ## Everything, as the build does it
	.ci/run
