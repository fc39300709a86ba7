"""Google Earth Engine, real or emulated, as a source of scenes and pixels."""

import ipaddress
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import ee
import ee.deprecation
import google.auth
import httplib2
import numpy as np
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import Error as GoogleClientError
from numpy.typing import NDArray

from pipeline.schema.errors import FailureKind, NoldoError, SourceError, UsageError
from pipeline.schema.records import Arrays, Attempt
from pipeline.sources.npy import read_pixels
from pipeline.sources.pace import OK, BoundLink, own_link
from pipeline.sources.protocol import PixelRequest, SceneLimits, SceneSlot, SlotScenes
from pipeline.sources.queries import pixel_params, read_scenes, scene_query
from pipeline.sources.retry import (
    KEY_VARIABLE,
    LOCAL_RETRY,
    NO_CREDENTIALS,
    SERVICE_RETRY,
    BrokenAnswerError,
    RetryPolicy,
    bad_key_file,
    is_heavy,
    with_retries,
)
from pipeline.sources.splitting import fitted, halved
from pipeline.sources.transport import ThreadLocalTransport
from pipeline.turns import turn

MAX_SLOTS: Final = 256
"""Slots of one scene request: about 70 KB of the 10 MB that a request may have (guide, 'Usage quotas')."""

START_UP_ATTEMPTS: Final = 4
"""Most tries to reach the service at all: a wrong address should be told soon."""

Raw = TypeVar("Raw")
Answer = TypeVar("Answer")

_EXPECTED = (
    NoldoError, BrokenAnswerError, OSError, ee.EEException, GoogleAuthError, GoogleClientError,
    httplib2.HttpLib2Error,
)  # fmt: skip


@dataclass(frozen=True)
class EarthEngineSpec:
    """Where Earth Engine is and who pays; the URL, the project and the credentials are all that an emulator changes."""

    url: str
    """For example https://earthengine-highvolume.googleapis.com."""
    project: str
    """Google Cloud project."""
    anonymous: bool = False
    """Send no credentials, for an emulator."""
    retry: RetryPolicy = SERVICE_RETRY
    timeout_s: float = 330.0
    """For one whole answer; the service itself gives up after 5 minutes (guide, 'Computation overview')."""
    workload_tag: str | None = None
    """Labels the compute spent (guide, 'Workload tags')."""


def emulator_spec(url: str) -> EarthEngineSpec:
    """The specification of a local emulator."""
    return EarthEngineSpec(url=url, project="emulator", anonymous=True, retry=LOCAL_RETRY, timeout_s=60.0)


