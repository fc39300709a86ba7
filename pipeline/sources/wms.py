"""A Web Map Service (OGC 01-068r3, 06-042): capabilities, legend and maps. The one place that speaks WMS."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httplib2
import numpy as np
import requests
from numpy.typing import NDArray

from pipeline import files
from pipeline.schema.errors import FailureKind, NoldoError, SourceError, UsageError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Attempt
from pipeline.sources.pace import Slot
from pipeline.sources.retry import LOCAL_RETRY, SERVICE_RETRY, BrokenAnswerError, with_retries
from pipeline.sources.wms_answers import page_text, read_image, told
from pipeline.sources.wms_capabilities import JSON, Offer, read_offer
from pipeline.sources.wms_legend import BLENDED, Legend, check_apart, legend_of_json, legend_of_picture
from pipeline.sources.wms_settings import WmsSettings

Read = TypeVar("Read")

MAX_ANSWER_BYTES: Final = 1 << 28
"""No answer is read further than this: the largest map is 8192 x 8192 pixels of 4 bytes, uncompressed."""

AGENT: Final = "noldo (rebuilds the NoLDO-S12 data set)"
"""How requests name themselves, so that the service's keepers know who asks."""

STAGE: Final = "labels"
"""The stage that the ledger's attempts belong to."""

MOSTLY_BLENDED: Final = 0.9
"""A map is drawn in other colours than the legend's if a larger share of what is drawn has none of those."""

ENOUGH_DRAWN: Final = 0.05
"""Share of a map that must be drawn to judge it so: thin lines alone are all blended."""

_BLOCK_BYTES: Final = 1 << 18
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class MapWindow:
    """One map to ask for: a rectangle of the service's coordinate system and its size."""

    crs: str
    left: float
    """Easting or longitude, in the system's own unit, as are the others."""
    bottom: float
    right: float
    top: float
    width_px: int
    height_px: int


class _UnavailableError(Exception):
    """An HTTP status that may be another one the next time."""

    def __init__(self, message: str, response: requests.Response) -> None:
        super().__init__(message)
        self.resp = httplib2.Response({**response.headers, "status": str(response.status_code)})


