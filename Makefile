.PHONY: demo test mutants pythons release lint fuzz audit completions docs pictures bench ci

demo:  ## Install, then deploy the example app on this machine
	script/demo

test:  ## The whole test suite
	script/test

mutants:  ## Small wrong changes of the core, and whether the tests notice; half an hour
	script/mutants

pythons:  ## The whole test suite on each Python, and with the oldest libraries
	script/pythons

release:  ## The sdist and the wheel, into dist/
	script/release

lint:  ## Style, format, types, and what bandit knows to be dangerous
	script/lint

fuzz:  ## Every parser under fuzzing, ten minutes each
	script/fuzz

audit:  ## Known holes in what is installed with it
	script/audit

completions:  ## Write the shells' completion scripts anew
	script/completions

docs:  ## Write the reference pages and the man pages anew
	script/reference

pictures:  ## Take the pictures of docs/ anew, from real deploys on this machine
	script/picture

bench:  ## How fast it is, beside named rivals; writes docs/benchmarks.md anew
	script/bench --write docs/benchmarks.md

ci:  ## Everything, as the build does it
	.ci/run