class EarthEngineSource:
    """A Source for any number of threads. The client's state is the process's: use one specification at a time."""

    def __init__(self, spec: EarthEngineSpec, stage: str, link: BoundLink | None = None) -> None:
        """Connect, once a process. Every attempt made for `stage` takes a slot of `link` and is reported to it.

        Without a link the source keeps a default pace of its own. Raises UsageError without usable credentials,
        SourceError where the service does not answer.
        """
        self._spec = spec
        self._stage = stage
        self._link = link or own_link()
        self._transport = _connect(spec, self._attempts)

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        """The qualifying scenes of every slot, in order, up to MAX_SLOTS slots a request."""
        found: list[SlotScenes] = []
        for first in range(0, len(slots), MAX_SLOTS):
            found += self._find(slots[first : first + MAX_SLOTS], limits)
        return found

    def fetch_pixels(self, request: PixelRequest) -> Arrays:
        """One (height, width) array a layer name, in the layer's dtype.

        One request where the service's limits hold it; where the service finds it too heavy nevertheless, it is
        halved, by season, by sensor, then by band. SourceError (permanent) where one band is still too heavy.
        """
        arrays: dict[str, NDArray[np.generic]] = {}
        for piece in fitted(request):
            arrays.update(self._pixels(piece))
        return arrays

    def _pixels(self, request: PixelRequest) -> Arrays:
        """One request; where the service finds it too heavy, two of half the size."""
        self._reconnect()
        halves = halved(request)
        params = pixel_params(request)
        try:
            return self._attempts(
                lambda: ee.data.computePixels(params),
                lambda raw: _read_in_turn(request, raw),
                request.location_id,
                stop=lambda error: halves is not None and is_heavy(error),
            )
        except SourceError as error:
            if not is_heavy(error):
                raise
            if halves is None:
                raise SourceError(FailureKind.PERMANENT, _too_heavy(request, error)) from error
        return {**self._pixels(halves[0]), **self._pixels(halves[1])}

    def _find(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        """One request; where the service finds it too heavy, two of half the size, down to the slot at fault."""
        self._reconnect()
        try:
            query = scene_query(slots, limits)
            return self._attempts(
                lambda: ee.data.computeValue(query),
                lambda raw: read_scenes(slots, raw),
                slots[0].location_id,
                stop=lambda error: len(slots) > 1 and is_heavy(error),
            )
        except SourceError as error:
            if not is_heavy(error):
                raise
            if len(slots) == 1:
                lasting = SourceError(FailureKind.PERMANENT, str(error))
                return [SlotScenes(slots[0].location_id, slots[0].season, (), (), lasting)]
        half = len(slots) // 2
        return self._find(slots[:half], limits) + self._find(slots[half:], limits)

    def _reconnect(self) -> None:
        """Take the client's process-wide state back where another specification was used since."""
        self._transport = _connect(self._spec, self._attempts)

    def _attempts(
        self,
        send: Callable[[], Raw],
        read: Callable[[Raw], Answer],
        location_id: str,
        *,
        transport: ThreadLocalTransport | None = None,
        most: int | None = None,
        stop: Callable[[SourceError], bool] = lambda _: False,
    ) -> Answer:
        used = transport or self._transport
        cost = self._link.costs.get(self._stage, 0.0) if location_id else 0.0
        policy = self._spec.retry if most is None else self._spec.retry.at_most(most)

        def counted() -> Raw:
            used.forget_received()
            return send()

        def record(attempt: int, failure: NoldoError | None, seconds: float) -> None:
            kind = failure.kind if isinstance(failure, SourceError) else FailureKind.PERMANENT
            self._link.report(
                Attempt(
                    stage=self._stage if location_id else "connect",
                    location_id=location_id,
                    attempt=attempt,
                    kind=OK if failure is None else kind.value,
                    message="" if failure is None else str(failure),
                    milliseconds=seconds * 1000,
                    received_bytes=used.received_bytes,
                )
            )

        return with_retries(
            counted,
            read,
            policy=policy,
            expected=_EXPECTED,
            slot=lambda: self._link.pace.slot(cost),
            record=record,
            stop=stop,
        )


@dataclass(frozen=True)
class _Connection:
    spec: EarthEngineSpec
    transport: ThreadLocalTransport


_lock = threading.Lock()
_connection: _Connection | None = None


def _connect(spec: EarthEngineSpec, attempts: Callable[..., Any]) -> ThreadLocalTransport:
    """The process's transport for `spec`; initialises the client where it is not, or is for another one."""
    global _connection  # noqa: PLW0603 -- the client's own state is global, so its owner must be too
    current = _connection
    if current is not None and current.spec == spec:
        return current.transport
    with _lock:
        if _connection is not None and _connection.spec == spec:
            return _connection.transport
        if not spec.project:
            raise UsageError("Earth Engine needs a Google Cloud project; set source.project in the recipe")
        credentials = _credentials(spec)
        transport = ThreadLocalTransport(timeout_s=spec.timeout_s, trust_environment=not is_loopback(spec.url))
        previous, _connection = _connection, None
        if previous is not None:
            previous.transport.close()
        try:
            attempts(
                lambda: _initialise(spec, credentials, transport),
                lambda nothing: nothing,
                "",
                transport=transport,
                most=START_UP_ATTEMPTS,
            )
        except NoldoError as error:
            transport.close()
            if not isinstance(error, SourceError):
                raise
            raise SourceError(error.kind, _unreachable(spec.url, error)) from error
        _connection = _Connection(spec, transport)
        return transport


def _initialise(spec: EarthEngineSpec, credentials: Any, transport: ThreadLocalTransport) -> None:
    ee.Reset()
    ee.data.setMaxRetries(0)
    # With a list of deprecated assets at hand the client does not fetch one from another host, without a
    # time-out; the assets we read are fixed.
    ee.deprecation.deprecated_assets = {"": ee.deprecation.DeprecatedAsset("", None, None, None)}
    ee.Initialize(credentials=credentials, project=spec.project, url=spec.url, http_transport=transport)
    if spec.workload_tag:
        ee.data.setDefaultWorkloadTag(spec.workload_tag)


def _credentials(spec: EarthEngineSpec) -> Any:
    """None of the user's for an emulator; else the named key file first, then what `earthengine authenticate` left."""
    if spec.anonymous:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    named = os.environ.get(KEY_VARIABLE)
    try:
        if named:
            return google.auth.default(scopes=ee.oauth.SCOPES)[0]
        return ee.data.get_persistent_credentials()
    except (ee.EEException, GoogleAuthError, OSError, ValueError) as error:
        raise UsageError(bad_key_file(named, error) if named else NO_CREDENTIALS) from error


def credentials_found() -> str:
    """Where this machine's own credentials for Earth Engine are; UsageError where there are none.

    Earth Engine itself is not asked whether it takes them.
    """
    _credentials(EarthEngineSpec(url="", project=""))
    named = os.environ.get(KEY_VARIABLE)
    if named:
        return f"the key file {named}, which {KEY_VARIABLE} names"
    left = Path(ee.oauth.get_credentials_path())
    return f"{left}, by 'earthengine authenticate'" if left.exists() else "Google's application default credentials"


def is_loopback(url: str) -> bool:
    """Whether the URL is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_in_turn(request: PixelRequest, raw: bytes | memoryview) -> Arrays:
    with turn():
        return read_pixels(request, raw)


def _too_heavy(request: PixelRequest, error: SourceError) -> str:
    (layer,) = request.layers
    return (
        f"location {request.location_id}: the service finds even {layer.bands[0]} of {layer.asset_id} alone too heavy "
        f"({error})"
    )


def _unreachable(url: str, error: SourceError) -> str:
    hint = (
        "start the emulator with 'noldo emulator serve' or correct the address"
        if is_loopback(url)
        else "check source.url and source.project in the recipe, and the network"
    )
    return f"Earth Engine at {url} does not answer ({error}); {hint}"
