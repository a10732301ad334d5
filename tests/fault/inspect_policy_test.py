"""Which proxies a policy hits, where the recordings of the REST API have no case of their own."""
import pytest

import ursa

WORLD = """
type: Mesh
name: blue
tracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: "http://127.0.0.1:9411/api/v2/spans"}}]}
---
{type: Dataplane, mesh: blue, name: web-1, networking: {address: 127.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}
---
{type: Dataplane, mesh: blue, name: edge-1, networking: {address: 127.0.0.1, gateway: {type: BUILTIN, tags: {kuma.io/service: edge}}}}
---
{type: MeshGateway, mesh: blue, name: edge, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 8080, protocol: HTTP}]}}
---
{type: TrafficTrace, mesh: blue, name: all, selectors: [{match: {kuma.io/service: "*"}}], conf: {backend: z}}
---
type: MeshTrafficPermission
mesh: blue
name: all
spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}
"""


@pytest.fixture(scope="module")
def daemon():
    with ursa.running("memory") as started:
        assert started.http("POST", "/apply", WORLD, {"Content-Type": "application/yaml"}).status == 200
        yield started


@pytest.mark.parametrize("policy, proxies", [
    ("traffic-traces", ["edge-1", "web-1"]),  # holds for the whole gateway
    ("meshtrafficpermissions", ["web-1"]),  # kumactl shows those with a targetRef for sidecars only
])
def test_builtin_gateways(daemon, policy, proxies):
    answer = daemon.get(f"/meshes/blue/{policy}/all/dataplanes").json
    assert [item["dataplane"]["name"] for item in answer["items"]] == proxies
