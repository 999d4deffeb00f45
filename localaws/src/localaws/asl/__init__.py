"""State machines on the local stage: moto's interpreter behind MiniStack's Step Functions API.

MiniStack keeps the API, the storage and the status events. Running a machine is moto's part: it
is the deeper interpreter (facts that decided it are in docs/decisions.md). The modules:

    engine.py        joins the two: start, stop, history, validation at create
    interpreter.py   one execution inside moto
    parsing.py       a definition as moto's program, in a third of the time
    expressions.py   JSONata, evaluated without Java
    moto_fixes.py    every private name of moto that we replace, in one place
    waited.py        what `.sync` integrations have in common, which moto does not have
    sagemaker.py     `sagemaker:...sync`
    athena.py        `athena:startQueryExecution.sync`
    clients.py       the clients with which a machine calls services: as its own role

moto takes about a second to import, so nothing here imports it before the first machine is
created; the stage calls `warm_up` from a background thread once it listens.
"""

from localaws import imports
from localaws.asl.engine import install, warm_up

__all__ = ["install", "warm_up"]

imports.leave_hollow("moto.batch")
