"""The console's routes. Each reads a view, or calls the same rule as the command line."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, flash, redirect, render_template, request, url_for
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from core.stage.release_records import Release
from core.words.formats import count, counted, dollars, duration, local_moment, percent, size
from core.words.metrics import metric_label
from core.words.people import person
from kanmon.console import views
from kanmon.console.guard import Guard
from kanmon.errors import BadInputError, KanmonError
from kanmon.releases.decision import Decision, decide, waiting_approval
from kanmon.releases.records import find_release, review_page
from kanmon.releases.rollback import roll_back
from kanmon.terminal.invocation import describe_error
from kanmon.trend.drawing import TEMPLATES
from kanmon.trend.reading import Known

if TYPE_CHECKING:
    from kanmon.terminal.invocation import Invocation

# The review page is a whole document, with its own style and without scripts. Only as of the same
# origin does its link back carry the console's cookie, which no other site's requests have.
REVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-same-origin"
)
# Where the way back is put: after the link that skips to the verdict, which must come first.
BEGINNING = re.compile(rb'<body>\s*(<a class="skip"[^>]*>[^<]*</a>)?')
DECISIONS: dict[str, Decision] = {"Approved": "Approved", "Rejected": "Rejected"}
# How often a followed page is reloaded.
REFRESH_SECONDS = 2


def make_app(invocation: "Invocation", guard: Guard) -> Flask:
    """The console of one stage."""
    app = Flask(__name__)
    app.secret_key = guard.form_token
    own = Path(__file__).parent / "templates"
    app.jinja_loader = ChoiceLoader([FileSystemLoader(own), FileSystemLoader(TEMPLATES)])
    app.jinja_env.undefined = StrictUndefined
    # Flask escapes by file name; .jinja is not among the names it knows.
    app.jinja_env.autoescape = True
    app.jinja_env.filters.update(
        moment=local_moment,
        percent=percent,
        duration=duration,
        person=person,
        counted=counted,
        size=size,
        dollars=dollars,
        number=count,
        metric=metric_label,
    )
    guard.install(app)
    _install_pages(app, invocation)
    _install_trend(app, invocation)
    _install_decisions(app, invocation)
    _install_errors(app, guard)
    _follow_the_stage(app, invocation)

    @app.context_processor
    def shared() -> dict[str, Any]:
        return {
            "token": guard.form_token,
            "stage": invocation.stage,
            "role": invocation.role,
            "now": datetime.now(UTC),
            "mlflow": _mlflow(invocation),
        }

    return app


def _mlflow(invocation: "Invocation") -> str | None:
    """Where the local stage records its runs. A team knows its own server."""
    if invocation.stage != "local":
        return None
    from kanmon.stage import tracking

    return tracking.choice(invocation.project.home).uri


def _follow_the_stage(app: Flask, invocation: "Invocation") -> None:
    """A local stage that was started again has another address: connect to that."""
    if invocation.stage != "local":
        return
    from kanmon.stage import local

    seen = local.started(invocation.project)

    @app.before_request
    def follow() -> None:
        nonlocal seen
        now = local.started(invocation.project)
        if now != seen:
            seen = now
            vars(invocation).pop("connection", None)


def _install_pages(app: Flask, invocation: "Invocation") -> None:
    @app.get("/")
    def overview() -> str:
        found = views.overview(invocation.connection, invocation.project)
        return render_template("overview.html.jinja", models=found)

    @app.get("/models/<model>")
    def model(model: str) -> AnyResponse:
        invocation.require_model(model)
        view = views.model_view(invocation.connection, model)
        moving = view.canary is not None
        return _live(render_template("model.html.jinja", view=view, moving=moving), moving)

    @app.get("/models/<model>/releases/<int:number>")
    def release(model: str, number: int) -> AnyResponse:
        return _release_page(invocation, _find(invocation, model, number))

    @app.get("/models/<model>/releases/<int:number>/review")
    def review(model: str, number: int) -> Response:
        return _review_page(invocation, model, number)

    @app.get("/notices")
    def notices() -> str:
        return _notices_page(invocation)

    @app.get("/models/<model>/monitorings/<monitoring>")
    def monitoring(model: str, monitoring: str) -> Response:
        return _monitoring_page(invocation, model, monitoring)

    @app.get("/runs/<run>")
    def run(run: str) -> AnyResponse:
        from kanmon.runs.records import find_run

        record = find_run(invocation.connection, invocation.project, run)
        view = views.run_view(invocation.connection, record)
        moving = view.status == "RUNNING"
        return _live(render_template("run.html.jinja", view=view, moving=moving), moving)

    @app.get("/batches/<batch>")
    def batch(batch: str) -> AnyResponse:
        from kanmon.batches.records import find_batch

        view = views.batch_view(invocation.connection, find_batch(invocation.connection, batch))
        moving = view.status == "RUNNING"
        return _live(render_template("batch.html.jinja", view=view, moving=moving), moving)


def _install_trend(app: Flask, invocation: "Invocation") -> None:
    # What runs measured, read once for as long as the console runs.
    lines: Known = {}

    @app.get("/models/<model>/trend")
    def trend(model: str) -> str:
        invocation.require_model(model)
        wanted = request.args.get("metric") or None
        view = views.trend_view(invocation.connection, model, wanted, lines)
        return render_template("trend.html.jinja", view=view)


def _review_page(invocation: "Invocation", model: str, number: int) -> Response:
    page = review_page(invocation.connection, _find(invocation, model, number))
    headers = {"Content-Security-Policy": REVIEW_POLICY}
    address = url_for("release", model=model, number=number)
    name = f"release {model}/{number}"
    back = render_template("way_back.html.jinja", address=address, name=name)
    # The page's bytes are checked; only what is shown here gets the way back.
    shown = BEGINNING.sub(lambda found: found[0] + back.encode(), page, count=1)
    return Response(shown, mimetype="text/html", headers=headers)


def _monitoring_page(invocation: "Invocation", model: str, monitoring: str) -> Response:
    """The page that Close Monitoring made, with the way back; a monitoring may have none yet."""
    from kanmon.monitoring.page import read_page
    from kanmon.monitoring.records import monitoring_record

    invocation.require_model(model)
    record = monitoring_record(invocation.connection, model, monitoring)
    page = read_page(invocation.connection, model, monitoring) if record else None
    if record is None or page is None:
        what = f"monitoring {monitoring} of {model} has no page"
        raise BadInputError(what, str(record.summary) if record and record.summary else "")
    back = render_template(
        "way_back.html.jinja", address=url_for("model", model=model), name=f"model {model}"
    )
    shown = BEGINNING.sub(lambda found: found[0] + back.encode(), page, count=1)
    headers = {"Content-Security-Policy": REVIEW_POLICY}
    return Response(shown, mimetype="text/html", headers=headers)


def _notices_page(invocation: "Invocation") -> str:
    """What the stage had to tell, newest first; of one model or event if the address says so."""
    from kanmon.console.notices import choices, page_of

    asked = {name: request.args.get(name) or None for name in ("before", "model", "event")}
    page = page_of(invocation.connection, datetime.now(UTC), **asked)
    chosen = {"model": asked["model"], "event": asked["event"]}
    known = choices(invocation.connection, invocation.project, page, asked["model"])
    return render_template("notices.html.jinja", page=page, chosen=chosen, **chosen, **known)


def _install_decisions(app: Flask, invocation: "Invocation") -> None:
    @app.post("/models/<model>/releases/<int:number>/decision")
    def decision(model: str, number: int) -> AnyResponse:
        found = _find(invocation, model, number)
        reason = request.form.get("reason", "").strip()
        wanted = DECISIONS.get(request.form.get("decision", ""))
        if wanted is None:
            abort(400, "a decision must be Approved or Rejected")
        try:
            if wanted == "Rejected" and not reason:
                raise BadInputError("a rejection needs a reason", "It is stored with the release.")
            decide(invocation.connection, found, wanted, reason)
        except KanmonError as error:
            return _release_page(invocation, found, error, reason)
        done = "approved; it is now verified and promoted" if wanted == "Approved" else "rejected"
        flash(f"Release {found.reference} is {done}.")
        return redirect(url_for("release", model=model, number=number), 303)

    @app.post("/models/<model>/rollback")
    def rollback(model: str) -> AnyResponse:
        invocation.require_model(model)
        to = request.form.get("to", "")
        if to and not (to.isascii() and to.isdigit()):
            abort(400, "the release must be a number")
        reason = request.form.get("reason", "").strip()
        try:
            if not reason:
                raise BadInputError(
                    "a rollback needs a reason", "It is stored in the model's history."
                )
            done = roll_back(invocation.connection, model, int(to) if to else None, reason)
        except KanmonError as error:
            view = views.model_view(invocation.connection, model)
            moving = view.canary is not None
            page = render_template(
                "model.html.jinja", view=view, moving=moving, problem=error, reason=reason
            )
            return Response(page, 409)
        if done.what == "canary stopped" or done.release is None:
            flash("The canary is stopped. CodeDeploy shifts the traffic back.")
            return redirect(url_for("model", model=model), 303)
        flash(f"Release {done.release.reference} is being put back into service.")
        return redirect(url_for("release", model=model, number=done.release.release), 303)


def _find(invocation: "Invocation", model: str, number: int) -> Release:
    return find_release(invocation.connection, f"{model}/{number}")


def _release_page(
    invocation: "Invocation",
    release: Release,
    problem: KanmonError | None = None,
    reason: str = "",
) -> AnyResponse:
    """The release's page, with the problem of a failed decision and the reason that was typed."""
    connection = invocation.connection
    if problem:  # it may have changed, because somebody else decided
        release = find_release(connection, release.reference)
    view = views.release_view(connection, release)
    decidable = waiting_approval(connection, release) is not None
    page = render_template(
        "release.html.jinja",
        view=view,
        decidable=decidable,
        moving=view.moving,
        problem=problem,
        reason=reason,
    )
    return Response(page, 409) if problem else _live(page, view.moving)


def _live(page: str, moving: bool) -> Response:
    """A page that reloads itself while something moves, if `?live` is in its address."""
    response = Response(page)
    if moving and "live" in request.args:
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


def _install_errors(app: Flask, guard: Guard) -> None:
    @app.errorhandler(Exception)
    def problem(error: Exception) -> AnyResponse:
        if isinstance(error, HTTPException):
            status, line = error.code or 500, error.description or error.name
        else:
            line, _ = describe_error(error)
            status = 404 if isinstance(error, BadInputError) else 502
        page = render_template(
            "problem.html.jinja", line=line, status=status, known=guard.knows(request)
        )
        return Response(page, status)
