"""CodeDeploy's API for the gateway and for CloudFormation."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from localaws.codedeploy.catalogue import Catalogue
from localaws.codedeploy.deployments import Deployments, Record
from localaws.codedeploy.names import APPLICATION, TARGET_PREFIX, Names
from localaws.codedeploy.ports import Ports
from localaws.codedeploy.requests import CodeDeployApi
from localaws.codedeploy.rollout import Rollout
from localaws.protocol.service import JsonService, Operation, Response


class CodeDeploy:
    """The service of one account in one region. All it holds is plain JSON."""

    def __init__(self, ports: Ports, region: str, account: str) -> None:
        lock = threading.RLock()
        self._ports = ports
        self._lock = lock
        self._names = Names(region, account)
        self._catalogue = Catalogue(ports)
        self.deployments = Deployments(ports, self._names, self._catalogue, lock, self._begin)
        self._api = CodeDeployApi()
        operations: dict[str, Operation] = {
            **self._catalogue.operations(),
            **self.deployments.operations(),
        }
        self._service = JsonService(self._api, TARGET_PREFIX, operations, lock)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request. Everything here is in memory and returns at once."""
        return self._service.respond(headers, body)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        return self._service.call(name, request)

    def deploy(self, request: dict[str, Any], creator: str) -> str:
        """Create a deployment for another service of the stage; returns its id."""
        with self._lock:
            return str(self.deployments.create(request, creator)["deploymentId"])

    def wait(self, deployment: str, seconds: float) -> Record | None:
        """Wait until a deployment and its rollback have ended; None while they have not."""
        return self.deployments.wait(deployment, seconds)

    def resource_arn(self, action: str, request: Mapping[str, Any]) -> str:
        """The resource an IAM policy is held against. Asked before the request is checked."""
        application = request.get("applicationName")
        group = request.get("deploymentGroupName") or request.get("currentDeploymentGroupName")
        config = request.get("deploymentConfigName")
        if action in APPLICATION and application:
            return self._names.application(str(application))
        if action == "GetDeploymentConfig" and config:
            return self._names.config(str(config))
        if application and group:
            return self._names.group(str(application), str(group))
        several = request.get("deploymentIds") or [request.get("deploymentId")]
        return self.deployments.group_arn(str(several[0])) or "*"

    def warm_up(self) -> None:
        """Load the API's model now instead of at the first request."""
        self._api.model  # noqa: B018 - loading it is the point

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that is kept, as plain JSON."""
        with self._lock:
            kept = {"catalogue": self._catalogue.state, "deployments": self.deployments.state}
            state: dict[str, Any] = json.loads(json.dumps(kept))
        return state

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned; deployments under way then have ended."""
        if not state:
            return
        with self._lock:
            self._catalogue.state["applications"].update(state["catalogue"]["applications"])
            self.deployments.load(state["deployments"])

    def _begin(self, record: Record) -> None:
        rollout = Rollout(self._ports, self._names, self._catalogue, self.deployments, record)
        name = f"deployment-{record['info']['deploymentId']}"
        threading.Thread(target=rollout.run, name=name, daemon=True).start()
