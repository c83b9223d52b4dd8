"""The chart's pods: what they may do, when they count as well, and how they end."""

import json
import re
import subprocess
import sys
from itertools import combinations

import pytest

from service.environment import variable
from service.settings import Settings
from tests.chart.helm import CHART, Document, containers, environment, only, pods, render, run
from tests.servers import ROOT, Service

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def test_no_pod_may_run_as_root(documents: list[Document]) -> None:
    """Each pod runs as a user other than root, under the default seccomp profile."""
    for _, pod in pods(documents):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["runAsGroup"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_openshift_chooses_the_users() -> None:
    """On OpenShift, which refuses a pod that names a user outside its namespace's range, no pod names one."""
    for _, pod in pods(render("--api-versions", "security.openshift.io/v1")):
        assert pod["securityContext"].keys() == {
            "runAsNonRoot",
            "fsGroupChangePolicy",
            "seccompProfile",
        }


def test_no_pod_talks_to_kubernetes(documents: list[Document]) -> None:
    """No pod has a token, or variables of other services, which could look like settings."""
    for _, pod in pods(documents):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


def test_containers_are_confined(documents: list[Document]) -> None:
    """No container writes to its root, gains privileges, has a capability, or lacks a limit."""
    for _, pod in pods(documents):
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            for amounts in ("requests", "limits"):
                assert container["resources"][amounts].keys() >= {"cpu", "memory"}


def test_probes_differ() -> None:
    """A container has started, is alive and is ready by three different probes."""
    _, service = _service(render())
    probes = [service[probe] for probe in PROBES]
    assert all(one != other for one, other in combinations(probes, 2))
    started, alive, ready = (probe["httpGet"]["path"] for probe in probes)
    assert (started, alive, ready) == ("/healthz", "/healthz", "/readyz")


@pytest.mark.parametrize("deadline", [1, 60, 600])
def test_the_longest_request_ends_before_its_pod(deadline: int) -> None:
    """The pod's grace covers preStop, the grace that the service gives itself, and the proxy's rest."""
    deployment = only(render("--set", f"deadline={deadline}"), "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    proxy, service = containers(pod)
    pause = service["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= pause + _own_grace(service) + 10
    assert int(environment(proxy)["PATIENCE"].rstrip("s")) >= deadline + 10


def test_nobody_moves_the_service_s_grace() -> None:
    """Helm refuses the settings that would lengthen the service's grace beyond that of the pod."""
    for name in ("CHARLOOM_DEADLINE", "CHARLOOM_UNREADY_SECONDS"):
        done = run("template", "demo", str(CHART), "--set", f"settings.{name}=90")
        assert done.returncode != 0
        assert name in done.stderr


def test_the_proxy_starts_before_the_service() -> None:
    """The proxy is a sidecar, which starts before the service, and asks the service's port."""
    proxy, service = _service(render())
    assert proxy["restartPolicy"] == "Always"
    assert environment(proxy)["SERVICE"] == f"127.0.0.1:{environment(service)['PORT']}"


def test_the_proxy_lets_its_clients_go_before_the_service_ends() -> None:
    """HAProxy's soft stop begins before the service's SIGTERM, outlasts the service, and ends before the pod."""
    pod = only(render(), "Deployment")["spec"]["template"]["spec"]
    proxy, service = containers(pod)
    command = proxy["lifecycle"]["preStop"]["exec"]["command"]
    stop = re.fullmatch(r"sh -c sleep (\d+) && kill -(\w+) 1", " ".join(command))
    assert stop is not None
    pause, signal = stop.groups()
    stopped = service["lifecycle"]["preStop"]["sleep"]["seconds"]
    last = int(pause) + int(environment(proxy)["PATIENCE"].rstrip("s"))  # hard-stop-after
    assert f"STOPSIGNAL SIG{signal}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert 5 <= int(pause) < stopped
    assert stopped + _own_grace(service) < last <= pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize(("host", "proxies"), [("", 1), ("text.example.org", 2)])
def test_the_service_believes_the_proxies_that_are_there(host: str, proxies: int) -> None:
    """The service believes the sidecar, and an Ingress where there is one, which the sidecar then keeps."""
    proxy, service = _service(render("--set", f"ingress.host={host}"))
    assert environment(service)["CHARLOOM_TRUSTED_PROXIES"] == str(proxies)
    assert ("BEHIND_PROXY" in environment(proxy)) is (proxies > 1)


def test_variables_are_settings(documents: list[Document]) -> None:
    """Each variable of the service's container is a setting of the service, and is given once."""
    _, service = _service(documents)
    names = [each["name"] for each in service["env"]]
    assert len(names) == len(set(names))
    assert set(names) <= {variable(name) for name in Settings.model_fields}


def test_workers_of_a_training_know_each_other() -> None:
    """Each worker has the addresses of all workers and its own index."""
    documents = render("--values", str(CHART / "ci" / "training.yaml"))
    (job,) = [each for each in documents if each["kind"] == "Job"]
    name, pod = job["metadata"]["name"], job["spec"]["template"]["spec"]
    variables = environment(pod["containers"][0])
    assert "job-completion-index" in variables["INDEX"]["fieldRef"]["fieldPath"]
    for index in range(2):
        told = json.loads(variables["TF_CONFIG"].replace("$(INDEX)", str(index)))
        assert told["cluster"] == {"worker": [f"{name}-0.{name}:2222", f"{name}-1.{name}:2222"]}
        assert told["task"] == {"type": "worker", "index": index}
    assert (
        pod["subdomain"]
        == only(documents, "Service", name.removeprefix("demo-charloom"))["metadata"]["name"]
    )


def test_a_changed_training_is_a_new_job() -> None:
    """An upgrade leaves an unchanged training alone; a change makes another job, since no job can change."""
    values = ("--values", str(CHART / "ci" / "training.yaml"))
    jobs = [
        next(each for each in render(*values, "--set", change) if each["kind"] == "Job")
        for change in (
            "replicas=2",
            "images.service=a:1",
            "training.workers=3",
            "store.claim=other",
        )
    ]
    one, same, *others = [job["metadata"]["name"] for job in jobs]
    assert one == same
    assert len({one, *others}) == 3
    assert jobs[0] == jobs[1]


def test_the_chart_s_test_passes_against_a_service(running_service: Service) -> None:
    """What `helm test` runs gets the same text twice from a real service."""
    (test,) = only(render(), "Pod", "-test")["spec"]["containers"]
    address = f"http://127.0.0.1:{running_service.port}"
    command = [sys.executable, *test["command"][1:], *test["args"]]
    done = subprocess.run(
        command, env={"SERVICE": address}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ready" in done.stdout


def _own_grace(service: Document) -> int:
    """Return the seconds after SIGTERM that the service gives itself under the container's variables."""
    given = {name: each for name, each in environment(service).items() if isinstance(each, str)}
    del given["CHARLOOM_STORE"]  # a folder of the image
    done = subprocess.run(
        [sys.executable, "-c", "from service.gunicorn_conf import *; print(graceful_timeout)"],
        env=given,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def _service(documents: list[Document]) -> tuple[Document, Document]:
    """Return the containers of the proxy and of the service."""
    proxy, service = containers(only(documents, "Deployment")["spec"]["template"]["spec"])
    return proxy, service
