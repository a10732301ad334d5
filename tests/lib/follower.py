"""follower.py -- a client of the discovery service that behaves as Envoy does: it asks for clusters, then for what they refer to, then for listeners,
and so on; takes everything over; and holds what it was given."""
import select
import time

import pb
from ads import TYPES, Client, text
from grpc_stream import LIMIT

HTTP_MANAGER = "HttpConnectionManager"
# Where a mesh lets nothing pass, what leads out of it leads nowhere, on purpose.
NOWHERE = {"outbound:passthrough:ipv4", "outbound:passthrough:ipv6"}


def filters(listener):
    """(message name, bytes) of the filters of a listener's chains, also of those that come by another discovery service: (None, name)."""
    for item in pb.find(listener, 3, 3) + pb.find(listener, 25, 3):
        if pb.find(item, 5):
            yield None, text(pb.first(item, 1))
        for typed in pb.find(item, 4):
            yield text(pb.first(typed, 1)).rsplit(".", 1)[-1], pb.first(typed, 2)


def secrets(tls):
    """Names in a CommonTlsContext."""
    return {text(name) for path in ((6, 1), (7, 1), (8, 2, 1)) for name in pb.find(tls, *path)}


def references(kind, resource):
    """{type: names} that a resource needs beside it; clusters only where a route or a proxy filter sends there."""
    needs = {short: set() for short in TYPES}
    if kind == "cds":
        if pb.first(resource, 2, 0) == 3:
            needs["eds"].add(text(next(iter(pb.find(resource, 3, 2)), b"") or pb.first(resource, 1)))
        for tls in pb.find(resource, 24, 3, 2, 1) + pb.find(resource, 43, 3, 3, 2, 1):
            needs["sds"] |= secrets(tls)
    elif kind == "lds":
        for tls in pb.find(resource, 3, 6, 3, 2, 1) + pb.find(resource, 25, 6, 3, 2, 1):
            needs["sds"] |= secrets(tls)
        for name, value in filters(resource):
            if name is None:
                needs["ecds"].add(value)
            elif name == HTTP_MANAGER:
                needs["rds"] |= {text(n) for n in pb.find(value, 3, 2)}
                needs["ecds"] |= {text(pb.first(f, 1)) for f in pb.find(value, 5) if pb.find(f, 5)}
                for routes in pb.find(value, 4):
                    needs["cds"] |= references("rds", routes)["cds"]
            elif name == "TcpProxy":
                needs["cds"] |= {text(n) for n in pb.find(value, 2) + pb.find(value, 10, 1, 1)}
    elif kind == "rds":
        for action in pb.find(resource, 2, 3, 2):
            needs["cds"] |= {text(n) for n in pb.find(action, 1) + pb.find(action, 3, 1, 1)}
    return needs


