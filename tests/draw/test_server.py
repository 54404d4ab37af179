"""The server of `cynn draw`: what it answers, and all that it refuses."""

import http.client
import json
import re
import socket
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from cynn import Model
from cynn.draw._server import ADDRESS, DRAWING, Server
from cynn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    Rescale,
    Residual,
)
from drawings import MODELS, built, drawings, holding


@contextmanager
def serving(model, white=255.0, digits=None):
    """Serve on any port, in another thread."""
    with Server(model, digits, white, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server():
    with serving(MODELS["relu"]()) as server:
        yield server


def post(connection, pixels):
    connection.request("POST", "/answer", pixels.tobytes(), {"Content-Type": DRAWING})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def sent(server, text, body=b""):
    """Send a request as it is written; return the status, the headers and the body."""
    request = text.replace("\n", "\r\n").replace("HOST", f"{ADDRESS}:{server.server_port}")
    with socket.create_connection((ADDRESS, server.server_port), timeout=30) as connection:
        connection.sendall(request.encode() + b"\r\n\r\n" + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))  # until the server closes
    head, _, said = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, said.decode()


def test_the_page(server):
    status, headers, text = sent(server, "GET / HTTP/1.1\nHost: HOST")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "cynn"
    inside = re.search(r'Policy" content="([^"]*)"', text)[1]
    assert headers["Content-Security-Policy"] == f"{inside}; frame-ancestors 'none'"
    assert "connect-src 'self';" in inside and "unsafe" not in inside and "http" not in inside
    network = holding(text)
    assert network["server"] is True and not any("weight" in part for part in network["layers"])


ANY_LAYERS = {
    **MODELS,
    "normalized": lambda: built(
        [Normalize([99.0] * 784, [50.0] * 784), Dense(16, "gelu"), BatchNorm(),
         Residual([Dense(16, "silu")]), Dense(10, "softmax")],
        784,
    ),
    "members": lambda: built(
        [Flatten(), Rescale(1 / 255), Members(3), Dense(8, use_bias=False), MemberAffine(3, "relu"),
         MemberDense(10, 3), MemberAffine(3, "softmax", use_scale=False)]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "white"), [(name, 255) for name in ANY_LAYERS] + [("relu", 1)])
def test_answers_are_the_models(name, white):
    model = ANY_LAYERS[name]()
    precise = Model(model.layers, dtype="float64")
    precise.build(model.input_shape)
    precise.set_learned(model.get_learned())
    with serving(model, white) as server:
        connection = http.client.HTTPConnection(ADDRESS, server.server_port, timeout=60)
        for pixels in drawings(4):  # on one connection
            status, said = post(connection, pixels)
            row = (pixels * np.float64(white / 255)).reshape(1, *model.input_shape)
            assert status == 200
            assert np.allclose(said["outputs"], model.predict(row)[0], rtol=1e-6, atol=0)
            output = int(np.argmax(said["outputs"]))
            gradient = precise.input_gradient(row, output=output).ravel()
            assert np.allclose(said["saliency"], gradient, rtol=1e-12, atol=0)
            for layer, part, made in zip(
                model.layers, said["layers"], model.layer_outputs(row), strict=True
            ):
                if isinstance(layer, Flatten | Rescale | Normalize | Dropout | Members):
                    assert part is None
                elif name == "members":
                    assert np.allclose(part, made[0].mean(axis=0).ravel(), atol=1e-6)
                else:
                    assert np.allclose(part, made.ravel(), rtol=1e-6, atol=0)
        connection.close()


POST = f"POST /answer HTTP/1.1\nHost: HOST\nContent-Type: {DRAWING}\nContent-Length: "


