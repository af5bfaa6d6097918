# Deploys of @SERVICE@. In the Makefile: include deployster.mk
#
#   make deploy VERSION=9f88701
#   make rollback              # to the release before, or: make rollback VERSION=9f88701
#   make deploy VERSION=9f88701 DEPLOYSTER="deployster --cluster production"

DEPLOYSTER ?= deployster
SERVICE ?= @SERVICE@
NEEDS_VERSION = $(if $(VERSION),,$(error VERSION is missing: make $@ VERSION=9f88701))

.PHONY: deploy plan rollback units history check

deploy:
	$(NEEDS_VERSION)$(DEPLOYSTER) deploy $(SERVICE) $(VERSION) --destroy-previous

plan:
	$(NEEDS_VERSION)$(DEPLOYSTER) plan $(SERVICE) $(VERSION) --destroy-previous

rollback:
	$(DEPLOYSTER) rollback $(SERVICE) $(VERSION)

units:
	$(DEPLOYSTER) units $(SERVICE)

history:
	$(DEPLOYSTER) history $(SERVICE)

check:
	$(DEPLOYSTER) check $(SERVICE) $(VERSION)