class MapService:
    """One layer of a map service. Its methods raise SourceError, whose kind says what to do, or UsageError.

    For any number of threads, of which one asks at a time.
    """

    def __init__(
        self,
        settings: WmsSettings,
        *,
        url: str | None = None,
        identity: str | None = None,
        cache: AnyPath | None = None,
        report: Callable[[Attempt], None] = lambda _: None,
    ) -> None:
        """`url` stands in for the settings' where they name none; `identity` for an address that changes.

        `cache` is the folder where maps are kept, `report` gets every attempt. Nothing is asked yet.
        """
        chosen = settings.url or url
        if chosen is None:
            raise UsageError("the recipe names no map service; give its address under 'url'")
        self._settings = settings
        self._url = chosen
        self._where = urlunsplit(urlsplit(chosen)._replace(query="", fragment=""))
        self._identity = identity or chosen
        self._cache = cache
        self._report = report
        host = urlsplit(chosen).hostname
        local = host in _LOCAL
        self._policy = replace(LOCAL_RETRY if local else SERVICE_RETRY, attempts=settings.attempts)
        self._session = requests.Session()
        self._session.trust_env = not local
        self._session.headers["User-Agent"] = AGENT
        self._turn = threading.Lock()
        self._next_s = 0.0
        self._received_bytes = 0
        self._known: tuple[Offer, Legend] | None = None
        self._reading = threading.Lock()

    def offer(self) -> Offer:
        """What the service offers of the layer; asked once."""
        return self._learned()[0]

    def legend(self) -> Legend:
        """The layer's legend; asked once."""
        return self._learned()[1]

    def codes(self, window: MapWindow, about: str = "") -> NDArray[np.uint8]:
        """The class of every pixel of a map: (height, width), 1..13, IGNORE where nothing is mapped, or BLENDED.

        Raises SourceError (permanent) for a map that is not drawn in the legend's colours.
        """
        return self._map(window, about, self._classes)

    def image(self, window: MapWindow, about: str = "") -> NDArray[np.uint8]:
        """A map as (height, width, 4): red, green, blue and opacity, 0..255; from the cache where it lies there.

        `about` says whom it is for, in the ledger. Raises ValueError for a map larger than the service draws.
        """
        return self._map(window, about, lambda image: image)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _map(
        self, window: MapWindow, about: str, understood: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    ) -> NDArray[np.uint8]:
        """What is `understood` of a map; one for which that raises is not kept."""
        offer, legend = self._learned()
        if max(window.width_px, window.height_px) > offer.max_px:
            raise ValueError(f"a map of {window.width_px} x {window.height_px} pixels, at most {offer.max_px} a side")
        size = (window.width_px, window.height_px)
        kept = self._kept(window, legend)
        if kept is not None and files.is_file(kept):
            try:
                return understood(read_image(kept.read_bytes(), size, str(kept)))
            except (BrokenAnswerError, SourceError):
                files.remove(kept)
        asked = partial(self._get, {**self._common("GetMap"), **_map_query(window, self._settings)})
        body, found = self._ask(asked, lambda body: (body, understood(read_image(body, size, self._where))), about)
        if kept is not None:
            files.write_bytes(kept, body)
        return found

    def _classes(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        codes = self.legend().codes(image, self._settings.colour_distance)
        drawn, blended = int((codes != IGNORE).sum()), int((codes == BLENDED).sum())
        if drawn >= ENOUGH_DRAWN * codes.size and blended > MOSTLY_BLENDED * drawn:
            raise SourceError(
                FailureKind.PERMANENT,
                f"{self._where}: {blended / drawn:.0%} of what is drawn has none of the legend's colours; is the map "
                "in another style, or half transparent?",
            )
        return codes

    def _learned(self) -> tuple[Offer, Legend]:
        with self._reading:
            if self._known is None:
                asked = partial(self._get, self._common("GetCapabilities"))
                offer = self._ask(asked, lambda body: read_offer(body, self._settings, self._where), "capabilities")
                legend = self._ask(*self._legend_request(offer), "legend")
                check_apart(legend, self._settings.colour_distance, self._where)
                self._known = (offer, legend)
            return self._known

    def _legend_request(self, offer: Offer) -> tuple[Callable[[], bytes], Callable[[bytes], Legend]]:
        settings, where = self._settings, self._where
        query = self._common("GetLegendGraphic") | {
            "layer": settings.layer, "style": settings.style, "sld_version": "1.1.0", "format": offer.legend_format,
        }  # fmt: skip
        asked = partial(self._get, query)
        if offer.legend_format == JSON:
            return asked, lambda body: legend_of_json(_json(body, where), settings.classes, where)
        if offer.legend_url is not None and _same_place(offer.legend_url, self._url):
            asked = partial(self._get, dict(parse_qsl(urlsplit(offer.legend_url).query)), offer.legend_url)
        return asked, lambda body: legend_of_picture(read_image(body, None, where), settings.classes, where)

    def _common(self, request: str) -> dict[str, str]:
        own = dict(parse_qsl(urlsplit(self._url).query, keep_blank_values=True))
        return own | {"service": "WMS", "version": self._settings.version, "request": request}

    def _kept(self, window: MapWindow, legend: Legend) -> AnyPath | None:
        """Where a map is kept: what decides its pixels makes the name, the legend's colours included."""
        if self._cache is None:
            return None
        chosen = [self._identity, self._settings.layer, self._settings.style, legend.entries]
        key = json.dumps([*chosen, list(vars(window).values())])
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._cache / name[:2] / f"{name}.png"

    def _ask(self, send: Callable[[], bytes], read: Callable[[bytes], Read], about: str) -> Read:
        def record(attempt: int, failure: NoldoError | None, seconds: float) -> None:
            kind = "ok" if failure is None else getattr(failure, "kind", FailureKind.PERMANENT).value
            message = "" if failure is None else str(failure)
            self._report(Attempt(STAGE, about, attempt, kind, message, seconds * 1000.0, self._received_bytes))

        return with_retries(
            send, read, policy=self._policy, expected=(NoldoError, _UnavailableError, BrokenAnswerError, OSError),
            slot=self._slot, record=record,
        )  # fmt: skip

    @contextmanager
    def _slot(self) -> Iterator[Slot]:
        """One request at a time, begun no sooner than the rate allows."""
        with self._turn:
            time.sleep(max(self._next_s - time.monotonic(), 0.0))
            self._next_s = time.monotonic() + 1.0 / self._settings.per_second
            yield _Unheeded()

    def _get(self, query: Mapping[str, str], url: str | None = None) -> bytes:
        """The body of a successful answer. Goes to the recipe's own address and nowhere else."""
        self._received_bytes = 0
        address = urlunsplit(urlsplit(url or self._url)._replace(query="", fragment=""))
        limit_s = self._settings.timeout_s
        try:
            with self._session.get(
                address, params=dict(query), timeout=limit_s, allow_redirects=False, stream=True
            ) as response:
                body = self._body(response, time.monotonic() + limit_s)
        except requests.Timeout as error:
            raise TimeoutError(f"{self._where} does not answer within {limit_s:g} s") from error
        except requests.RequestException as error:
            raise ConnectionError(f"{self._where} ({_reason(error)})") from error
        self._check_status(response, body)
        return body

    def _body(self, response: requests.Response, latest: float) -> bytes:
        blocks = []
        for block in response.iter_content(_BLOCK_BYTES):
            blocks.append(block)
            self._received_bytes += len(block)
            if time.monotonic() > latest:
                raise TimeoutError(f"{self._where}: the answer took longer than {self._settings.timeout_s:g} s")
            if self._received_bytes > MAX_ANSWER_BYTES:
                raise SourceError(FailureKind.PERMANENT, f"{self._where}: an answer of more than 256 MiB")
        return b"".join(blocks)

    def _check_status(self, response: requests.Response, body: bytes) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if response.is_redirect:
            to = response.headers["location"]
            raise SourceError(
                FailureKind.PERMANENT,
                f"{self._where} sends on to {to}; put that address into the recipe if it is right",
            )
        said = f"{self._where}: {page_text(body)}"
        if status in (408, 429) or status >= 500:
            raise _UnavailableError(said, response)
        raise SourceError(FailureKind.PERMANENT, f"HTTP {status}: {said}")


class _Unheeded:
    """A slot from whose end nothing is learned."""

    def ended(self, kind: str) -> None:
        """As in Slot."""


def _map_query(window: MapWindow, settings: WmsSettings) -> dict[str, str]:
    """What GetMap wants: version 1.3.0 takes the axes as the system defines them, 1.1.1 always x, y."""
    box: tuple[float, ...] = (window.left, window.bottom, window.right, window.top)
    if settings.version == "1.3.0" and window.crs == "EPSG:4326":
        box = (window.bottom, window.left, window.top, window.right)
    return {
        "layers": settings.layer,
        "styles": settings.style,
        "crs" if settings.version == "1.3.0" else "srs": window.crs,
        "bbox": ",".join(repr(float(edge)) for edge in box),
        "width": str(window.width_px),
        "height": str(window.height_px),
        "format": settings.format,
        "transparent": "TRUE",
    }


def _reason(error: BaseException) -> str:
    """The words of the exception that the others were raised from."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _json(body: bytes, where: str) -> bytes:
    """The body, unless it is a page that says why there is no legend."""
    if body.lstrip()[:1] in (b"{", b"["):
        return body
    raise told(body, where)


def _same_place(one: str, other: str) -> bool:
    a, b = urlsplit(one), urlsplit(other)
    return (a.scheme, a.hostname, a.port) == (b.scheme, b.hostname, b.port)
