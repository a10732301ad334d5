# Ursa -- 'make help' lists the targets. Objects go to build/<variant>/; nothing generated is in git but the Envoy schema table.
# The rules are in rules.mk; this file says what there is to build.

.DEFAULT_GOAL := all
VARIANT ?= release

# Rooms in the order of style.md section 2: a room includes only what stands left of it.
ROOMS := base resource store auth ca admit mesh envoy policy compile xds insight net api daemon
# ursactl and ursa-dp talk HTTP only: they link base and resource and nothing else of the daemon.
CLIENT_ROOMS := base resource

PACKAGES := libmicrohttpd jansson yaml-0.1 libcrypto libssl sqlite3 libnghttp2
CLIENT_PACKAGES := jansson yaml-0.1 libcrypto libcurl

include rules.mk

.PHONY: all
all: $(B)/ursa-cp $(B)/ursactl $(B)/ursa-dp build/ursa-cp build/ursactl build/ursa-dp
