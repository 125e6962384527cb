"""`python -m sandbox` as a process of its own."""

import hashlib
import hmac
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from .conftest import SECRET, Clinic, Vendor
from .partner import Partner

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_says_where_it_listens_and_ends_cleanly(clinic: Clinic, ending: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0", "--nabla-key", "k", "--delay", "30"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("sandbox listening on http://127.0.0.1:")
            assert process.stdout.readline().startswith("sandbox gRPC listening on 127.0.0.1:")
            vendor = Vendor(line.split()[-1], clinic)
            vendor.fault("submit_timeout", client_request_id="held")
            key = {"Authorization": "Bearer k"}
            assert vendor.send(vendor.order(), headers=dict(key)).status_code == 200
            with pytest.raises(requests.ReadTimeout):
                vendor.send(vendor.order(client_request_id="held"), headers=dict(key), timeout=0.1)
            process.send_signal(ending)
            rest, errors = process.communicate(timeout=5)
        finally:
            process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")


def test_suki_is_told_its_partner_its_webhook_and_its_store(clinic: Clinic, tmp_path: Path) -> None:
    options = ["--suki-partner-id", "p", "--suki-partner-token", "t", "--store-host", "store.localhost", "--delay", "0"]
    hook = ["--suki-webhook-url", clinic.url("/hook"), "--suki-webhook-secret", SECRET]
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0", *options, *hook]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            partner = Partner(process.stdout.readline().split()[-1], clinic)
            mine = {"partner_id": "p", "partner_token": "t"}
            assert partner.register(**mine).status_code == 201
            partner.token = partner.login(**mine).json()["suki_token"]
            session = partner.made()
            assert partner.links(session)[0]["presigned_url"].startswith("http://store.localhost:")
            assert partner.control("POST", f"sessions/{session}/webhook").json()["status"] == 200
            assert expected_by(clinic) == clinic.arrived[0][3]["x-api-key"]
            assert len(list(tmp_path.iterdir())) == 1
            process.terminate()
            process.wait(5)
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == []


def expected_by(clinic: Clinic) -> str:
    _, _, body, headers = clinic.arrived[0]
    return hmac.new(SECRET.encode(), headers["generated-at"].encode() + b":" + body, hashlib.sha256).hexdigest()


def test_imports_nothing_of_the_project() -> None:
    check = "import sys, sandbox.__main__; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert ours & set(loaded.split()) == {"sandbox"}
    assert "django" not in loaded.split()
