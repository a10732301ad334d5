-- put.lua -- wrk: durable writes, each of another Timeout policy of the mesh bench, with a value that changes every time.
local n, id = 0, 0
local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("id", threads)
end

function request()
    n = n + 1
    local name = string.format("t-%d-%d", id, n % 1000)
    local body = string.format('{"type":"Timeout","mesh":"bench","name":"%s","sources":[{"match":{"kuma.io/service":"*"}}],'
        .. '"destinations":[{"match":{"kuma.io/service":"nobody"}}],"conf":{"connectTimeout":"%dms"}}', name, n % 60000 + 1)
    return wrk.format("PUT", "/meshes/bench/timeouts/" .. name, {["Content-Type"] = "application/json"}, body)
end
