"""Which image we run from: nothing that the surroundings say of us is believed without a proof."""

from __future__ import annotations

import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from autoprof_ci import __version__
from autoprof_ci.errors import ToolError
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.own_image import own_image

LAYER = "/var/lib/docker/overlay2/65ce/diff"
ROOT = f"75 50 0:39 / / rw,relatime master:2 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir={LAYER},workdir=/w\n"
ID = "c5c5805376d67eca88fb4969b3071f07f57821732f242dc3ad73793e89075baf"
FILES = f"93 75 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname ro - ext4 /dev/vda rw\n"
NOT_OVERLAY = "75 50 0:39 /@/subvolumes/1 / rw,relatime - btrfs /dev/vda rw\n"


def container(
    image: str, layer: str | None = None, *, title: str = "autoprof-ci", env: tuple[str, ...] = ()
) -> dict[str, object]:
    return {
        "Image": image,
        "Config": {"Labels": {"org.opencontainers.image.title": title}, "Env": list(env)},
        "GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": layer} if layer else None},
    }


class FakeApi:
    """The few requests that are asked, with the errors of the real SDK."""

    def __init__(self, containers: dict[str, dict[str, object]], images: dict[str, str], running: tuple[str, ...] = ()) -> None:
        self._containers, self._images, self._running = containers, images, running

    def inspect_container(self, name: str) -> dict[str, object]:
        if name not in self._containers:
            raise NotFound(f"No such container: {name}", response=Response(404))
        return self._containers[name]

    def containers(self, *, quiet: bool) -> list[dict[str, str]]:
        assert quiet
        return [{"Id": name} for name in self._running]

    def inspect_image(self, name: str) -> dict[str, str]:
        if name not in self._images:
            raise ImageNotFound(f"No such image: {name}", response=Response(404))
        return {"Id": self._images[name]}


class Response:
    """What the SDK's errors want to know of an answer."""

    url, reason = "http+docker://localhost/v1.41/containers", "refused"

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class Client:
    def __init__(self, api: object) -> None:
        self.api = api


def engine(
    containers: dict[str, dict[str, object]], images: dict[str, str] | None = None, running: tuple[str, ...] = ()
) -> Engine:
    return Engine(name="docker", version="28", client=Client(FakeApi(containers, images or {}, running)))


def test_own_image__by_host_name_and_layer() -> None:
    known = engine({"c5c5805376d6": container("sha256:ours", LAYER)})
    assert own_image(known, {"HOSTNAME": "c5c5805376d6"}, ROOT + FILES) == "sha256:ours"


def test_own_image__host_name_of_the_job_s_container_is_not_believed() -> None:
    containers = {"job": container("sha256:job", "/other/diff", title="node"), "us": container("sha256:ours", LAYER)}
    known = engine(containers, running=("job", "us"))
    assert own_image(known, {"HOSTNAME": "job"}, ROOT) == "sha256:ours"


def test_own_image__not_even_where_the_job_runs_in_an_image_of_ours() -> None:
    containers = {"job": container("sha256:old", "/other/diff"), "us": container("sha256:ours", LAYER)}
    known = engine(containers, running=("job", "us"))
    assert own_image(known, {"HOSTNAME": "job"}, ROOT) == "sha256:ours"


def test_own_image__by_the_paths_of_its_mounts() -> None:
    known = engine({ID: container("sha256:ours", LAYER)})
    assert own_image(known, {"HOSTNAME": "renamed"}, ROOT + FILES) == "sha256:ours"


def test_own_image__without_layers_by_label_and_run() -> None:
    containers = {
        "a": container("sha256:other-run", env=("GITHUB_RUN_ID=1",)),
        "b": container("sha256:ours", env=("GITHUB_RUN_ID=2",)),
        "c": container("sha256:node", title="node", env=("GITHUB_RUN_ID=2",)),
    }
    known = engine(containers, running=("a", "b", "c"))
    assert own_image(known, {"GITHUB_RUN_ID": "2"}, NOT_OVERLAY) == "sha256:ours"


def test_own_image__two_that_might_be_us_are_none() -> None:
    containers = {"a": container("sha256:one"), "b": container("sha256:two")}
    known = engine(containers, {f"autoprof-ci:{__version__}": "sha256:tagged"}, running=("a", "b"))
    assert own_image(known, {}, NOT_OVERLAY) == "sha256:tagged"


def test_own_image__named_before_tagged() -> None:
    images = {"mine": "sha256:mine", f"autoprof-ci:{__version__}": "sha256:tagged"}
    assert own_image(engine({}, images), {"AUTOPROF_IMAGE": "mine"}, ROOT) == "sha256:mine"
    assert own_image(engine({}, images), {}, ROOT) == "sha256:tagged"


def test_own_image__none() -> None:
    with pytest.raises(ToolError) as caught:
        own_image(engine({}), {"HOSTNAME": "laptop", "AUTOPROF_IMAGE": "gone"}, ROOT)
    assert str(caught.value) == (
        f"The image to measure in was not found: the container engine has no autoprof-ci:{__version__}, and knows no container "
        "of it that we run in; AUTOPROF_IMAGE names 'gone', which is not there. Build it in a checkout of autoprof-ci with "
        f"`docker build -t autoprof-ci:{__version__} .`, or name one in AUTOPROF_IMAGE."
    )


@pytest.mark.parametrize("hostname", ["", "../../images/json?", "-rf", "a b", "x" * 200])
def test_own_image__host_name_is_no_container_s(hostname: str) -> None:
    known = engine({}, {f"autoprof-ci:{__version__}": "sha256:tagged"})
    assert own_image(known, {"HOSTNAME": hostname}, ROOT) == "sha256:tagged"


def test_own_image__a_proxy_that_forbids_to_look() -> None:
    class Forbidding(FakeApi):
        def inspect_container(self, name: str) -> dict[str, object]:
            raise APIError(name, response=Response(403), explanation='{"message": "denied by policy"}')

    forbidding = Engine(name="docker", version="28", client=Client(Forbidding({}, {})))
    with pytest.raises(ToolError) as caught:
        own_image(forbidding, {"HOSTNAME": "abc"}, ROOT)
    assert str(caught.value) == (
        "The container engine forbids to describe a container: denied by policy. Give the runner an engine that may start "
        "containers; a filtering proxy before its socket forbids it."
    )