class Follower(Client):
    """Takes everything over, as Envoy does, and holds each response against make-before-break."""

    def __init__(self, plane, mesh, name, protocol="sotw", had=None, **more):
        """'had' is a follower of before, whose resources this one still has."""
        super().__init__(plane, mesh, name, protocol, **more)
        self.held = {kind: dict(had.held[kind]) if had else {} for kind in TYPES}
        self.versions = {kind: dict(had.versions[kind]) if had else {} for kind in TYPES}  # of single resources: delta
        self.version = dict(had.version) if had else dict.fromkeys(TYPES, "")
        self.names = {}  # {type: names} of the open subscriptions
        self.refuses = {}  # {type: why}
        self.log = []  # every response, in order
        self._nonce = {}
        self._warming = {}  # clusters that are new or others than before, and the endpoints that have to come first
        self._withheld = None  # the response that brought them; it is answered when they are warm
        self._is_known = not (had and protocol == "sotw")  # what it had; first requests for the state of the world do not tell
        self._open("cds")
        for kind, names in (had.names if had else {}).items():
            if kind != "cds" and (names or kind == "lds"):
                self._open(kind, names)

    def _open(self, kind, names=()):
        self.names[kind] = set(names)
        if self.protocol == "sotw":
            self.request(kind, sorted(names), self.version[kind])
        else:
            self.delta(kind, sorted(names), initial=self.versions[kind])

    def needs(self):
        """{type: names} that what is held refers to."""
        found = {kind: set() for kind in TYPES}
        for kind, resources in self.held.items():
            for resource in resources.values():
                for needed, names in references(kind, resource).items():
                    found[needed] |= names
        found["cds"] -= NOWHERE - self.held["cds"].keys()
        return found

    def _drop(self, kind, names):
        for name in names:
            self.held[kind].pop(name, None)
            self.versions[kind].pop(name, None)

    def _subscribe(self):
        """What is referred to, no more and no less; listeners when every cluster has its endpoints."""
        needs = self.needs()
        for kind in ("eds", "sds", "rds", "ecds"):
            now, names = self.names.get(kind, set()), needs[kind]
            if names == now:
                continue
            self._drop(kind, now - names)
            if kind not in self.names:
                self._open(kind, names)
            elif self.protocol == "sotw":
                self.names[kind] = names
                self.request(kind, sorted(names), self.version[kind], self._nonce.get(kind, ""))
            else:
                self.names[kind] = names
                self.delta(kind, sorted(names - now), sorted(now - names))
        if "lds" not in self.names and "cds" in self._nonce and needs["eds"] <= self.held["eds"].keys():
            self._open("lds")

    def take(self, response):
        """Takes a response over, or refuses it, and says so."""
        kind = response.type
        self.log.append(response)
        self._nonce[kind] = response.nonce
        if kind in self.refuses:
            self.answer(response, sorted(self.names[kind]), self.refuses[kind], self.version[kind])
            return
        self.version[kind] = response.version
        before = self.held[kind]
        self.held[kind] = {} if self.protocol == "sotw" and kind in ("cds", "lds") else dict(before)
        self.held[kind].update(response.resources)
        self.versions[kind].update(response.versions)
        self._drop(kind, response.removed)
        self._check(kind)
        if kind == "cds":
            cold = {name: references("cds", c)["eds"] for name, c in response.resources.items() if c != before.get(name)}
            self._warming = {name: endpoints for name, endpoints in {**self._warming, **cold}.items() if name in self.held["cds"]}
            self._withheld = response
        else:
            self.answer(response, sorted(self.names[kind]))
        self._subscribe()
        self._warm(kind, response)

    def _warm(self, kind, response):
        """Envoy answers its clusters when the new ones have got what they need; endpoints must come even when they are those of before."""
        for name, endpoints in list(self._warming.items()):
            if kind == "eds":
                endpoints -= response.resources.keys() | set(response.removed)
            if not endpoints and references("cds", self.held["cds"][name])["sds"] <= self.held["sds"].keys():
                del self._warming[name]
        if self._withheld and not self._warming:
            self.answer(self._withheld)
            self._withheld = None

    def _check(self, kind):
        """Make before break: whatever sends somewhere finds it there, with its endpoints when it is new."""
        needs = self.needs()
        if kind in ("cds", "lds", "rds") and self._is_known:
            assert needs["cds"] <= self.held["cds"].keys(), f"after {self.log[-1]} there is nothing behind {needs['cds'] - self.held['cds'].keys()}"
        if kind in ("lds", "rds") and self._is_known:
            used = {n for c in needs["cds"] for n in references("cds", self.held["cds"][c])["eds"]}
            assert used <= self.held["eds"].keys(), f"{self.log} sends to {used - self.held['eds'].keys()} without endpoints"

    def is_complete(self):
        needs = self.needs()
        return bool(self.held["lds"]) and all(names <= self.held[kind].keys() for kind, names in needs.items())

    def follow(self, what, is_there):
        """Takes over what comes until is_there()."""
        end = time.monotonic() + LIMIT
        while not is_there():
            assert time.monotonic() < end and self.status is None, f"waited for {what} in vain; held: {self.held}; the stream's end: {self.status}"
            if select.select([self], [], [], 1)[0]:
                self.feed()
            for response in self.taken():
                self.take(response)

    def ready(self):
        self.follow("all that it needs", self.is_complete)
        return self

    def settle(self):
        """Takes over what comes until there is nothing more; the responses of that time."""
        start = len(self.log)
        while came := self.silence():
            for response in came:
                self.take(response)
        assert not self._warming, f"{self._warming} stay cold after {self.log[start:]}"
        return self.log[start:]
