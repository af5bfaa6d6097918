.PHONY: demo test lint completions docs pictures ci

demo:  ## Install, then deploy the example app on this machine
	script/demo

test:  ## The whole test suite
	script/test

lint:  ## Style, format and types
	script/lint

completions:  ## Write the shells' completion scripts anew
	script/completions

docs:  ## Write the reference pages and the man pages anew
	script/reference

pictures:  ## Take the pictures of docs/ anew, from real deploys on this machine
	script/picture

ci:  ## Everything, as the build does it
	.ci/run
