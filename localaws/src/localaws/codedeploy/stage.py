"""CodeDeploy put together for a running stage."""

from collections.abc import Mapping

from localaws import authorization, pace, persistence
from localaws.codedeploy.acting import MANAGED, STATEMENTS, Actors
from localaws.codedeploy.ports import PRINCIPAL, Ports
from localaws.codedeploy.service import CodeDeploy
from localaws.home import ACCOUNT, REGION
from localaws.parts import Parts
from localaws.patches import access, aliases, canary
from localaws.protocol.service import Response


class Stage:
    """The service, and who acts for it."""

    def __init__(self, parts: Parts) -> None:
        self._emulator = parts.emulator
        self._actors = Actors(parts.endpoint)
        ports = Ports(
            act_as=self._actors.act_as,
            may_pass=self._may_pass,
            caller=self._emulator.identity,
            emit=self._emulator.emit,
            restore_alias=aliases.restore,
            pace=pace.here,
            changed=lambda: persistence.changed("codedeploy"),
            keep=persistence.save_now,
        )
        self.service = CodeDeploy(ports, REGION, ACCOUNT)
        canary.install(self.service)
        for name in MANAGED:
            access.add_managed_policy(name, STATEMENTS)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        self._emulator.remember_caller(headers)
        return self.service.respond(headers, body)

    def warm_up(self) -> None:
        self.service.warm_up()
        self._actors.warm_up()

    def close(self) -> None:
        """Nothing runs beside the server: deployments are threads, and end with it."""

    def _may_pass(self, role: str) -> str | None:
        caller = self._emulator.caller()
        context = {"iam:PassedToService": PRINCIPAL}
        if caller is None or authorization.allowed(caller, "iam:PassRole", role, context):
            return None
        return (
            f"User: {caller} is not authorized to perform: iam:PassRole on resource: {role}"
            " because no identity-based policy allows the iam:PassRole action"
        )