@pytest.mark.parametrize(
    ("request_text", "status", "says"),
    [
        ("GET / HTTP/1.1\nHost: evil.example", 403, "the host must be 127.0.0.1"),
        ("GET / HTTP/1.1\nHost: evil.example:80", 403, "the host must be"),
        ("GET / HTTP/1.1\nHost: 127.0.0.1", 403, "the host must be"),  # without the port
        ("GET / HTTP/1.1\nHost: HOST.evil.example", 403, "the host must be"),
        ("GET / HTTP/1.1\nHost: HOST\nHost: evil.example", 403, "the host must be"),
        ("GET / HTTP/1.1", 403, "the host must be"),
        ("GET / HTTP/1.0", 403, "the host must be"),
        (POST.replace("HOST", "evil.example") + "784", 403, "the host must be"),
        ("GET /../../../etc/passwd HTTP/1.1\nHost: HOST", 404, "there is no such page"),
        ("GET //etc/passwd HTTP/1.1\nHost: HOST", 404, "there is no such page"),
        ("GET /page.js HTTP/1.1\nHost: HOST", 404, "there is no such page"),
        ("GET /answer HTTP/1.1\nHost: HOST", 404, "there is no such page"),
        ("GET /?file=/etc/passwd HTTP/1.1\nHost: HOST", 404, "there is no such page"),
        ("GET http://evil.example/ HTTP/1.1\nHost: HOST", 404, "there is no such page"),
        (POST.replace("/answer", "/") + "784", 404, "there is no such page"),
        (POST.replace(DRAWING, "text/plain") + "784", 415, f"content type must be {DRAWING}"),
        (POST.replace(f"Content-Type: {DRAWING}\n", "") + "784", 415, "content type must be"),
        (POST + "785", 413, "the body must be 784 bytes"),
        (POST + "99999999999999", 413, "the body must be 784 bytes"),  # of which none is sent
        (POST + "-1", 413, "the body must be 784 bytes"),
        (POST + "0784", 413, "the body must be 784 bytes"),
        (POST + "784\nContent-Length: 784", 413, "the body must be 784 bytes"),
        (POST.removesuffix("\nContent-Length: "), 413, "and its length be given"),
        (POST + "784\nTransfer-Encoding: chunked", 400, "without a transfer encoding"),
        ("PUT / HTTP/1.1\nHost: HOST", 501, "Unsupported method"),
        ("DELETE / HTTP/1.1\nHost: HOST", 501, "Unsupported method"),
        ("OPTIONS /answer HTTP/1.1\nHost: HOST\nOrigin: http://evil.example", 501, "Unsupported"),
        ("nonsense", 400, "Bad request syntax"),
        ("GET / HTTP/9.9\nHost: HOST", 505, "Invalid HTTP version"),
        ("GET /" + "a" * 70_000 + " HTTP/1.1\nHost: HOST", 414, "URI Too Long"),
    ],
)  # fmt: skip
def test_refusals(server, request_text, status, says):
    found, headers, text = sent(server, request_text)
    assert found == status and says in text, text
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Connection"] == "close" and headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers


def test_a_body_that_ends_too_soon(server):
    with socket.create_connection((ADDRESS, server.server_port), timeout=30) as connection:
        head = (POST + "784").replace("HOST", f"{ADDRESS}:{server.server_port}")
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + bytes(700))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ") and b"must be 784 bytes, got 700" in answer


def test_localhost_is_this_machine(server):
    request = f"GET / HTTP/1.1\nHost: LocalHost:{server.server_port}"
    assert sent(server, request)[0] == 200


def test_numbers_that_are_not_finite_are_said_so():
    model = built([Rescale(1e20), Dense(4, "relu"), Dense(10, "softmax")], 784)
    first, *others = model.get_weights()
    model.set_weights([first * 1e20, *others])
    with serving(model) as server:
        status, _, text = sent(server, POST + "784", b"\xff" * 784)
    assert status == 500
    assert text == "the network gives numbers that are not finite for this drawing."


def test_it_is_on_loopback_alone_and_its_port_is_its_own(server):
    assert server.server_address == ("127.0.0.1", server.server_port)
    with pytest.raises(OSError, match=f"port must be free, got {server.server_port}: another"):
        Server(MODELS["relu"](), None, 255.0, server.server_port)


def test_a_connection_that_is_silent_does_not_hold_up_others(server):
    with socket.create_connection((ADDRESS, server.server_port)) as silent:
        silent.sendall(b"POST /answer HTTP/1.1\r\n")
        assert sent(server, "GET / HTTP/1.1\nHost: HOST")[0] == 200
