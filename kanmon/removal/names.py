"""Which names in an account are a stage's: its stack's name begins them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.names import is_model_name

# How CloudFormation ends a name that it makes, by logical id. Names of buckets are in lower case.
RETAINED_BUCKETS = ("DataBucket", "AccessLogsBucket", "PipelineBucket")
RETAINED_TABLE = "ModelTable"
_RANDOM = "[A-Za-z0-9]{8,}"


@dataclass(frozen=True)
class Names:
    """The names of one stage, beside those of other stages in the same account.

    `others` are their stacks. Of the stages kanmon and kanmon-dev, `kanmon-dev-abalone` is the
    second one's group of packages, and not that of a model `dev-abalone` of the first.
    """

    stack: str
    others: frozenset[str] = frozenset()

    def owns(self, name: str) -> bool:
        """
        >>> stage = Names("kanmon", frozenset({"kanmon-dev"}))
        >>> stage.owns("kanmon-abalone"), stage.owns("kanmon-dev-abalone"), stage.owns("kanmon")
        (True, False, False)
        """
        return self._begins(self.stack, name) and not any(
            name == other or self._begins(other, name)
            for other in self.others
            if self._begins(self.stack, other)
        )

    def made_for(self, logical: str, name: str) -> bool:
        """Did CloudFormation make this name for the stack's resource `logical`?

        >>> Names("kanmon-dev").made_for("DataBucket", "kanmon-dev-databucket-1x2y3z4a5b6c")
        True
        >>> Names("kanmon").made_for("DataBucket", "kanmon-dev-databucket-1x2y3z4a5b6c")
        False
        """
        made = f"{self.stack}-{logical}-"
        return re.fullmatch(f"{re.escape(made)}{_RANDOM}", name, re.IGNORECASE) is not None

    def model_served_by(self, stack: str) -> str | None:
        """The model that a stack serves; None if it serves none of this stage.

        >>> Names("kanmon-dev").model_served_by("kanmon-dev-serving-abalone")
        'abalone'
        """
        model = stack.removeprefix(f"{self.stack}-serving-")
        return model if model != stack and is_model_name(model) and self.owns(stack) else None

    def model_of_group(self, group: str) -> str | None:
        """The model whose packages a group has; None if it is not this stage's.

        >>> Names("kanmon").model_of_group("kanmon-churn")
        'churn'
        """
        model = group.removeprefix(f"{self.stack}-")
        return model if model != group and is_model_name(model) and self.owns(group) else None

    @staticmethod
    def _begins(stack: str, name: str) -> bool:
        return name.startswith(f"{stack}-")


def other_stages(stack: str, stages: Iterable[str], configured: Iterable[str]) -> frozenset[str]:
    """The stacks of other stages: those in the account, and those that samconfig.toml names."""
    return frozenset({*stages, *configured} - {stack})
